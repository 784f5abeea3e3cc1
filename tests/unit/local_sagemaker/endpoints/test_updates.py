"""The engine over real model servers while endpoints change: weights, counts, traffic that moves, and back again."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.endpoints import endpoint as decision
from local_sagemaker.errors import ValidationException
from tests.unit.local_sagemaker.endpoints.harness import ECHO, Local, archive, running
from tests.waiting import wait_for

MODEL = {"name.txt": "one", "code/inference.py": ECHO}
BREAKABLE = "import os\nif os.path.exists('broken'): raise RuntimeError('broken now')\n" + ECHO
TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a server a core, at most")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with running(tmp_path) as found:
        yield found


def two_variants(local: Local, name: str) -> None:
    """An endpoint whose variants A and B answer a and b; B has no weight."""
    for model in ("a", "b"):
        local.create_model(model, archive(local.folder / f"{model}.tar.gz", {**MODEL, "name.txt": model}))
    local.create_config(
        name,
        {"ModelName": "a", "VariantName": "A", "InitialVariantWeight": 1.0},
        {"ModelName": "b", "VariantName": "B", "InitialVariantWeight": 0.0},
    )
    local.create_endpoint(name, name)
    assert local.settled(name)["EndpointStatus"] == "InService"


def new_model(local: Local, name: str, **members: str) -> None:
    """A model and a configuration over it, to update to."""
    local.create_model(name, archive(local.folder / f"{name}.tar.gz", {**MODEL, "name.txt": name, **members}))
    local.create_config(name, {"ModelName": name})


def blue_green(kind: str, wait: int, **sizes: Any) -> dict[str, Any]:
    """A DeploymentConfig."""
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


CANARY = blue_green("CANARY", 3600, CanarySize={"Type": "CAPACITY_PERCENT", "Value": 50})


@contextmanager
def load(local: Local, name: str) -> Iterator[list[bytes]]:
    """Invocations without a pause, all of which must be answered; their answers so far."""
    answers: list[bytes] = []
    failures: list[Exception] = []
    done = threading.Event()

    def invoke() -> None:
        while not done.is_set():
            try:
                answers.append(local.invoke(name)["Body"])
            except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test below
                failures.append(error)

    threads = [threading.Thread(target=invoke) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_new_weights_move_the_traffic_and_keep_the_servers(local: Local) -> None:
    two_variants(local, "both")
    pids = local.server_pids("both")
    assert local.invoke("both")["Body"] == b"a:x"
    local.change("both", A={"DesiredWeight": 0.0}, B={"DesiredWeight": 2.0})
    found = local.settled("both")
    assert {local.invoke("both")["Body"] for _ in range(10)} == {b"b:x"}
    assert [variant["CurrentWeight"] for variant in found["ProductionVariants"]] == [0.0, 2.0]
    assert (found["EndpointStatus"], local.server_pids("both")) == ("InService", pids)
    local.create_config("again", {"ModelName": "a", "VariantName": "A"})
    local.update("both", "again", RetainAllVariantProperties=True)
    assert local.settled("both")["ProductionVariants"][0]["CurrentWeight"] == 0.0


def test_a_change_that_comes_in_the_middle_of_a_round_is_done_before_it_is_said_to_be(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.deploy("echo", MODEL)
    local.engine.stop()
    reconciler = local.reconciler

    def and_then(step: str, act: Callable[[], None]) -> None:
        original = getattr(reconciler, step)

        def once(*arguments: Any) -> Any:
            found = original(*arguments)
            monkeypatch.undo()
            act()
            return found

        monkeypatch.setattr(reconciler, step, once)

    and_then("_bring_up", lambda: local.change("echo", AllTraffic={"DesiredWeight": 5.0}))
    reconciler.reconcile()
    found = local.describe("echo")
    assert (found["EndpointStatus"], found["ProductionVariants"][0]["CurrentWeight"]) != ("InService", 1.0)
    reconciler.reconcile()
    and_then("_keep_up", lambda: local.delete("echo"))
    reconciler.reconcile()
    assert local.context.routes.route("echo") is None  # its server was told to end


@TWO_CORES
def test_servers_come_and_go_without_a_failed_request(local: Local) -> None:
    local.deploy("echo", MODEL)
    first = local.server_pids("echo")
    with load(local, "echo") as answers:
        local.change("echo", AllTraffic={"DesiredInstanceCount": 2})
        found = local.settled("echo")
        assert (found["EndpointStatus"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 2)
        assert len(local.server_pids("echo")) == 2
        local.change("echo", AllTraffic={"DesiredInstanceCount": 1})
        assert local.settled("echo")["ProductionVariants"][0]["CurrentInstanceCount"] == 1
        assert local.server_pids("echo") == first
        count = len(answers)
        wait_for(lambda: len(answers) > count + 10, "answers of the one that is left")


@TWO_CORES
def test_a_change_that_does_not_come_up_is_taken_back(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "MAX_PAUSE_SECONDS", 0.1)
    local.deploy("echo", {**MODEL, "code/inference.py": BREAKABLE})
    pids = local.server_pids("echo")
    (next(local.settings.endpoints_dir.glob("echo/deployments/*/AllTraffic/model")) / "broken").touch()
    local.change("echo", AllTraffic={"DesiredInstanceCount": 2, "DesiredWeight": 5.0})
    found = local.settled("echo")
    assert found["EndpointStatus"] == "InService"
    assert found["FailureReason"].endswith("RuntimeError: broken now")
    variant = found["ProductionVariants"][0]
    assert (variant["DesiredInstanceCount"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (1, 1, 1.0)
    assert (local.invoke("echo")["Body"], local.server_pids("echo")) == (b"one:x", pids)


def test_traffic_moves_step_by_step_and_a_crash_in_between_loses_nothing(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.start()
    try:
        local.deploy("echo", MODEL)
        new_model(local, "two")
        local.update("echo", "two", DeploymentConfig=CANARY)

        def status() -> str:
            variant = local.describe("echo")["PendingDeploymentSummary"]["ProductionVariants"][0]
            return f"{variant['VariantStatus'][0]['Status']} {variant['CurrentInstanceCount']}"

        wait_for(lambda: status() == "ActivatingTraffic 1", "first step")
        assert {local.invoke("echo")["Body"] for _ in range(40)} == {b"one:x", b"two:x"}
        pids = local.server_pids("echo")
        local.abandon()
        _pass_time(local, 3600)
        local.start()
        wait_for(lambda: status() == "Baking 1", "second step")
        wait_for(lambda: {local.invoke("echo")["Body"] for _ in range(10)} == {b"two:x"}, "all traffic")
        assert local.server_pids("echo") == pids  # the old one is kept
        local.abandon()
        _pass_time(local, 3600)
        local.start()
        found = local.settled("echo")
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "two")
        assert found["LastDeploymentConfig"] == CANARY
        wait_for(lambda: len(local.server_pids("echo")) == 1, "end of the old server")
        assert local.server_pids("echo")[0] in pids
    finally:
        local.close()
        local.finish()


def test_new_servers_that_die_while_traffic_moves_roll_the_update_back(local: Local) -> None:
    local.deploy("echo", MODEL)
    old = local.server_pids("echo")
    new_model(local, "two")
    with load(local, "echo") as answers:
        local.update("echo", "two", DeploymentConfig=CANARY)
        wait_for(lambda: b"two:x" in answers, "answer of the new model")
        new = [pid for pid in local.server_pids("echo") if pid not in old]
    os.kill(new[0], signal.SIGKILL)
    seen: list[str] = []

    def settled() -> bool:
        seen.append(local.describe("echo")["EndpointStatus"])
        return seen[-1] == "InService"

    wait_for(settled, "end of the roll back")
    found = local.describe("echo")
    assert set(seen) <= {"Updating", "RollingBack", "InService"}
    assert "was ended by SIGKILL" in found["FailureReason"]
    assert (found["EndpointConfigName"], local.server_pids("echo")) == ("echo", old)
    assert {local.invoke("echo")["Body"] for _ in range(10)} == {b"one:x"}


def test_an_update_that_takes_too_long_is_rolled_back(local: Local) -> None:
    local.deploy("echo", MODEL)
    new_model(local, "slow", **{"code/inference.py": "import time; time.sleep(600)"})
    config = blue_green("ALL_AT_ONCE", 0)
    config["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 1
    local.update("echo", "slow", DeploymentConfig=config)
    found = local.settled("echo")
    assert found["FailureReason"] == "The update took longer than MaximumExecutionTimeoutInSeconds, 1 seconds."
    assert (found["EndpointStatus"], local.invoke("echo")["Body"]) == ("InService", b"one:x")


@TWO_CORES
def test_what_was_asked_for_before_a_crash_is_done_after_it(tmp_path: Path) -> None:
    local = Local(tmp_path)
    local.start()
    try:
        local.deploy("counted", MODEL)
        local.deploy("updated", MODEL)
        local.deploy("broken", MODEL)
        new_model(local, "two")
        new_model(local, "bad", **{"code/inference.py": "raise ValueError('no good')"})
        pids = {name: local.server_pids(name) for name in ("counted", "updated", "broken")}
        local.abandon()
        # Accepted, and killed before anything was done.
        local.change("counted", AllTraffic={"DesiredInstanceCount": 2, "DesiredWeight": 3.0})
        local.update("updated", "two")
        local.update("broken", "bad")
        local.start()
        wait_for(lambda: len(local.server_pids("counted")) == 2, "second server")
        local.abandon()  # and again, in the middle
        local.start()
        counted, updated, broken = (local.settled(name) for name in ("counted", "updated", "broken"))
        variant = counted["ProductionVariants"][0]
        assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 3.0)
        assert set(pids["counted"]) < set(local.server_pids("counted"))
        assert (updated["EndpointConfigName"], local.invoke("updated")["Body"]) == ("two", b"two:x")
        assert broken["FailureReason"].endswith("ValueError: no good")
        assert (local.invoke("broken")["Body"], local.server_pids("broken")) == (b"one:x", pids["broken"])
        local.change("counted", AllTraffic={"DesiredInstanceCount": 1})
        local.abandon()
        local.start()
        local.settled("counted")
        assert local.server_pids("counted") == pids["counted"]
    finally:
        local.close()
        local.finish()


def test_only_an_endpoint_in_service_is_changed(local: Local) -> None:
    new_model(local, "bad", **{"code/inference.py": "raise ValueError('no good')"})
    local.create_endpoint("bad", "bad")
    with pytest.raises(ValidationException, match="Cannot update in-progress endpoint"):
        local.change("bad", AllTraffic={"DesiredWeight": 1.0})
    local.settled("bad")
    with pytest.raises(ValidationException, match="in status Failed; delete it, then create it"):
        local.change("bad", AllTraffic={"DesiredWeight": 1.0})


def test_a_model_may_lie_unpacked_below_a_prefix(local: Local) -> None:
    folder = local.folder / "unpacked"
    (folder / "code").mkdir(parents=True)
    (folder / "name.txt").write_text("plain")
    (folder / "code" / "inference.py").write_text(ECHO)
    source = {"S3Uri": f"file://{folder}/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    local.create_model("plain", "", source=source)
    local.create_config("plain", {"ModelName": "plain"})
    local.create_endpoint("plain", "plain")
    assert local.settled("plain")["EndpointStatus"] == "InService"
    assert local.invoke("plain")["Body"] == b"plain:x"
    (folder / "name.txt").unlink()
    nothing = {**source, "S3Uri": f"file://{local.folder}/none/"}
    local.create_model("nothing", "", source=nothing)
    local.create_config("nothing", {"ModelName": "nothing"})
    local.create_endpoint("nothing", "nothing")
    assert local.settled("nothing")["FailureReason"].startswith("Could not find model data at")


def _pass_time(local: Local, seconds: float) -> None:
    """As if so much time had passed since traffic began to move."""
    with local.context.database.transaction() as connection:
        connection.execute("UPDATE deployments SET shift_started_at = shift_started_at - ?", (seconds,))
