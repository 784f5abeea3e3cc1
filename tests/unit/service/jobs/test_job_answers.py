"""What AWS describes, as users see it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from service.domain.training_job_answer import training_job
from service.domain.tuning_job_answer import trial, tuning_job

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=1)))
NOW_UTC = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)
MINIMAL: dict[str, Any] = {
    "TrainingJobName": "dogs-1",
    "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/dogs-1",
    "TrainingJobStatus": "InProgress",
    "SecondaryStatus": "Starting",
    "CreationTime": NOW,
}


def test_minimal_description_of_a_job_of_somebody_else() -> None:
    job = training_job(MINIMAL, {})
    assert (job.name, job.status, job.created_at) == ("dogs-1", "InProgress", NOW_UTC)
    assert (job.hyperparameters, job.channels, job.transitions, job.final_metrics) == ({}, {}, [], [])
    assert job.model_dump(mode="json")["created_at"] == "2026-11-22T09:00:00Z"


def test_whole_description() -> None:
    job = training_job(
        {
            **MINIMAL,
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
            "TuningJobArn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/dogs-tuning",
            "HyperParameters": {"lr": "0.1", "sagemaker_program": '"hpo.py"', "_tuning_objective_metric": "loss"},
            "AlgorithmSpecification": {"TrainingImage": "image"},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://dogs/train"}}}],
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/dogs-1/output/model.tar.gz"},
            "SecondaryStatusTransitions": [
                {"Status": "Starting", "StartTime": NOW, "EndTime": LATER, "StatusMessage": "Preparing"},
                {"Status": "Completed", "StartTime": LATER},
            ],
            "FinalMetricDataList": [
                {"MetricName": "validation:loss", "Value": 0.5, "Timestamp": LATER},
                {"MetricName": "train:loss", "Value": float("nan"), "Timestamp": LATER},
            ],
            "DebugRuleEvaluationStatuses": [
                {
                    "RuleConfigurationName": "Overfit",
                    "RuleEvaluationStatus": "IssuesFound",
                    "StatusDetails": "RuleEvaluationConditionMet: at step 3\n",
                    "LastModifiedTime": LATER,
                }
            ],
            "TrainingTimeInSeconds": 80,
            "BillableTimeInSeconds": 70,
        },
        {"team": "dogs", "sagehound:request-digest": "d", "sagehound:from-tuning-job": "dogs-tuning-0"},
    )
    assert (job.tuning_job, job.from_tuning_job, job.tags) == ("dogs-tuning", "dogs-tuning-0", {"team": "dogs"})
    assert (job.hyperparameters, job.entry_point) == ({"lr": 0.1}, "hpo.py")
    assert (job.training_seconds, job.billable_seconds) == (80, 70)
    assert job.model_artifact_s3_uri == "s3://bucket/dogs-1/output/model.tar.gz"
    assert [(step.status, step.ended_at) for step in job.transitions] == [
        ("Starting", NOW_UTC + timedelta(seconds=90)),
        ("Completed", None),
    ]
    assert [(metric.name, metric.value) for metric in job.final_metrics] == [
        ("validation:loss", 0.5),
        ("train:loss", None),
    ]
    assert [(rule.name, rule.details) for rule in job.debugger_rules] == [
        ("Overfit", "RuleEvaluationConditionMet: at step 3")
    ]


def test_artifact_is_told_only_when_there_is_one() -> None:
    artifacts = {"ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"}}
    for status, told in (("InProgress", False), ("Failed", False), ("Stopped", True), ("Completed", True)):
        job = training_job({**MINIMAL, **artifacts, "TrainingJobStatus": status}, {})
        assert (job.model_artifact_s3_uri is not None) is told, status


def test_tuning_job_of_the_v2_sdk() -> None:
    job = tuning_job(
        {
            "HyperParameterTuningJobName": "dogs-tuning",
            "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/d",
            "HyperParameterTuningJobStatus": "Completed",
            "CreationTime": NOW,
            "HyperParameterTuningEndTime": LATER,
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "epoch_accuracy"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
                "TrainingJobEarlyStoppingType": "Off",
                "ParameterRanges": {
                    "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.0001", "MaxValue": "0.01"}],
                    "IntegerParameterRanges": [
                        {"Name": "epochs", "MinValue": "1", "MaxValue": "5", "ScalingType": "Auto"}
                    ],
                    "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ['"32"', '"64"']}],
                },
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": {"sagemaker_program": '"hpo.py"', "momentum": "0.9"},
                "HyperParameterTuningResourceConfig": {
                    "InstanceType": "ml.m5.xlarge",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 30,
                },
            },
            "TrainingJobStatusCounters": {"Completed": 3, "InProgress": 0, "NonRetryableError": 1},
            "ObjectiveStatusCounters": {"Succeeded": 3, "Pending": 0, "Failed": 1},
            "BestTrainingJob": {
                "TrainingJobName": "dogs-tuning-001-abcdef01",
                "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/dogs-tuning-001-abcdef01",
                "TrainingJobStatus": "Completed",
                "CreationTime": NOW,
                "TunedHyperParameters": {"batch-size": '"32"', "lr": "0.0004", "epochs": "4"},
                "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "epoch_accuracy", "Value": 0.75},
            },
        },
        {"sagehound:request-digest": "d"},
    )
    assert job.model_dump(
        mode="json", include={"ranges", "objective", "duration_seconds", "static_hyperparameters"}
    ) == {
        "ranges": {
            "batch-size": {"type": "categorical", "min": None, "max": None, "scaling": None, "values": ["32", "64"]},
            "epochs": {"type": "integer", "min": 1, "max": 5, "scaling": "Auto", "values": None},
            "lr": {"type": "continuous", "min": 0.0001, "max": 0.01, "scaling": None, "values": None},
        },
        "objective": {"metric": "epoch_accuracy", "type": "Maximize"},
        "duration_seconds": 90.0,
        "static_hyperparameters": {"momentum": 0.9},
    }
    assert job.training_job_counters.non_retryable_error == 1
    assert job.instance_type == "ml.m5.xlarge"
    assert job.best_training_job is not None
    assert job.best_training_job.hyperparameters == {"batch-size": "32", "epochs": 4, "lr": 0.0004}
    assert job.best_training_job.objective is not None
    assert job.best_training_job.objective.value == 0.75


def test_trial_that_failed_has_no_objective() -> None:
    found = trial(
        {
            "TrainingJobName": "t-001",
            "TrainingJobArn": "arn",
            "TrainingJobStatus": "Failed",
            "CreationTime": NOW,
            "TrainingStartTime": NOW,
            "TunedHyperParameters": {"lr": "0.1"},
            "ObjectiveStatus": "Failed",
            "FailureReason": "AlgorithmError: ValueError",
        }
    )
    assert (found.objective, found.duration_seconds) == (None, None)
    assert found.failure_reason == "AlgorithmError: ValueError"
    assert found.training_job_url == "/jobs/training/t-001"
