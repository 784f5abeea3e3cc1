"""The requests that go to AWS, whole: as the v2 SDK sends them, and as botocore's model allows them."""

from typing import Any

import pytest

from service.domain.job_definition import Placement
from service.domain.training_job_request import create_training_job_request
from service.domain.tuning_job_request import create_tuning_job_request
from service.schemas.training_job_request import TrainingJobRequest
from service.schemas.tuning_job_request import TuningJobRequest
from tests.unit.service.jobs.aws_model import assert_request

CHANNELS = {"validation": "s3://dogs/valid", "train": "s3://dogs/train"}
RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
SOURCE = "s3://bucket/sagehound/source/abc/sourcedir.tar.gz"
PLACEMENT = Placement(
    region="us-east-1",
    role_arn="arn:aws:iam::123456789012:role/SageMakerRole",
    image="images/training:1",
    source_s3_uri=SOURCE,
    output_s3_uri="s3://bucket/sagehound/jobs",
    rule_evaluator_image=lambda: RULES,
)
INPUT_DATA_CONFIG = [
    {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    for name, uri in (("train", "s3://dogs/train"), ("validation", "s3://dogs/valid"))
]


def training(tuned: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """The request of a body."""
    body = TrainingJobRequest.model_validate({"channels": CHANNELS, **members})
    request = create_training_job_request("dogs-1", body, PLACEMENT, tuned or {}, {"sagehound:request-digest": "d"})
    assert_request("CreateTrainingJob", request)
    return request


def tuning(**members: Any) -> dict[str, Any]:
    """The request of a body."""
    body = TuningJobRequest.model_validate({"channels": CHANNELS, **members})
    request = create_tuning_job_request("dogs-tuning", body, PLACEMENT, {"sagehound:request-digest": "d"})
    assert_request("CreateHyperParameterTuningJob", request)
    return request


def test_training_job_without_extras() -> None:
    request = training(debugger=None, profiler=None)
    definitions = request["AlgorithmSpecification"].pop("MetricDefinitions")
    assert [definition["Name"] for definition in definitions] == [
        "train:loss", "train:accuracy", "validation:loss", "validation:accuracy", "test:loss", "test:accuracy",
    ]  # fmt: skip
    assert request == {
        "TrainingJobName": "dogs-1",
        "HyperParameters": {
            "sagemaker_submit_directory": f'"{SOURCE}"',
            "sagemaker_program": '"train_model.py"',
            "sagemaker_container_log_level": "20",
            "sagemaker_job_name": '"dogs-1"',
            "sagemaker_region": '"us-east-1"',
        },
        "AlgorithmSpecification": {
            "TrainingImage": "images/training:1",
            "TrainingInputMode": "File",
            "EnableSageMakerMetricsTimeSeries": True,
        },
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
        "InputDataConfig": INPUT_DATA_CONFIG,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/sagehound/jobs"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ProfilerConfig": {"DisableProfiler": True},
        "Tags": [{"Key": "sagehound:request-digest", "Value": "d"}],
    }


def test_training_job_with_everything() -> None:
    request = training(
        tuned={"lr": 0.002, "batch-size": 64},
        hyperparameters={"batch-size": 32, "optimizer": "adam", "augment": True, "layers": [1, 2]},
        checkpoint_s3_uri="s3://dogs/checkpoints",
        environment={"LOG": "debug"},
        tags={"team": "dogs"},
        instance_type="ml.g4dn.xlarge",
        volume_size_gb=50,
        max_runtime_seconds=60,
    )
    own = {key: value for key, value in request["HyperParameters"].items() if not key.startswith("sagemaker_")}
    assert own == {"lr": "0.002", "batch-size": "32", "optimizer": '"adam"', "augment": "true", "layers": "[1, 2]"}
    assert request["CheckpointConfig"] == {"S3Uri": "s3://dogs/checkpoints"}
    assert request["Environment"] == {"LOG": "debug"}
    assert request["ResourceConfig"]["InstanceType"] == "ml.g4dn.xlarge"
    assert request["Tags"] == [
        {"Key": "sagehound:request-digest", "Value": "d"},
        {"Key": "team", "Value": "dogs"},
    ]


def test_debugger_and_profiler_are_set_as_the_reference_project_sets_them() -> None:
    request = training()
    output = "s3://bucket/sagehound/jobs"
    assert request["DebugHookConfig"] == {
        "S3OutputPath": output,
        "HookParameters": {"train.save_interval": "5", "eval.save_interval": "1"},
        "CollectionConfigurations": [
            {
                "CollectionName": "CrossEntropyLoss_output_0",
                "CollectionParameters": {
                    "include_regex": "CrossEntropyLoss_output_0",
                    "train.save_interval": "1",
                    "eval.save_interval": "1",
                },
            },
            {"CollectionName": "losses", "CollectionParameters": {"save_interval": "500"}},
            {"CollectionName": "gradients", "CollectionParameters": {"save_interval": "500"}},
            {
                "CollectionName": "relu_input",
                "CollectionParameters": {"include_regex": ".*relu_input", "save_interval": "500"},
            },
        ],
    }
    rules = ["VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization"]
    assert request["DebugRuleConfigurations"] == [
        {"RuleConfigurationName": rule, "RuleEvaluatorImage": RULES, "RuleParameters": {"rule_to_invoke": rule}}
        for rule in rules
    ]
    assert request["ProfilerConfig"] == {
        "S3OutputPath": output,
        "ProfilingIntervalInMilliseconds": 500,
        "DisableProfiler": False,
    }
    assert request["ProfilerRuleConfigurations"] == [
        {
            "RuleConfigurationName": "ProfilerReport",
            "RuleEvaluatorImage": RULES,
            "RuleParameters": {"rule_to_invoke": "ProfilerReport"},
        }
    ]


def test_rules_have_parameters_as_text_and_names_of_their_own() -> None:
    rules = [
        {"name": "Overfit", "parameters": {"patience": 3, "ratio_threshold": 0.2}},
        {"name": "Overfit", "parameters": {"patience": 9}},
        {"name": "ExplodingTensor", "parameters": {"only_nan": True}},
    ]
    request = training(debugger={"rules": rules, "collections": []}, profiler={"rules": []})
    assert [(rule["RuleConfigurationName"], rule["RuleParameters"]) for rule in request["DebugRuleConfigurations"]] == [
        ("Overfit", {"patience": "3", "ratio_threshold": "0.2", "rule_to_invoke": "Overfit"}),
        ("Overfit-2", {"patience": "9", "rule_to_invoke": "Overfit"}),
        ("ExplodingTensor", {"only_nan": "True", "rule_to_invoke": "ExplodingTensor"}),
    ]
    assert request["DebugHookConfig"]["CollectionConfigurations"] == []
    assert "ProfilerRuleConfigurations" not in request


def test_another_entry_point_needs_no_channels() -> None:
    request = training(channels={}, entry_point="imagenet_dogs.py")
    assert "InputDataConfig" not in request
    assert "DebugHookConfig" not in request
    assert request["HyperParameters"]["sagemaker_program"] == '"imagenet_dogs.py"'


def test_tuning_job_with_the_defaults() -> None:
    request = tuning(static_hyperparameters={"epochs": 2})
    definition = request["TrainingJobDefinition"]
    assert len(definition["AlgorithmSpecification"].pop("MetricDefinitions")) == 6
    assert request == {
        "HyperParameterTuningJobName": "dogs-tuning",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 3},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
                ],
                "IntegerParameterRanges": [],
                "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64", "128", "256"]}],
            },
            "TrainingJobEarlyStoppingType": "Off",
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                "epochs": "2",
                "sagemaker_submit_directory": f'"{SOURCE}"',
                "sagemaker_program": '"hpo.py"',
                "sagemaker_container_log_level": "20",
                "sagemaker_job_name": '"dogs-tuning"',
                "sagemaker_region": '"us-east-1"',
            },
            "AlgorithmSpecification": {"TrainingImage": "images/training:1", "TrainingInputMode": "File"},
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "InputDataConfig": INPUT_DATA_CONFIG,
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/sagehound/jobs"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        },
        "Tags": [{"Key": "sagehound:request-digest", "Value": "d"}],
    }


