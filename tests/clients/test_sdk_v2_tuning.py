"""The SageMaker SDK version 2 tunes."""

from typing import Any

import pytest

from tests.clients.conftest import RunClient
from tests.local_server import LocalServer, boto_client

BUCKET = "notebook"


@pytest.fixture(scope="module")
def sagemaker(server: LocalServer) -> Any:
    """A SageMaker client of the server, which has the notebook's bucket."""
    boto_client(server, "s3", s3={"addressing_style": "path"}).create_bucket(Bucket=BUCKET)
    return boto_client(server, "sagemaker")


@pytest.mark.parametrize("strategy", ["Bayesian", "Random"])
def test_tuner_fits_and_its_best_job_deploys(run_v2: RunClient, sagemaker: Any, strategy: str) -> None:
    """fit(wait), best_training_job, best_estimator, analytics, attach, deploy of the best."""
    found = run_v2("tune.py", BUCKET, strategy).result
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=found["tuning_job"])
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 5

    assert [row["TrainingJobStatus"] for row in found["rows"]] == ["Completed"] * 5
    assert all(0.001 <= row["lr"] <= 0.1 and row["layers"] in {1, 2, 3, 4} for row in found["rows"])
    assert {row["optimizer"].strip('"') for row in found["rows"]} <= {"adam", "sgd"}
    assert found["best"] == found["rows"][0]["TrainingJobName"] == found["attached_best"]
    assert float(found["best_hyperparameters"]["lr"]) == pytest.approx(found["rows"][0]["lr"])
    assert found["best_model"].endswith(f"{found['best']}/output/model.tar.gz")
    assert all(seconds >= 0 for seconds in found["elapsed"])
    assert found["attached_ranges"] == ["layers", "lr", "optimizer"]
    assert found["predicted"] == [2.0, 4.0]


def test_warm_start_grid_and_stop(run_v2: RunClient, sagemaker: Any) -> None:
    """A child of a tuning job (both kinds), early stopping asked for, a grid, a tuning job that is stopped."""
    found = run_v2("tune_more.py", BUCKET).result

    def described(name: str) -> Any:
        return sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    parent, child, transferred = (described(found[name]) for name in ("parent", "child", "transferred"))
    assert parent["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Auto"
    assert child["WarmStartConfig"] == {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": found["parent"]}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    finished = [summary for job in (parent, child) for summary in _summaries(sagemaker, job)]
    assert len(finished) == 5
    best = min(finished, key=lambda summary: summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
    assert child["OverallBestTrainingJob"]["TrainingJobName"] == best["TrainingJobName"]
    assert transferred["WarmStartConfig"]["WarmStartType"] == "TransferLearning"
    assert transferred["HyperParameterTuningJobStatus"] == "Completed"
    assert [value.strip('"') for value in found["grid"]] == ["adam", "sgd"]
    assert found["stopped"] == "Stopped"


def _summaries(sagemaker: Any, job: Any) -> Any:
    name = job["HyperParameterTuningJobName"]
    answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return answer["TrainingJobSummaries"]
