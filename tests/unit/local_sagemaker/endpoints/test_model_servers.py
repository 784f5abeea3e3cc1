"""The engine over real model servers: brought up, killed, adopted, replaced, let go."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_sagemaker.engine.endpoints import endpoint as decision
from local_sagemaker.errors import ModelError, ServiceUnavailable, ValidationError, ValidationException
from local_sagemaker.runtime import mount_namespace
from local_sagemaker.runtime.serving.logs import log_streams
from tests.unit.local_sagemaker.endpoints.harness import ECHO, Local, archive, running
from tests.waiting import wait_for

MODEL = {"name.txt": "one", "code/inference.py": ECHO}
PROBE = """
import asyncio, json, os, sys, time
def model_fn(model_dir): return model_dir
def input_fn(body, content_type): return bytes(body).decode()
def predict_fn(command, model_dir):
    if command == "environment":
        name = open(os.path.join(model_dir, "name.txt")).read()
        return {"cwd": os.getcwd(), "model_dir": model_dir, "name": name, "env": dict(os.environ), "path": sys.path}
    if command == "pid": return os.getpid()
    if command == "server": return os.getppid()
    if command == "threads": return [os.environ["SAGEMAKER_MODEL_SERVER_WORKERS"], os.environ["OMP_NUM_THREADS"]]
    if command == "die": os._exit(9)
    if command.startswith("sleep"): time.sleep(float(command.split()[1])); return "slept"
    if command == "exit": sys.exit("enough")
    if command == "cancel": raise asyncio.CancelledError("given up")
    if command == "teapot":
        error = ValueError("I'm a teapot"); error.status_code = 418
        raise error
    raise KeyError(command)
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with running(tmp_path) as found:
        yield found


def ask(local: Local, command: str, endpoint: str = "probe") -> object:
    return json.loads(local.invoke(endpoint, command.encode())["Body"])


@pytest.mark.parametrize("opt_ml", ["mounted", "moved"])
def test_a_model_sees_sagemakers_environment_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opt_ml: str
) -> None:
    if opt_ml == "mounted" and (why_not := mount_namespace.available()):
        pytest.skip(why_not)
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "1")
    with running(tmp_path, opt_ml=opt_ml) as local:
        url = archive(local.folder / "probe.tar.gz", {"name.txt": "x", "code/main.py": PROBE})
        local.create_model(
            "probe",
            url,
            SAGEMAKER_PROGRAM="main.py",
            SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code",
            OMP_NUM_THREADS="7",
            MINE="yes",
        )
        local.create_config("probe", {"ModelName": "probe"})
        local.create_endpoint("probe", "probe")
        assert local.settled("probe")["EndpointStatus"] == "InService"
        found = ask(local, "environment")
        assert isinstance(found, dict)
        env, model_dir = found["env"], found["model_dir"]
        assert (model_dir == "/opt/ml/model") == (opt_ml == "mounted")
        assert found["name"] == "x"
        assert (found["cwd"], env["SM_MODEL_DIR"]) == (model_dir, model_dir)
        assert env["SAGEMAKER_SUBMIT_DIRECTORY"] == f"{model_dir}/code"
        assert (env["SAGEMAKER_PROGRAM"], env["MINE"], env["OMP_NUM_THREADS"]) == ("main.py", "yes", "7")
        assert "SECRET_OF_THE_SERVER" not in env
        assert "PYTHONPATH" not in env
        assert found["path"][0] == f"{model_dir}/code"
        assert str(Path(__file__).parents[4]) not in found["path"]  # `import datasets` must not find ours