@pytest.mark.parametrize(
    ("members", "config"),
    [
        ({"strategy": "Random", "random_seed": 7}, {"Strategy": "Random", "RandomSeed": 7}),
        ({"early_stopping": True}, {"TrainingJobEarlyStoppingType": "Auto"}),
        (
            {"strategy": "Hyperband", "hyperband": {"max_resource": 9}},
            {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}},
        ),
        (
            {"strategy": "Grid", "ranges": {"o": {"type": "categorical", "values": ["sgd", "adam"]}}},
            {"ResourceLimits": {"MaxParallelTrainingJobs": 3}},
        ),
        (
            {"objective": {"metric": "validation:accuracy", "type": "Maximize"}},
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"}},
        ),
    ],
)
def test_tuning_choices(members: dict[str, Any], config: dict[str, Any]) -> None:
    sent = tuning(**members)["HyperParameterTuningJobConfig"]
    assert {name: sent[name] for name in config} == config


def test_categorical_strings_travel_quoted_and_integers_whole() -> None:
    ranges = {
        "optimizer": {"type": "categorical", "values": ["sgd", "adam"]},
        "epochs": {"type": "integer", "min": 1, "max": 5},
    }
    sent = tuning(ranges=ranges)["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert sent["CategoricalParameterRanges"] == [{"Name": "optimizer", "Values": ['"sgd"', '"adam"']}]
    assert sent["IntegerParameterRanges"] == [
        {"Name": "epochs", "MinValue": "1", "MaxValue": "5", "ScalingType": "Auto"}
    ]
