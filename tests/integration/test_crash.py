"""kill -9 of the server in the middle of things: after a start no job is lost, none ran twice, nothing is missing."""

import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.integration.toy_jobs import BUCKET, Toy, until
from tests.local_server import LocalServer

# Appends to a file outside that it ran, takes its time, and prints a metric a step.
WITNESS = """
import os, time
with open({witness!r}, "a") as file:
    file.write(os.environ["TRAINING_JOB_NAME"] + "\\n")
for step in range({steps}):
    print(f"step={{step}} loss={{1 / (step + 1):.3f}}")
    time.sleep({seconds})
open(os.environ["SM_MODEL_DIR"] + "/weights", "w").write("w")
"""


def witness_script(path: Path, steps: int, seconds: float) -> str:
    return WITNESS.format(witness=str(path), steps=steps, seconds=seconds)


def ran(path: Path) -> Counter[str]:
    return Counter(path.read_text().split())


def until_ran(path: Path, runs: int) -> None:
    until(lambda: ran(path).total(), lambda seen: seen >= runs)


def test_a_tuning_job_survives_kill_9_and_runs_each_training_job_once(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.touch()
    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        toy = Toy(server)
        request = toy.tuning_request("crash", witness_script(witness, 4, 0.25), jobs=6, parallel=3)
        toy.sagemaker.create_hyper_parameter_tuning_job(**request)
        for runs in (1, 3, 5):  # three crashes, each with jobs under way
            until_ran(witness, runs)
            server.kill()
            server.start()
        job = toy.tuning_ended("crash")
        assert job["HyperParameterTuningJobStatus"] == "Completed", job
        assert job["TrainingJobStatusCounters"]["Completed"] == 6
        listed = toy.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="crash")
        names = [child["TrainingJobName"] for child in listed["TrainingJobSummaries"]]
        assert ran(witness) == Counter(names)
        for name in names:
            assert [line.partition(" ")[0] for line in toy.log(name)] == [f"step={step}" for step in range(4)]
            described = toy.describe(name)
            assert [m["Value"] for m in described["FinalMetricDataList"]] == [pytest.approx(0.25)]
            assert toy.tar_members(f"out/{name}/output/model.tar.gz") == {"weights": b"w"}
        metrics = stored_metrics(server.state_dir, names)
        assert metrics == {name: [1.0, 0.5, 0.333, 0.25] for name in names}
    finally:
        server.stop()


def stored_metrics(state_dir: Path, names: Iterable[str]) -> dict[str, list[float]]:
    from local_sagemaker.store import job_metrics
    from local_sagemaker.store.database import Database

    database = Database(state_dir / "local_sagemaker.db")
    found = {name: [metric.value or 0.0 for metric in job_metrics.all_of(database, name)] for name in names}
    database.connection.close()
    return found


def test_a_job_that_ends_while_the_server_is_down_is_finished_afterwards(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.touch()
    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        toy = Toy(server)
        toy.train("alone", witness_script(witness, 2, 0.2))
        until(lambda: ran(witness).total(), bool)
        server.kill()
        until((server.state_dir / "training-jobs/alone/exit.json").exists, bool)
        server.start()
        job = toy.ended("alone")
        assert job["TrainingJobStatus"] == "Completed"
        assert [m["Value"] for m in job["FinalMetricDataList"]] == [0.5]
        assert ran(witness) == {"alone": 1}
    finally:
        server.stop()


def test_a_crash_in_downloading_or_uploading_repeats_the_step(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.touch()
    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        toy = Toy(server)
        for number in range(300):
            toy.put(f"many/{number:03d}", b"x" * 1000)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/many/"}
        script = witness_script(witness, 1, 0.0) + (
            "import pathlib\n"
            "print('files', len(list(pathlib.Path(os.environ['SM_CHANNEL_TRAIN']).iterdir())))\n"
            "open(os.environ['SM_MODEL_DIR'] + '/noise', 'wb').write(os.urandom(16_000_000))\n"
        )
        toy.train("steps", script, InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}])
        toy.phase("steps", "Downloading")
        server.kill()
        server.start()
        toy.phase("steps", "Uploading")
        server.kill()
        server.start()
        job = toy.ended("steps")
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert "files 300" in toy.log("steps")
        assert ran(witness) == {"steps": 1}
        assert len(toy.tar_members("out/steps/output/model.tar.gz")["noise"]) == 16_000_000
        statuses = [t["Status"] for t in job["SecondaryStatusTransitions"]]
        assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    finally:
        server.stop()


def test_a_killed_shim_is_a_lost_process_and_says_so(tmp_path: Path) -> None:
    import json

    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        toy = Toy(server)
        toy.train("lost", "import time\nprint('on')\ntime.sleep(60)")
        until(lambda: toy.log("lost"), lambda lines: "on" in lines)
        record = json.loads((server.state_dir / "training-jobs/lost/process.json").read_text())
        os.kill(record["shim_pid"], signal.SIGKILL)
        os.kill(record["pid"], signal.SIGKILL)
        job = toy.ended("lost")
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError: The training process ended without a record")
    finally:
        server.stop()
