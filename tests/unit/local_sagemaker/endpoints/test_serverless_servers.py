"""The engine over serverless endpoints: no model server while nobody asks, one for whoever does."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.endpoints import watched_server
from local_sagemaker.errors import ModelError, ServerlessThrottled, ServiceUnavailable, ValidationError
from local_sagemaker.runtime import memory
from tests.unit.local_sagemaker.endpoints.harness import Local, archive, running
from tests.waiting import wait_for

# Answers when the file that it is asked to wait for is there.
MODEL = {
    "code/inference.py": """
import json, os, time
def model_fn(model_dir): return model_dir
def input_fn(body, content_type): return bytes(body).decode()
def predict_fn(path, model_dir):
    while path and not os.path.exists(path): time.sleep(0.01)
    return os.getppid()  # the model server's; this is its only worker
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""
}
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
IDLE_SECONDS = 1.0


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with running(tmp_path, serverless_idle_seconds=IDLE_SECONDS) as found:
        yield found


def deploy(local: Local, **members: int) -> dict[str, Any]:
    return local.deploy("e", MODEL, ServerlessConfig={**SERVERLESS, **members})


def at_rest(local: Local) -> None:
    wait_for(lambda: not local.server_pids("e"), "end of the idle model servers")


def pid(local: Local, wait_for_file: str = "") -> int:
    return int(json.loads(local.invoke("e", wait_for_file.encode())["Body"]))


def test_servers_end_when_idle_and_start_for_the_next_invocation(local: Local) -> None:
    assert deploy(local)["EndpointStatus"] == "InService"
    at_rest(local)
    first = pid(local)
    assert local.server_pids("e") == [first]
    at_rest(local)
    assert local.describe("e")["EndpointStatus"] == "InService"
    assert pid(local) != first


def test_a_model_that_cannot_be_served_fails_the_creation(local: Local) -> None:
    found = local.deploy("e", {"code/inference.py": "raise ValueError('no good')"}, ServerlessConfig=SERVERLESS)
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].endswith("ValueError: no good")


def test_more_invocations_than_its_concurrency_are_throttled(local: Local, tmp_path: Path) -> None:
    deploy(local, MaxConcurrency=1)
    gate = tmp_path / "gate"
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(pid(local, str(gate))))
    waiting.start()
    wait_for(lambda: local.context.routes.take_demand("e").current == 1, "first invocation")
    try:
        with pytest.raises(ServerlessThrottled, match="1 invocations under way, its MaxConcurrency") as raised:
            pid(local)
    finally:
        gate.touch()
        waiting.join()
    assert (raised.value.status, raised.value.code) == (429, "ThrottlingException")
    assert answers == [pid(local)]


def test_servers_are_kept_while_they_work_and_provisioned_ones_for_ever(local: Local, tmp_path: Path) -> None:
    deploy(local, ProvisionedConcurrency=1)
    kept = pid(local)
    local.change("e", AllTraffic={"ServerlessUpdateConfig": {"MaxConcurrency": 3, "ProvisionedConcurrency": 1}})
    variant = local.settled("e")["ProductionVariants"][0]
    assert variant["CurrentServerlessConfig"] == {**SERVERLESS, "MaxConcurrency": 3, "ProvisionedConcurrency": 1}
    gate = tmp_path / "gate"
    threading.Timer(3 * IDLE_SECONDS, gate.touch).start()
    assert pid(local, str(gate)) == kept
    assert local.server_pids("e")[0] == kept


def test_payloads_are_bounded_as_on_aws(local: Local) -> None:
    deploy(local)
    with pytest.raises(ValidationError, match="at most 4194304"):
        local.invoke("e", b"x" * 4_194_305)


def test_a_server_that_uses_too_much_memory_is_killed(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(local)
    assert memory.resident_bytes(pid(local)) > 10 * 2**20
    monkeypatch.setattr(watched_server, "resident_bytes", lambda pid: 1025 * 2**20)
    with pytest.raises((ModelError, ServiceUnavailable)):
        pid(local, "/nothing")
    monkeypatch.undo()
    (log,) = local.settings.endpoints_dir.glob("e/logs/*/i-*")
    assert "it used 1025 MB of memory, more than MemorySizeInMB, 1024" in log.read_text()
    assert wait_for(lambda: _pid_or_none(local), "answer of a new server")


def test_a_restart_leaves_an_endpoint_at_rest_and_finds_what_runs(tmp_path: Path) -> None:
    local = Local(tmp_path, serverless_idle_seconds=IDLE_SECONDS)
    local.start()
    try:
        deploy(local)
        at_rest(local)
        local.abandon()
        local.start()
        first = pid(local)
        local.abandon()
        local.start()
        assert pid(local) == first  # found again
        at_rest(local)
    finally:
        local.close()
        local.finish()


def test_an_update_replaces_the_model_of_an_endpoint_at_rest(local: Local) -> None:
    deploy(local)
    at_rest(local)
    local.create_model("two", archive(local.folder / "two.tar.gz", MODEL))
    local.create_config("two", {"ModelName": "two", "ServerlessConfig": SERVERLESS})
    local.update("e", "two")
    found = local.settled("e")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "two")
    assert pid(local)
    at_rest(local)


def _pid_or_none(local: Local) -> int | None:
    try:
        return pid(local)
    except ModelError:  # of the server that was killed
        return None