def test_errors_of_the_model_are_model_errors_with_its_words(local: Local) -> None:
    assert local.deploy("probe", {"code/inference.py": PROBE})["EndpointStatus"] == "InService"
    with pytest.raises(ModelError) as raised:
        ask(local, "unknown")
    error = raised.value
    body = '{"code": "KeyError", "message": "\'unknown\'"}'
    assert (error.status, error.members["OriginalStatusCode"], error.members["OriginalMessage"]) == (424, 500, body)
    assert error.message == (
        f'Received server error (500) from primary with message "{body}". See https://us-east-1.console.aws.amazon.com/'
        "cloudwatch/home?region=us-east-1#logEventViewer:group=/aws/sagemaker/Endpoints/probe in account 123456789012"
        " for more information."
    )
    (stream, log), *_ = log_streams(local.settings, "probe").items()
    assert error.members["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/probe:log-stream:{stream}")
    wait_for(lambda: "KeyError: 'unknown'" in log.read_text(), "traceback in the log")
    with pytest.raises(ModelError, match=r"Received client error \(418\) from primary") as raised:
        ask(local, "teapot")
    assert json.loads(raised.value.members["OriginalMessage"]) == {"code": "ValueError", "message": "I'm a teapot"}
    with pytest.raises(ModelError, match=r"\(500\).*enough"):
        ask(local, "exit")
    with pytest.raises(ModelError, match=r"\(500\).*given up"):  # as soon as it is raised, not when the time is up
        ask(local, "cancel")
    assert ask(local, "server") == local.server_pids("probe")[0]


def test_an_invocation_that_ends_its_worker_twice_is_a_model_error_and_the_server_lives_on(local: Local) -> None:
    local.deploy("probe", {"code/inference.py": PROBE})
    server, worker = ask(local, "server"), ask(local, "pid")
    with pytest.raises(ModelError, match=r"WorkerEnded.*exited with code 9 before it answered") as raised:
        ask(local, "die")
    assert raised.value.members["OriginalStatusCode"] == 500
    assert ask(local, "server") == server  # the request waits for a new worker, if it must
    assert ask(local, "pid") != worker
    assert local.describe("probe")["EndpointStatus"] == "InService"


def test_the_container_says_how_many_workers_there_are(local: Local) -> None:
    local.create_model(
        "probe",
        archive(local.folder / "probe.tar.gz", {"code/inference.py": PROBE}),
        SAGEMAKER_MODEL_SERVER_WORKERS="1",
    )
    local.create_config("probe", {"ModelName": "probe"})
    local.create_endpoint("probe", "probe")
    local.settled("probe")
    assert ask(local, "threads") == ["1", str(min(2, len(os.sched_getaffinity(0))))]  # of ml.m5.large's two CPUs
    local.create_model("bad", archive(local.folder / "bad.tar.gz", MODEL), SAGEMAKER_MODEL_SERVER_WORKERS="several")
    local.create_config("bad", {"ModelName": "bad"})
    local.create_endpoint("bad", "bad")
    reason = local.settled("bad")["FailureReason"]
    assert reason.endswith("SAGEMAKER_MODEL_SERVER_WORKERS is 'several'; it takes a whole number of at least 1")


def test_killed_servers_are_started_again(local: Local) -> None:
    local.deploy("echo", MODEL)
    for _ in range(2):
        before = local.server_pids("echo")
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{before[0]}").exists(), "end of the model server")  # noqa: B023 - called here
        assert local.invoke("echo")["Body"] == b"one:x"  # waits for the new one
        assert local.server_pids("echo") not in (before, [])


def test_long_downloads_of_others_do_not_keep_a_server_from_coming_back(local: Local) -> None:
    local.deploy("echo", MODEL)
    gate = threading.Event()
    for number in range(8):
        local.background.start(number, gate.wait)
    try:
        os.kill(local.server_pids("echo")[0], signal.SIGKILL)
        wait_for(lambda: not local.server_pids("echo"), "end of the model server")
        assert local.invoke("echo")["Body"] == b"one:x"
    finally:
        gate.set()


