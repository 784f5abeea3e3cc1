"""The requests that go to AWS, whole: as the v2 SDK sends them, and as botocore's model allows them."""

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from diagnostics.rules.configuration import parse_actions
from service.aws.custom_rule_images import custom_rule_image
from service.domain import script_mode
from service.domain.debugger import RuleImages
from service.domain.job_definition import Placement
from service.domain.training_job_request import create_training_job_request
from service.domain.tuning_job_request import create_tuning_job_request
from service.errors import BadRequest
from service.schemas.training_job_request import TrainingJobRequest
from service.schemas.tuning_job_request import TuningJobRequest
from tests.local_server import REPOSITORY
from tests.unit.service.jobs.aws_model import assert_request

CHANNELS = {"validation": "s3://dogs/valid", "train": "s3://dogs/train"}
RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
CUSTOM_RULES = "864354269164.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rule-evaluator:latest"
SOURCE = "s3://bucket/sagehound/source/abc/sourcedir.tar.gz"
PLACEMENT = Placement(
    region="us-east-1",
    role_arn="arn:aws:iam::123456789012:role/SageMakerRole",
    image="images/training:1",
    source_s3_uri=SOURCE,
    output_s3_uri="s3://bucket/sagehound/jobs",
    checkpoints_s3_uri="s3://bucket/sagehound/checkpoints",
    rule_images=RuleImages(built_in=lambda: RULES, custom=lambda: CUSTOM_RULES),
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
        "lr", "images_per_second", "loader_wait_seconds", "step_seconds_p50", "step_seconds_p90", "step_seconds_p99",
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
            {
                "CollectionName": "gradients",
                "CollectionParameters": {"reductions": "mean,std,abs_mean", "save_interval": "10"},
            },
            {
                "CollectionName": "relu_input",
                "CollectionParameters": {
                    "include_regex": ".*relu_input",
                    "reductions": "mean,std",
                    "save_interval": "500",
                },
            },
            {"CollectionName": "weights", "CollectionParameters": {"save_interval": "500", "end_step": "1"}},
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
    assert len(definition["AlgorithmSpecification"].pop("MetricDefinitions")) == 12
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


def test_actions_and_rules_of_ones_own() -> None:
    rules = [
        {"name": "LossNotDecreasing", "actions": ["StopTraining"]},
        {"name": "MyRule", "source_s3_uri": "s3://dogs/rules/my_rule.py", "parameters": {"threshold": 20.5}},
    ]
    stopping, own = training(debugger={"rules": rules})["DebugRuleConfigurations"]
    # As the SDK's StopTraining() writes it; smdebug reads it once a shell has taken the backslashes away.
    assert stopping["RuleParameters"]["action_json"] == (
        r"[{\"name\": \"stoptraining\", \"training_job_prefix\": \"dogs-1\"}]"
    )
    assert "InstanceType" not in stopping
    assert parse_actions(stopping["RuleParameters"]["action_json"])[0].stops("dogs-1")
    assert own == {
        "RuleConfigurationName": "MyRule",
        "RuleEvaluatorImage": CUSTOM_RULES,
        "InstanceType": "ml.t3.medium",
        "VolumeSizeInGB": 30,
        "RuleParameters": {
            "threshold": "20.5",
            "source_s3_uri": "s3://dogs/rules/my_rule.py",
            "rule_to_invoke": "MyRule",
        },
    }


def test_collections_can_be_reduced_and_end() -> None:
    collection = {"name": "weights", "reductions": ["abs_mean", "l2_norm"], "save_interval": 10, "end_step": 100}
    hook = training(debugger={"collections": [collection]})["DebugHookConfig"]
    assert hook["CollectionConfigurations"] == [
        {
            "CollectionName": "weights",
            "CollectionParameters": {"reductions": "abs_mean,l2_norm", "save_interval": "10", "end_step": "100"},
        }
    ]


def test_the_script_collects_where_aws_has_no_debugger() -> None:
    request = training(collected_by="script", environment={"LOG": "debug"}, profiler={"interval_ms": 100})
    assert not {"DebugHookConfig", "DebugRuleConfigurations", "ProfilerRuleConfigurations"} & set(request)
    assert request["ProfilerConfig"] == {"DisableProfiler": True}
    assert request["CheckpointConfig"] == {"S3Uri": "s3://bucket/sagehound/checkpoints/dogs-1"}
    assert request["Environment"]["LOG"] == "debug"
    assert all(len(value) <= 512 for value in request["Environment"].values())
    config = script_mode.read(request["Environment"])
    assert config is not None
    usual = training(profiler={"interval_ms": 100})
    hook = {key: value for key, value in usual["DebugHookConfig"].items() if key != "S3OutputPath"}
    assert config == {
        "folder": "diagnostics/dogs-1",
        "hook": hook,
        "rules": [
            {"RuleConfigurationName": rule, "RuleParameters": {"rule_to_invoke": rule}}
            for rule in ("VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization")
        ],
        "interval_ms": 100,
        "profiler_rules": [
            {"RuleConfigurationName": "ProfilerReport", "RuleParameters": {"rule_to_invoke": "ProfilerReport"}}
        ],
    }


def test_the_script_leaves_out_what_is_turned_off_and_keeps_the_callers_checkpoints() -> None:
    request = training(collected_by="script", debugger=None, checkpoint_s3_uri="s3://dogs/mine")
    config = script_mode.read(request["Environment"])
    assert config is not None
    assert {"hook", "rules"} & set(config) == set()
    assert request["CheckpointConfig"] == {"S3Uri": "s3://dogs/mine"}
    nothing = training(collected_by="script", debugger=None, profiler=None)
    assert {"Environment", "CheckpointConfig"} & set(nothing) == set()


def test_the_script_is_told_more_than_one_variable_holds() -> None:
    rule = {"name": "Overfit", "parameters": {f"parameter_{number}": "x" * 200 for number in range(60)}}
    request = training(collected_by="script", debugger={"rules": [rule]})
    assert len(request["Environment"]) > 20
    config = script_mode.read(request["Environment"])
    assert config is not None
    assert config["rules"][0]["RuleParameters"]["parameter_59"] == "x" * 200
    assert script_mode.without_own({**request["Environment"], "SAGEHOUND_DIAGNOSTICS_X": "theirs"}) == {
        "SAGEHOUND_DIAGNOSTICS_X": "theirs"
    }
    too_many = [{**rule, "parameters": {f"p{number}": "x" * 250 for number in range(80)}} for _ in range(20)]
    with pytest.raises(BadRequest, match="SageMaker takes 100 in all"):
        training(collected_by="script", debugger={"rules": too_many})


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_variables_of_others_are_no_script_mode(text: str) -> None:
    assert script_mode.read({"SAGEHOUND_DIAGNOSTICS": text}) is None
    assert script_mode.read({}) is None


READ_BY_TRAINING = """
import json, pathlib, sys
from script_mode import read_script_mode
read = read_script_mode(json.load(sys.stdin), pathlib.Path("/checkpoints"))
print(json.dumps([str(read.folder), read.hook["HookParameters"], read.interval_ms]))
"""


def test_what_training_reads_is_what_the_service_sends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_BY_TRAINING],
        cwd=REPOSITORY / "training",
        input=json.dumps(training(collected_by="script")["Environment"]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    intervals = {"train.save_interval": "5", "eval.save_interval": "1"}
    assert json.loads(done.stdout) == ["/checkpoints/diagnostics/dogs-1", intervals, 500]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"entry_point": "imagenet_dogs.py", "debugger": {}}, "only train_model.py and hpo.py save and measure"),
        ({"environment": {"SAGEHOUND_DIAGNOSTICS_2": "x"}}, "SAGEHOUND_DIAGNOSTICS_2 is what the service itself sends"),
        (
            {"debugger": {"rules": [{"name": "MyRule", "source_s3_uri": "s3://dogs/my.py"}]}},
            "the service runs no code of others, so MyRule",
        ),
        ({"debugger": {"rules": [{"name": "Overfit", "actions": ["StopTraining"]}]}}, "so Overfit can have no actions"),
    ],
)
def test_what_the_script_cannot_do_is_said(members: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainingJobRequest.model_validate({"channels": CHANNELS, "collected_by": "script", **members})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"name": "Nothing"}, "Input should be 'VanishingGradient'"),
        ({"name": "my rule", "source_s3_uri": "s3://dogs/my.py"}, "String should match pattern"),
        ({"name": "MyRule", "source_s3_uri": "s3://dogs/my.txt"}, "must name a .py file"),
        ({"name": "Overfit", "parameters": {"action_json": "{}"}}, "send the rule's member actions"),
        ({"name": "Overfit", "parameters": {"rule_to_invoke": "X"}}, "send the rule's member name"),
        ({"name": "Overfit", "actions": ["Email"]}, "Input should be 'StopTraining'"),
    ],
)
def test_bad_rules_are_named(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainingJobRequest.model_validate({"channels": CHANNELS, "debugger": {"rules": [rule]}})


@pytest.mark.parametrize(
    ("region", "image"),
    [("us-west-2", "759209512951.dkr.ecr.us-west-2.amazonaws.com"), ("cn-north-1", "amazonaws.com.cn/sagemaker-")],
)
def test_images_of_ones_own_rules(region: str, image: str) -> None:
    assert image in custom_rule_image(region)


def test_region_without_custom_rules_is_said() -> None:
    with pytest.raises(BadRequest, match="no image for custom Debugger rules in eu-south-9"):
        custom_rule_image("eu-south-9")


@pytest.mark.parametrize(
    ("members", "by_torchrun"),
    [
        ({}, False),
        ({"instance_count": 2}, True),
        ({"instance_type": "ml.g4dn.xlarge"}, False),
        ({"instance_type": "ml.g4dn.12xlarge"}, True),  # four GPUs
        ({"instance_type": "ml.unheard-of.xlarge"}, False),
        ({"instance_count": 2, "entry_point": "imagenet_dogs.py"}, False),  # which knows of no other process
    ],
)
def test_torchrun_starts_the_script_where_there_are_several_processes(
    members: dict[str, Any], by_torchrun: bool
) -> None:
    asked = [
        training(**members)["HyperParameters"],
        tuning(**members)["TrainingJobDefinition"]["StaticHyperParameters"],
    ]
    expected = "true" if by_torchrun else None
    assert [each.get("sagemaker_torch_distributed_enabled") for each in asked] == [expected, expected]
