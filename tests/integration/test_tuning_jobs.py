"""Tuning jobs over the wire: a real server, real training jobs of milliseconds."""

import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.integration.toy_jobs import Toy, until
from tests.local_server import LocalServer, running_server

OBJECTIVE = """
import os
lr = float(os.environ["SM_HP_LR"])
print(f"loss={abs(lr - 0.02):.6f}")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=1.0) as server:
        yield server


@pytest.fixture(scope="module")
def toy(server: LocalServer) -> Toy:
    return Toy(server)


def children(toy: Toy, name: str, **asked: object) -> list[dict[str, object]]:
    """ListTrainingJobsForHyperParameterTuningJob, all pages."""
    pages = toy.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, PaginationConfig={"PageSize": 2}, **asked
    )
    return [job for page in pages for job in page["TrainingJobSummaries"]]


def test_a_tuning_job_finds_its_best_training_job(toy: Toy) -> None:
    request = toy.tuning_request("tuned", OBJECTIVE, jobs=6, parallel=3)
    toy.sagemaker.create_hyper_parameter_tuning_job(**request, Tags=[{"Key": "team", "Value": "dogs"}])
    job = toy.tuning_ended("tuned")
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 6,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}
    assert job["TrainingJobDefinition"]["StaticHyperParameters"]["_tuning_objective_metric"] == "loss"
    assert job["HyperParameterTuningJobConfig"]["ParameterRanges"]["IntegerParameterRanges"] == []

    found = children(toy, "tuned", SortBy="FinalObjectiveMetricValue", SortOrder="Ascending")
    values = [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in found]  # type: ignore[index]
    assert values == sorted(values)
    assert len(found) == 6
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"] == found[0]["TrainingJobName"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Minimize",
        "MetricName": "loss",
        "Value": values[0],
    }
    assert best["ObjectiveStatus"] == "Succeeded"
    assert sorted(best["TunedHyperParameters"]) == ["batch-size", "lr"]
    newest_first = [str(child["TrainingJobName"]) for child in children(toy, "tuned")]
    assert [name[:10] for name in newest_first] == [f"tuned-{number:03d}-" for number in range(6, 0, -1)]

    child = toy.describe(best["TrainingJobName"])
    assert child["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert child["HyperParameters"]["_tuning_objective_metric"] == "loss"
    assert child["HyperParameters"]["lr"] == best["TunedHyperParameters"]["lr"]
    assert child["HyperParameters"]["batch-size"] in {'"32"', '"64"'}
    assert child["HyperParameters"]["epochs"] == "2"
    assert toy.sagemaker.list_tags(ResourceArn=child["TrainingJobArn"])["Tags"] == [{"Key": "team", "Value": "dogs"}]
    [summary] = toy.sagemaker.list_hyper_parameter_tuning_jobs(NameContains="tuned")["HyperParameterTuningJobSummaries"]
    assert summary["TrainingJobStatusCounters"]["Completed"] == 6


def test_all_training_jobs_failing_fails_the_tuning_job(toy: Toy) -> None:
    toy.sagemaker.create_hyper_parameter_tuning_job(
        **toy.tuning_request("doomed", "raise ValueError('no')", jobs=2, parallel=2)
    )
    job = toy.tuning_ended("doomed")
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("All training jobs failed.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 2
    assert "BestTrainingJob" not in job
    assert 'ErrorMessage "ValueError: no"' in str(children(toy, "doomed")[0]["FailureReason"])


def test_a_job_without_the_objective_has_failed_objective(toy: Toy) -> None:
    toy.sagemaker.create_hyper_parameter_tuning_job(
        **toy.tuning_request("silent", "print('nothing')", jobs=1, parallel=1)
    )
    job = toy.tuning_ended("silent")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 1}
    assert "BestTrainingJob" not in job


def test_stop_in_the_middle_stops_the_training_jobs(toy: Toy) -> None:
    script = "import time\nprint('loss=0.5')\ntime.sleep(60)"
    toy.sagemaker.create_hyper_parameter_tuning_job(**toy.tuning_request("halted", script, jobs=6, parallel=2))
    until(lambda: children(toy, "halted"), lambda found: len(found) == 2)
    for child in children(toy, "halted"):
        toy.phase(str(child["TrainingJobName"]), "Training")
    toy.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="halted")
    job = toy.tuning_ended("halted")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    with pytest.raises(ClientError, match="is in status Stopped"):
        toy.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="halted")


def test_random_search_is_reproducible(toy: Toy) -> None:
    tuned = []
    for name in ("random-1", "random-2"):
        toy.sagemaker.create_hyper_parameter_tuning_job(
            **toy.tuning_request(name, OBJECTIVE, jobs=3, parallel=3, Strategy="Random")
        )
        assert toy.tuning_ended(name)["HyperParameterTuningJobStatus"] == "Completed"
        tuned.append([child["TunedHyperParameters"] for child in children(toy, name)])
    assert tuned[0] == tuned[1]
    assert len({str(values) for values in tuned[0]}) == 3


def test_refusals(toy: Toy) -> None:
    request = toy.tuning_request("refused", OBJECTIVE, jobs=2, parallel=1)
    config = request["HyperParameterTuningJobConfig"]
    ranges = {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.1", "MaxValue": "0.1"}]}
    static = {"CategoricalParameterRanges": [{"Name": "epochs", "Values": ["1", "2"]}]}
    for changes, message in (
        ({"Strategy": "Grid"}, "Only categorical parameters"),
        ({"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}, "must be OFF"),
        ({"ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 2}}, "MaxParallelTrainingJobs"),
        ({"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "accuracy"}}, "A metric is required"),
        ({"ParameterRanges": ranges}, "MinValue less than its MaxValue"),
        ({"ParameterRanges": static}, "either static or tuned"),
    ):
        with pytest.raises(ClientError, match=message) as refused:
            toy.sagemaker.create_hyper_parameter_tuning_job(
                **{**request, "HyperParameterTuningJobConfig": {**config, **changes}}
            )
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="can't find a tuning job called refused") as missing:
        toy.describe_tuning("refused")
    assert missing.value.response["Error"]["Code"] == "ResourceNotFound"
    limits = {"MaxNumberOfTrainingJobs": 751, "MaxParallelTrainingJobs": 2}
    with pytest.raises(ClientError, match="is 750 Training Jobs") as limited:
        toy.sagemaker.create_hyper_parameter_tuning_job(
            **{**request, "HyperParameterTuningJobConfig": {**config, "ResourceLimits": limits}}
        )
    assert limited.value.response["Error"]["Code"] == "ResourceLimitExceeded"


# Emits an objective an epoch that is as good as the hyperparameter x, and waits to be stopped when x is 9.
EPOCHS = """
import os, time
x = float(os.environ["SM_HP_X"])
for epoch in range(3):
    print(f"epoch={epoch} loss={x - 0.01 * epoch:.3f}")
    time.sleep(60 if x == 9 and epoch == 1 else 0)