def test_a_crash_loop_fails_the_endpoint_with_the_reason(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "MAX_PAUSE_SECONDS", 0.1)
    members = {
        "code/inference.py": "import os\nif os.path.exists('broken'): raise RuntimeError('broken now')\n" + ECHO,
        "name.txt": "n",
    }
    local.deploy("echo", members)
    model = next(local.settings.endpoints_dir.glob("echo/deployments/*/AllTraffic/model"))
    (model / "broken").touch()
    os.kill(local.server_pids("echo")[0], signal.SIGKILL)
    found = wait_for(lambda: (d := local.describe("echo"))["EndpointStatus"] == "Failed" and d, "Failed")
    assert "exited with code 1, 5 times in a row" in found["FailureReason"]
    assert found["FailureReason"].endswith("RuntimeError: broken now")
    with pytest.raises(ValidationError, match=r"status is Failed.*broken now"):
        local.invoke("echo")


def test_several_instances_share_the_work(local: Local) -> None:
    cores = len(os.sched_getaffinity(0))
    found = local.deploy("probe", {"code/inference.py": PROBE}, InitialInstanceCount=cores + 1)
    variant = found["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (cores, cores + 1)
    assert len(local.server_pids("probe")) == cores
    threads = [threading.Thread(target=ask, args=(local, "sleep 0.5")) for _ in range(cores)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 0.5 * cores + 0.4 or cores == 1


def test_variants_are_chosen_by_name_and_by_weight(local: Local) -> None:
    for name in ("a", "b"):
        local.create_model(name, archive(local.folder / f"{name}.tar.gz", {**MODEL, "name.txt": name}))
    local.create_config(
        "both",
        {"ModelName": "a", "VariantName": "A", "InitialVariantWeight": 1.0},
        {"ModelName": "b", "VariantName": "B", "InitialVariantWeight": 0.0},
    )
    local.create_endpoint("both", "both")
    assert local.settled("both")["EndpointStatus"] == "InService"
    answers = {(local.invoke("both")["Body"], local.invoke("both")["InvokedProductionVariant"]) for _ in range(10)}
    assert answers == {(b"a:x", "A")}
    assert local.invoke("both", TargetVariant="B")["Body"] == b"b:x"
    with pytest.raises(ValidationError, match="Variant C of endpoint both not found"):
        local.invoke("both", TargetVariant="C")


def test_a_model_that_takes_too_long_is_a_model_error_and_the_hung_worker_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path, invocation_timeout_seconds=0.5) as local:
        local.deploy("probe", {"code/inference.py": PROBE})
        server, hung = local.server_pids("probe"), ask(local, "pid")
        with pytest.raises(ModelError, match="Your invocation timed out") as raised:
            ask(local, "sleep 60")
        assert raised.value.members["OriginalStatusCode"] == 0
        assert "0.5 seconds" in raised.value.members["OriginalMessage"]
        (log,) = log_streams(local.settings, "probe").values()
        wait_for(lambda: "worker 0 was ended by SIGKILL" in log.read_text(), "end of the hung worker")
        assert local.server_pids("probe") == server
        assert wait_for(lambda: _try(local, "pid"), "answer") != hung


def test_a_full_queue_is_service_unavailable_with_retry_after(local: Local) -> None:
    local.create_model(
        "probe",
        archive(local.folder / "probe.tar.gz", {"code/inference.py": PROBE}),
        SAGEMAKER_MODEL_SERVER_WORKERS="1",
        MODEL_SERVER_QUEUE_SIZE="20",
    )
    local.create_config("probe", {"ModelName": "probe"})
    local.create_endpoint("probe", "probe")
    local.settled("probe")
    calls = [local.begin_to_invoke("probe", b"sleep 0.05") for _ in range(60)]
    refusals = [error for error in (call.exception(60) for call in calls) if error is not None]
    assert 20 <= len(calls) - len(refusals) < 60
    for error in refusals:
        assert isinstance(error, ServiceUnavailable)
        assert "its queue is full. Try again later" in error.message
        assert 1 <= int(error.headers["retry-after"]) <= 30


def test_256_invocations_at_once_are_all_answered(local: Local) -> None:
    local.deploy("probe", {"code/inference.py": PROBE})
    calls = [local.begin_to_invoke("probe", b"sleep 0.002") for _ in range(256)]
    assert {call.result(60)["Body"] for call in calls} == {b'"slept"'}


def test_after_kill_9_living_servers_are_adopted_and_dead_ones_replaced(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.start()
    local.deploy("living", MODEL)
    local.deploy("dead", {**MODEL, "name.txt": "two"})
    local.create_model("coming", archive(tmp_path / "coming.tar.gz", {**MODEL, "name.txt": "three"}))
    local.create_config("coming", {"ModelName": "coming"})
    living, dead = local.server_pids("living"), local.server_pids("dead")
    local.abandon()
    os.kill(dead[0], signal.SIGKILL)
    local.create_endpoint("coming", "coming")  # accepted, and killed before anything was done
    local.start()
    try:
        assert local.settled("coming")["EndpointStatus"] == "InService"
        assert local.invoke("living")["Body"] == b"one:x"
        assert local.invoke("dead")["Body"] == b"two:x"
        assert local.invoke("coming")["Body"] == b"three:x"
        assert local.server_pids("living") == living
        assert local.server_pids("dead") != dead
    finally:
        local.close()
        local.finish()


def test_a_shutdown_ends_model_servers_and_the_next_start_starts_them(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.start()
    local.deploy("echo", MODEL)
    pids = local.server_pids("echo")
    local.close()
    assert local.server_pids("echo") == []
    assert not Path(f"/proc/{pids[0]}").exists()
    local.start()
    try:
        assert local.describe("echo")["EndpointStatus"] == "InService"
        assert local.invoke("echo")["Body"] == b"one:x"
    finally:
        local.close()
        local.finish()


def test_an_update_under_load_fails_no_request_and_ends_the_old_servers(local: Local) -> None:
    local.deploy("echo", MODEL)
    old = local.server_pids("echo")
    local.create_model("new", archive(local.folder / "new.tar.gz", {**MODEL, "name.txt": "two"}))
    local.create_config("new", {"ModelName": "new"})
    answers: list[bytes] = []
    failures: list[Exception] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                answers.append(local.invoke("echo")["Body"])
            except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test below
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    local.update("echo", "new")
    with pytest.raises(ValidationException, match="Cannot update in-progress endpoint"):
        local.update("echo", "new")
    found = local.settled("echo")
    wait_for(lambda: b"two:x" in answers[-4:], "answer of the new model")
    wait_for(lambda: len(local.server_pids("echo")) == 1, "end of the old server")
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "new")
    assert set(answers) == {b"one:x", b"two:x"}
    assert answers.index(b"two:x") > 0
    assert local.server_pids("echo") != old
    wait_for(lambda: len(list(local.settings.endpoints_dir.glob("echo/deployments/*"))) == 1, "end of the old folder")


def test_an_update_lets_a_long_invocation_of_the_old_servers_end(local: Local) -> None:
    local.deploy("probe", {"code/inference.py": PROBE})
    local.create_config("again", {"ModelName": "probe"})
    answers: list[object] = []
    slow = threading.Thread(target=lambda: answers.append(ask(local, "sleep 2")))
    slow.start()
    local.update("probe", "again")
    assert local.settled("probe")["EndpointConfigName"] == "again"
    slow.join()
    assert answers == ["slept"]


def test_an_update_to_a_broken_model_is_rolled_back(local: Local) -> None:
    local.deploy("echo", MODEL)
    before = local.server_pids("echo")
    bad = "def model_fn(model_dir): raise ValueError('these weights do not fit')"
    local.create_model("bad", archive(local.folder / "bad.tar.gz", {"code/inference.py": bad}))
    local.create_config("bad", {"ModelName": "bad"})
    local.update("echo", "bad")
    found = local.settled("echo")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "echo")
    assert found["FailureReason"].endswith("ValueError: these weights do not fit")
    assert local.invoke("echo")["Body"] == b"one:x"
    assert local.server_pids("echo") == before
    local.create_config("good", {"ModelName": "echo"})
    local.update("echo", "good")
    assert "FailureReason" not in local.settled("echo")


def test_deleting_models_and_configurations_leaves_the_endpoint_alone(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.start()
    local.deploy("echo", MODEL)
    from local_sagemaker.operations.hosting import endpoint_configs, models

    models.delete_model(local.context, {"ModelName": "echo"})
    endpoint_configs.delete_endpoint_config(local.context, {"EndpointConfigName": "echo"})
    local.close()
    local.start()
    try:
        assert local.invoke("echo")["Body"] == b"one:x"
        assert local.describe("echo")["EndpointConfigName"] == "echo"
    finally:
        local.close()
        local.finish()


def test_a_deleted_endpoint_is_gone_with_its_servers_and_its_logs_stay(local: Local) -> None:
    local.deploy("echo", MODEL)
    pid = local.server_pids("echo")[0]
    local.delete("echo")

    def gone() -> bool:
        try:
            local.describe("echo")
        except ValidationException as error:
            return error.message.startswith("Could not find endpoint")
        return False

    wait_for(gone, "end of the endpoint")
    with pytest.raises(ValidationError, match="not found"):
        local.invoke("echo")
    assert not Path(f"/proc/{pid}").exists()
    assert not (local.settings.endpoints_dir / "echo" / "deployments").exists()
    assert "model loaded" in next(iter(log_streams(local.settings, "echo").values())).read_text()
    assert local.deploy("echo2", MODEL)["EndpointStatus"] == "InService"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"code/inference.py": "import no_such_module"}, "ModuleNotFoundError: No module named 'no_such_module'"),
        ({"code/inference.py": "import sys; sys.exit(3)"}, "exited with code 1"),
        ({"code/inference.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"}, "was ended by SIGSEGV"),
        ({"name.txt": "no code"}, "inference.py defines no model_fn"),
    ],
)
def test_a_model_that_does_not_come_up_fails_the_endpoint_with_its_last_words(
    local: Local, members: dict[str, str], reason: str
) -> None:
    found = local.deploy("bad", members)
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith(
        "The primary container for production variant AllTraffic did not pass the ping health check."
        " Please check CloudWatch logs for this endpoint."
    )
    assert reason in found["FailureReason"]
    wait_for(lambda: not (local.settings.endpoints_dir / "bad" / "deployments").exists(), "clean-up")
    with pytest.raises(ValidationError, match="status is Failed"):
        local.invoke("bad")


