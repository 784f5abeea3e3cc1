"""Faults on demand: how they are written, how often they happen, and what clients see of them."""

import math
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_sagemaker.engine.killing import Killer
from local_sagemaker.faults import BadFaults, Faults
from local_sagemaker.runtime import process
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database
from tests.local_server import LocalServer, boto_client, running_server
from tests.waiting import wait_for

OPERATIONS = ("ListTrainingJobs", "DescribeTrainingJob")


def errors(faults: Faults, *request: str, times: int = 2000) -> Counter[str]:
    found = (faults.of_request(*request).error for _ in range(times))
    return Counter("none" if error is None else error.code for error in found)


def test_no_faults() -> None:
    faults = Faults()
    assert not faults.active
    assert not faults.kills
    assert errors(faults, "sagemaker") == {"none": 2000}
    assert faults.lifetime_seconds("training", "a") == math.inf


def test_faults_happen_as_often_as_asked() -> None:
    faults = Faults("latency=0.5:0.25, throttling=0.1, error=0.5, seed=1", OPERATIONS)
    found = errors(faults, "sagemaker", "ListTrainingJobs")
    assert 150 < found["ThrottlingException"] < 250
    assert 350 < found["InternalFailure"] < 550
    assert 350 < found["ServiceUnavailable"] < 550
    slow = [faults.of_request("logs").latency_seconds for _ in range(2000)]
    assert set(slow) == {0.0, 0.5}
    assert 400 < slow.count(0.5) < 600


def test_a_seed_gives_the_same_faults_again() -> None:
    asked = "throttling=0.3,kill=0.1,seed=7"
    one, other = Faults(asked), Faults(asked)
    assert [errors(one, "logs", times=1) for _ in range(50)] == [errors(other, "logs", times=1) for _ in range(50)]
    assert one.lifetime_seconds("training", "a#0") == other.lifetime_seconds("training", "a#0")
    assert one.lifetime_seconds("training", "a#0") != one.lifetime_seconds("training", "a#1")
    one.change(asked)
    assert errors(one, "logs") == errors(Faults(asked), "logs")


def test_the_narrowest_rule_holds() -> None:
    faults = Faults("throttling=1, logs.throttling=0, ListTrainingJobs.throttling=0", OPERATIONS)
    assert errors(faults, "sagemaker", "DescribeTrainingJob") == {"ThrottlingException": 2000}
    assert errors(faults, "sagemaker", "ListTrainingJobs") == {"none": 2000}
    assert errors(faults, "logs", "GetLogEvents") == {"none": 2000}
    assert errors(faults, "s3") == {"none": 2000}, "S3 must be named"
    assert errors(Faults("s3.throttling=1"), "s3") == {"ThrottlingException": 2000}


def test_lives_end_with_the_asked_probability_in_each_second() -> None:
    faults = Faults("kill=0.2, endpoint.kill=1, seed=3")
    lives = [faults.lifetime_seconds("training", str(number)) for number in range(5000)]
    assert 0.17 < sum(life < 1 for life in lives) / len(lives) < 0.23
    older = [life for life in lives if life >= 3]
    assert 0.16 < sum(life < 4 for life in older) / len(older) < 0.24
    assert faults.lifetime_seconds("endpoint", "a") == 0


@pytest.mark.parametrize(
    "text",
    [
        "throttling",
        "throttling=2",
        "throttling=1.2.3",
        "throttling=0.1:0.1",
        "latency=1:2",
        "latency=9999",
        "coffee=1",
        "MakeCoffee.error=0.1",
        "training.error=0.1",
        "sagemaker.kill=0.1",
        "error=0.1,error=0.2",
        "logs.seed=3",
        "seed=1.5",
    ],
)
def test_bad_rules_change_nothing(text: str) -> None:
    faults = Faults("error=1")
    with pytest.raises(BadFaults, match=text.rpartition(",")[2].split("=")[0]):
        faults.change(text)
    assert faults.text == "error=1"
    assert faults.of_request("sagemaker").error is not None


def test_the_killer_kills_what_has_lived_long_enough(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    faults = Faults()
    killer = Killer(settings, Database(settings.database_path), faults)
    folder = settings.endpoints_dir / "e/AllTraffic/1"
    process.spawn(folder, [sys.executable, "-c", "import time; time.sleep(600)"], cwd=tmp_path, env={})
    wait_for(
        lambda: isinstance(process.observe(folder), process.Running) and (folder / "process.json").exists(),
        "process",
        30,
    )
    assert killer.reconcile() is None
    faults.change("training.kill=1")
    assert killer.reconcile() is not None
    assert isinstance(process.observe(folder), process.Running)
    faults.change("endpoint.kill=1")
    killer.reconcile()
    wait_for(lambda: isinstance(process.observe(folder), process.Exited), "end of the process", 30)
    state = process.observe(folder)
    assert isinstance(state, process.Exited)
    assert state.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server that throttles every ListModels."""
    with running_server(tmp_path_factory.mktemp("state"), faults="ListModels.throttling=1") as server:
        yield server


def control(server: LocalServer, method: str, rules: str = "") -> tuple[int, str]:
    request = urllib.request.Request(f"{server}/faults", rules.encode() or None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().strip()


def code_of(call: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    told = caught.value.response
    return told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]


def test_clients_see_faults_and_their_retries_get_over_them(server: LocalServer) -> None:
    sagemaker, s3 = boto_client(server, "sagemaker"), boto_client(server, "s3")
    assert control(server, "GET") == (200, "ListModels.throttling=1")
    assert code_of(sagemaker.list_models) == ("ThrottlingException", 400)
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert control(server, "PUT", "error=1,s3.throttling=1") == (200, "error=1,s3.throttling=1")
    assert code_of(sagemaker.list_models)[1] in (500, 503)
    assert code_of(boto_client(server, "sts").get_caller_identity)[1] in (500, 503)
    assert code_of(s3.list_buckets) == ("SlowDown", 503)
    status, told = control(server, "PUT", "coffee=1")
    assert status == 400
    assert "latency, throttling, error" in told
    assert control(server, "PUT", "throttling=0.5,seed=1")[0] == 200
    patient = boto_client(server, "sagemaker", retries={"mode": "standard", "total_max_attempts": 10})
    assert [patient.list_models()["Models"] for _ in range(3)] == [[], [], []]
    assert control(server, "PUT") == (200, "")
    assert sagemaker.list_models()["Models"] == []


def test_bad_faults_refuse_the_start(tmp_path: Path) -> None:
    env = {
        "LOCAL_SAGEMAKER_FAULTS": "coffee=1",
        "LOCAL_SAGEMAKER_PORT": "0",
        "LOCAL_SAGEMAKER_STATE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "local_sagemaker"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "LOCAL_SAGEMAKER_FAULTS: 'coffee=1'" in ended.stderr