"""
X = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2", "3", "9"]}]}


def test_a_grid_with_early_stopping(toy: Toy) -> None:
    request = toy.tuning_request("grid", EPOCHS, jobs=4, parallel=1, Strategy="Grid", ParameterRanges=X)
    config = request["HyperParameterTuningJobConfig"]
    config["TrainingJobEarlyStoppingType"] = "Auto"
    del config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    toy.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = toy.tuning_ended("grid")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 4
    listed = children(toy, "grid", SortBy="CreationTime", SortOrder="Ascending")
    assert [child["TunedHyperParameters"] for child in listed] == [{"x": x} for x in ("1", "2", "3", "9")]
    assert [child["TrainingJobStatus"] for child in listed] == ["Completed", "Completed", "Completed", "Stopped"]
    finals = [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in listed]  # type: ignore[index]
    assert finals == [0.98, 1.98, 2.98, 8.99]
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}


def test_hyperband_stops_and_goes_on(toy: Toy) -> None:
    script = """
import os, time
lr = float(os.environ["SM_HP_LR"])
for epoch in range(100):
    print(f"loss={lr:.6f}")
    time.sleep(0.4)
"""
    hyperband = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 3}}
    request = toy.tuning_request("bands", script, jobs=3, parallel=3, Strategy="Hyperband", StrategyConfig=hyperband)
    request["TrainingJobDefinition"]["StaticHyperParameters"]["epochs"] = "100"
    toy.sagemaker.create_hyper_parameter_tuning_job(**request)
    job = toy.tuning_ended("bands")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 3  # one or none at the rung, the others at MaxResource
    assert job["ObjectiveStatusCounters"]["Succeeded"] == 3
    epochs = [len(toy.log(str(child["TrainingJobName"]))) for child in children(toy, "bands")]
    assert all(1 <= emitted < 50 for emitted in epochs)


def test_warm_start_and_completion_criteria(toy: Toy) -> None:
    parent = toy.tuning_request("parent", OBJECTIVE, jobs=3, parallel=3)
    toy.sagemaker.create_hyper_parameter_tuning_job(**parent)
    assert toy.tuning_ended("parent")["HyperParameterTuningJobStatus"] == "Completed"
    request = toy.tuning_request(
        "child", OBJECTIVE, jobs=50, parallel=2, TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 1.0}
    )
    toy.sagemaker.create_hyper_parameter_tuning_job(
        **request,
        WarmStartConfig={
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
            "WarmStartType": "IdenticalDataAndAlgorithm",
        },
    )
    job = toy.tuning_ended("child")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    counters = job["TrainingJobStatusCounters"]
    assert counters["Completed"] + counters["Stopped"] < 10  # any value meets the target

    def value(summary: dict[str, object]) -> float:
        return float(summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])  # type: ignore[index]

    best, overall = job["BestTrainingJob"], job["OverallBestTrainingJob"]
    family = [child for child in children(toy, "parent") + children(toy, "child") if "ObjectiveStatus" in child]
    with_value = [child for child in family if "FinalHyperParameterTuningJobObjectiveMetric" in child]
    assert value(overall) == min(value(child) for child in with_value) <= value(best)
    assert overall["TuningJobName"] in {"parent", "child"}


def test_parallel_jobs_really_run_beside_each_other(toy: Toy) -> None:
    script = "import os, time\nprint('cpus', os.environ['OMP_NUM_THREADS'])\ntime.sleep(1)\nprint('loss=1')"
    started = time.monotonic()
    toy.sagemaker.create_hyper_parameter_tuning_job(**toy.tuning_request("beside", script, jobs=3, parallel=3))
    job = toy.tuning_ended("beside")
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    spans = [toy.describe(str(child["TrainingJobName"])) for child in children(toy, "beside")]
    assert max(span["TrainingStartTime"] for span in spans) < min(span["TrainingEndTime"] for span in spans)
    assert time.monotonic() - started < 20