def test_a_model_that_hangs_while_it_is_loaded_fails_the_endpoint(tmp_path: Path) -> None:
    with running(tmp_path, startup_timeout_seconds=1.5) as local:
        found = local.deploy("slow", {"code/inference.py": "import time; time.sleep(600)"})
        assert found["EndpointStatus"] == "Failed"
        assert "No answer within 1.5 seconds" in found["FailureReason"]
        wait_for(lambda: local.server_pids("slow") == [], "end of the model server")


def test_model_data_that_cannot_be_had_fails_the_endpoint(local: Local) -> None:
    broken = local.folder / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    evil = local.folder / "evil.tar.gz"
    archive(evil, {"../" * 6 + "evil.txt": "x"})  # beside the folder of endpoints
    for name, url, reason in [
        ("missing", f"file://{local.folder}/none.tar.gz", "Could not find model data at"),
        ("broken", f"file://{broken}", "Failed to extract model data archive"),
        ("evil", f"file://{evil}", "Failed to extract model data archive"),
    ]:
        local.create_model(name, url)
        local.create_config(name, {"ModelName": name})
        local.create_endpoint(name, name)
        found = local.settled(name)
        assert found["EndpointStatus"] == "Failed"
        assert found["FailureReason"].startswith(reason)
        local.delete(name)
    assert not (local.settings.state_dir / "evil.txt").exists()


