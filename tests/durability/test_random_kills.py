"""20 times kill -9 of the server, at random moments of a tuning job of 12: nothing is lost, nothing runs twice.

`DURABILITY_SEED=... make test-durability` repeats a run's moments; the seed is printed.
"""

import math
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_crash import stored_metrics
from tests.integration.toy_jobs import Toy
from tests.local_server import LocalServer

KILLS = 20
TRIALS = 12
PARALLEL = 3
LONGEST_LIFE_SECONDS = 2.0  # of a server between its answer to /health and its death

# A trial goes on until its share of the kills is over, so that they meet all trials, and then for a time of its own, so
# that they meet starts, downloads and uploads as well. Its objective is how far lr is from 0.01.
TRIAL = """
import math, os, pathlib, random, time
name, runs, ends, kills = os.environ["TRAINING_JOB_NAME"], {runs!r}, {ends!r}, pathlib.Path({kills!r})
with open(runs, "a") as file:
    file.write(name + "\\n")
distance = abs(math.log10(float(os.environ["SM_HP_LR"])) + 2)
share = int(name.split("-")[1]) * {total_kills} // {trials}
step = 0
while int(kills.read_text()) < share:
    print(f"step={{step}} loss={{distance + 1 / (step + 1):.6f}}")
    step += 1
    time.sleep(0.2)
time.sleep(random.random())
print(f"step={{step}} loss={{distance:.6f}}")
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("w")
with open(ends, "a") as file:
    file.write(name + "\\n")
"""


@pytest.mark.durability
def test_twenty_random_kills_over_a_tuning_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("DURABILITY_SEED") or random.randrange(2**31))
    with capsys.disabled():
        print(f"\nDURABILITY_SEED={seed}")  # noqa: T201 - with it a run can be repeated
    moments = random.Random(seed)
    runs, ends, kills = tmp_path / "runs", tmp_path / "ends", tmp_path / "kills"
    runs.touch()
    ends.touch()
    kills.write_text("0")
    script = TRIAL.format(runs=str(runs), ends=str(ends), kills=str(kills), total_kills=KILLS, trials=TRIALS)
    server = LocalServer(tmp_path / "state", max_running_jobs=PARALLEL)
    server.start()
    try:
        toy = Toy(server)
        request = toy.tuning_request("kills", script, jobs=TRIALS, parallel=PARALLEL)
        request["TrainingJobDefinition"]["StoppingCondition"]["MaxRuntimeInSeconds"] = 3600
        toy.sagemaker.create_hyper_parameter_tuning_job(**request)
        for kill in range(1, KILLS + 1):
            time.sleep(moments.uniform(0.0, LONGEST_LIFE_SECONDS))
            server.kill()
            replace(kills, str(kill))
            server.start()
        job = toy.tuning_ended("kills")
        started = Counter(runs.read_text().split())
        check(toy, job, started, Counter(ends.read_text().split()))
        assert_metrics_are_those_of_the_logs(toy, stored_metrics(server.state_dir, started))
    finally:
        server.stop()


def replace(path: Path, text: str) -> None:
    """Write at once: trials read it at any moment."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def check(toy: Toy, job: dict[str, Any], runs: Counter[str], ends: Counter[str]) -> None:
    """Exactly TRIALS training jobs, each ran to its end once, and the best one is the best one."""
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == TRIALS, job["TrainingJobStatusCounters"]
    assert job["ObjectiveStatusCounters"] == {"Succeeded": TRIALS, "Pending": 0, "Failed": 0}
    listed = toy.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="kills", MaxResults=100
    )["TrainingJobSummaries"]
    names = sorted(child["TrainingJobName"] for child in listed)
    assert [int(name.split("-")[1]) for name in names] == list(range(1, TRIALS + 1))
    assert runs == ends == Counter(names)
    for child in listed:
        value = child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        assert value == pytest.approx(distance(child), abs=1e-5)
        assert toy.tar_members(f"out/{child['TrainingJobName']}/output/model.tar.gz") == {"weights": b"w"}
    assert job["BestTrainingJob"]["TrainingJobName"] == min(listed, key=distance)["TrainingJobName"]


def distance(child: dict[str, Any]) -> float:
    return abs(math.log10(float(child["TunedHyperParameters"]["lr"])) + 2)


def assert_metrics_are_those_of_the_logs(toy: Toy, metrics: dict[str, list[float]]) -> None:
    """Every value of every log was read, and none twice."""
    for name, values in metrics.items():
        lines = toy.log(name)
        assert [line.partition(" ")[0] for line in lines] == [f"step={step}" for step in range(len(lines))]
        assert values == [float(line.partition("loss=")[2]) for line in lines]
