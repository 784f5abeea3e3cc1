"""Warm pools over the wire: their statuses, and that the next job's script starts where imports are done."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_sagemaker.runtime import shim
from tests.integration.toy_jobs import Toy, until
from tests.local_server import LocalServer, running_server
from tests.waiting import wait_for

# It says what was there before: what it imports at its start, and what only a run of it shows.
SCRIPT = """
import json, sys
before = ["numpy" in sys.modules, "asyncio" in sys.modules]
import numpy, os
def learned():
    import asyncio
learned()
print(json.dumps({"before": before, "job": os.environ["TRAINING_JOB_NAME"], "argv": sys.argv}), flush=True)
print("loss=0.5")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of this module's own."""
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=2) as running:
        yield running


@pytest.fixture(scope="module")
def toy(server: LocalServer) -> Toy:
    """Its clients."""
    return Toy(server)


def train(toy: Toy, name: str, script: str = SCRIPT, keep: int | None = 600, **more: Any) -> None:
    """Create a job whose instances are kept."""
    request = toy.request(name, script, **more)
    if keep is not None:
        request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = keep
    toy.sagemaker.create_training_job(**request)


def pool(toy: Toy, name: str) -> dict[str, Any]:
    """WarmPoolStatus; empty where there is none."""
    return dict(toy.describe(name).get("WarmPoolStatus") or {})


def said(toy: Toy, name: str) -> dict[str, Any]:
    """What the script said."""
    return dict(json.loads(next(line for line in toy.log(name) if line.startswith("{"))))


def templates(server: LocalServer) -> list[int]:
    """The processes from which jobs are forked: jobs are their children."""
    return [pid for pid in shim.descendants(server.pid) if _is_template(pid, server.pid)]