def test_what_a_client_sends_reaches_the_model_as_it_is(local: Local) -> None:
    headers = """
import json
def model_fn(model_dir): return None
def transform_fn(model, body, content_type, accept, context):
    context.set_response_header(0, "X-Amzn-SageMaker-Custom-Attributes", "trace=2")
    return json.dumps([len(body), dict(context.request_processor[0].get_request_properties())]), "application/json"
"""
    local.deploy("headers", {"code/inference.py": headers})
    answer = local.invoke(
        "headers",
        b"\x00\xff" * 1_000_000,
        ContentType="image/jpeg",
        Accept="application/json; top_k=5",
        CustomAttributes="trace=1",
    )
    size, seen = json.loads(answer["Body"])
    assert size == 2_000_000
    assert seen["content-type"] == "image/jpeg"
    assert seen["accept"] == "application/json; top_k=5"
    assert seen["x-amzn-sagemaker-custom-attributes"] == "trace=1"
    assert (answer["ContentType"], answer["CustomAttributes"]) == ("application/json", "trace=2")
    _, seen = json.loads(local.invoke("headers")["Body"])
    assert set(seen) <= {"host", "content-length"}
    with pytest.raises(ValidationError, match="at most 6291456"):
        local.invoke("headers", b"x" * 6_291_457)
    with pytest.raises(ValidationError, match="does not support TargetModel"):
        local.invoke("headers", TargetModel="m.tar.gz")


def test_a_fault_in_one_endpoint_does_not_stop_the_others(local: Local) -> None:
    folder = local.settings.endpoints_dir / "stuck"
    folder.mkdir(parents=True)
    (folder / "logs").touch()  # no folder: its model server cannot be started
    local.create_model("echo", archive(local.folder / "echo.tar.gz", MODEL))
    local.create_config("echo", {"ModelName": "echo"})
    local.create_endpoint("stuck", "echo")
    local.create_endpoint("free", "echo")
    assert local.settled("free")["EndpointStatus"] == "InService"
    assert local.describe("stuck")["EndpointStatus"] == "Creating"
    (folder / "logs").unlink()
    assert local.settled("stuck")["EndpointStatus"] == "InService"


def test_endpoints_that_do_not_serve_say_so(local: Local) -> None:
    with pytest.raises(ValidationError, match=r"^Endpoint nobody of account 123456789012 not found\.$"):
        local.invoke("nobody")
    local.create_model(
        "slow", archive(local.folder / "s.tar.gz", {"code/inference.py": "import time; time.sleep(600)"})
    )
    local.create_config("slow", {"ModelName": "slow"})
    local.create_endpoint("slow", "slow")
    with pytest.raises(ValidationError, match="its status is Creating"):
        local.invoke("slow")
    with pytest.raises(ValidationException, match="Cannot update in-progress endpoint"):
        local.delete("slow")


def test_requirements_that_cannot_be_had_fail_the_endpoint(local: Local) -> None:
    found = local.deploy(
        "needs", {**MODEL, "code/requirements.txt": "numpy>=1\n./no-such-package-here-0.0.0-py3-none-any.whl\n"}
    )
    assert found["EndpointStatus"] == "Failed"
    assert "requirements.txt cannot be installed" in found["FailureReason"]


def test_satisfied_requirements_install_nothing(local: Local) -> None:
    found = local.deploy("has", {**MODEL, "code/requirements.txt": "numpy\n"})
    assert found["EndpointStatus"] == "InService"
    assert not list(local.settings.endpoints_dir.glob("has/deployments/*/*/packages"))


def test_a_model_larger_than_its_volume_is_refused(local: Local) -> None:
    from local_sagemaker.runtime.serving import model as serving_model

    one_byte = serving_model.ModelSource(archive(local.folder / "m.tar.gz", MODEL), environment={}, volume_size_gb=1)
    serving_model.GIB, gib = 1, serving_model.GIB
    try:
        with pytest.raises(serving_model.ModelDataFailed, match="VolumeSizeInGB of 1"):
            serving_model.fetch(
                local.reconciler._objects, one_byte, local.folder / "v", local.folder / "cache", local.folder / "log"
            )
    finally:
        serving_model.GIB = gib


def _try(local: Local, command: str) -> object | None:
    try:
        return ask(local, command)
    except (ModelError, ServiceUnavailable):
        return None