def _is_template(pid: int, server: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        parent = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"template.py" in command and int(parent) == server


def test_the_next_job_takes_over_the_instances_and_finds_imports_done(toy: Toy, server: LocalServer) -> None:
    train(toy, "first")
    toy.phase("first", "Training")
    assert toy.ended("first")["TrainingJobStatus"] == "Completed"
    available = pool(toy, "first")
    assert available.pop("ResourceRetainedBillableTimeInSeconds") >= 0
    assert available == {"Status": "Available"}
    train(toy, "second", hyperparameters={"lr": 0.1})
    assert toy.ended("second")["TrainingJobStatus"] == "Completed"
    assert said(toy, "first")["before"] == [True, False]
    assert said(toy, "second") == {"before": [True, True], "job": "second", "argv": ["train.py", "--lr", "0.1"]}
    reused = pool(toy, "first")
    assert (reused["Status"], reused["ReusedByJob"]) == ("Reused", "second")
    assert pool(toy, "second")["Status"] == "Available"
    listed = toy.sagemaker.list_training_jobs(WarmPoolStatusEquals="Reused")["TrainingJobSummaries"]
    assert [(job["TrainingJobName"], job["WarmPoolStatus"]["ReusedByJob"]) for job in listed] == [("first", "second")]
    assert len(templates(server)) == 1
    toy.sagemaker.update_training_job(TrainingJobName="second", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    assert pool(toy, "second")["Status"] == "Terminated"
    wait_for(lambda: not templates(server), "end of the template")
    with pytest.raises(ClientError, match="whose warm pool is Available"):
        toy.sagemaker.update_training_job(TrainingJobName="second", ResourceConfig={"KeepAlivePeriodInSeconds": 60})


def test_a_job_that_differs_in_its_instances_takes_over_nothing(toy: Toy) -> None:
    train(toy, "kept", "pass")
    toy.ended("kept")
    other = toy.request("other", "pass")
    other["ResourceConfig"]["InstanceType"] = "ml.m5.xlarge"
    toy.sagemaker.create_training_job(**other)
    toy.ended("other")
    assert pool(toy, "other") == {}
    assert pool(toy, "kept")["Status"] == "Available"
    toy.train("without", "pass")  # asks for no pool itself: the instances end with it
    toy.ended("without")
    assert pool(toy, "kept")["ReusedByJob"] == "without"
    assert pool(toy, "without")["Status"] == "Terminated"


def test_a_pool_ends_when_its_time_is_over_and_is_kept_for_a_job_that_failed(toy: Toy) -> None:
    train(toy, "failing", "raise SystemExit(3)", keep=1)
    assert toy.ended("failing")["TrainingJobStatus"] == "Failed"
    ended = until(lambda: pool(toy, "failing"), lambda found: found["Status"] == "Terminated")
    assert ended["ResourceRetainedBillableTimeInSeconds"] == 1


def test_a_pool_is_in_use_while_its_job_runs(toy: Toy) -> None:
    train(toy, "running", "import time; time.sleep(60)")
    toy.phase("running", "Training")
    assert pool(toy, "running") == {"Status": "InUse"}
    toy.sagemaker.update_training_job(TrainingJobName="running", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    toy.sagemaker.stop_training_job(TrainingJobName="running")
    assert toy.ended("running")["TrainingJobStatus"] == "Stopped"
    assert pool(toy, "running")["Status"] == "Terminated"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxWaitTimeInSeconds": 60}}, "managed spot"),
        ({"ResourceConfig": {"KeepAlivePeriodInSeconds": 3601}}, "at most 3600 seconds"),
    ],
)
def test_what_no_pool_is_for_is_refused(toy: Toy, members: dict[str, Any], message: str) -> None:
    request = toy.request("refused", "pass")
    request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 60
    for name, value in members.items():
        request[name] = {**request.get(name, {}), **value} if isinstance(value, dict) else value
    with pytest.raises(ClientError, match=message):
        toy.sagemaker.create_training_job(**request)


def test_trials_of_a_tuning_job_share_imports_without_being_asked(toy: Toy, server: LocalServer) -> None:
    toy.sagemaker.create_hyper_parameter_tuning_job(**toy.tuning_request("tune", SCRIPT, jobs=3, parallel=1))
    assert toy.tuning_ended("tune")["HyperParameterTuningJobStatus"] == "Completed"
    found = toy.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    names = sorted(job["TrainingJobName"] for job in found["TrainingJobSummaries"])
    assert [said(toy, name)["before"] for name in names] == [[True, True]] * 3  # of the jobs above
    assert [pool(toy, name) for name in names] == [{}, {}, {}]
    wait_for(lambda: not templates(server), "end of the template")


def test_after_a_crash_of_the_template_and_of_the_server_jobs_go_on(tmp_path: Path) -> None:
    server = LocalServer(tmp_path, stop_grace_seconds=2)
    server.start()
    try:
        toy = Toy(server)
        waiting = SCRIPT + "import time\nwhile not os.path.exists(os.environ['SM_HP_GO']): time.sleep(0.02)\n"
        go = str(tmp_path / "go")
        train(toy, "before", waiting, hyperparameters={"go": go})
        toy.phase("before", "Training")
        [template] = wait_for(lambda: templates(server), "template")
        until(lambda: toy.log("before"), lambda lines: any("loss" in line for line in lines))
        os.kill(template, signal.SIGKILL)
        Path(go).touch()
        assert toy.ended("before")["TrainingJobStatus"] == "Completed"
        Path(go).unlink()
        train(toy, "after", waiting, hyperparameters={"go": go})
        until(lambda: toy.log("after"), lambda lines: any("loss" in line for line in lines))
        assert pool(toy, "before")["Status"] == "Reused"
        [template] = templates(server)
        server.kill()
        wait_for(lambda: not Path(f"/proc/{template}").exists(), "end of the template")
        server.start()
        Path(go).touch()
        assert toy.ended("after")["TrainingJobStatus"] == "Completed"
        assert [line for line in toy.log("after") if line.startswith("{")] == [json.dumps(said(toy, "after"))]
        assert pool(toy, "after")["Status"] == "Available"
        server.stop()
        server.start()
        until(lambda: pool(toy, "after"), lambda found: found["Status"] == "Terminated")
    finally:
        server.stop()
