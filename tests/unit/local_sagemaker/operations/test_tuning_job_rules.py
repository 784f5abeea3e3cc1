"""What CreateHyperParameterTuningJob refuses."""

import copy
from typing import Any

import pytest

from local_sagemaker.errors import AwsError, ResourceLimitExceeded, ValidationException
from local_sagemaker.operations.jobs.tuning_job_rules import check_tuning_job
from local_sagemaker.operations.jobs.warm_start_rules import check_warm_start
from local_sagemaker.store.tuning_jobs import TuningJob, new_tuning_job
from tests.unit.local_sagemaker.operations.test_job_rules import RESOURCES, SCRIPT, TRAINING, changed

TUNING: dict[str, Any] = {
    "HyperParameterTuningJobName": "t",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 3},
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1"}],
            "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64"]}],
        },
    },
    "TrainingJobDefinition": {
        "StaticHyperParameters": SCRIPT,
        **{
            name: TRAINING[name]
            for name in ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig")
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "ResourceConfig": RESOURCES,
    },
}


CONFIG = "HyperParameterTuningJobConfig"
LIMITS = f"{CONFIG}.ResourceLimits"
RANGES = f"{CONFIG}.ParameterRanges"
CATEGORICAL = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2"]}, {"Name": "y", "Values": ["1", "2"]}]}


def with_changes(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for path, value in changes.items():
        members = changed(members, path, value)
    return members


def several(**changes: Any) -> dict[str, Any]:
    """TUNING with two training job definitions, the second one changed."""
    members = copy.deepcopy(TUNING)
    config = members[CONFIG]
    own = {
        "TuningObjective": config.pop("HyperParameterTuningJobObjective"),
        "HyperParameterRanges": config.pop("ParameterRanges"),
        **members.pop("TrainingJobDefinition"),
    }
    second = with_changes({**copy.deepcopy(own), "DefinitionName": "b"}, changes)
    return {**members, "TrainingJobDefinitions": [{**own, "DefinitionName": "a"}, second]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {f"{RANGES}.ContinuousParameterRanges.0.ScalingType": "ReverseLogarithmic"},
        {f"{CONFIG}.TrainingJobEarlyStoppingType": "Auto"},
        {LIMITS: {"MaxParallelTrainingJobs": 1, "MaxRuntimeInSeconds": 600}},
        {
            LIMITS: {"MaxParallelTrainingJobs": 1},
            f"{CONFIG}.TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 1},
        },
        {f"{CONFIG}.Strategy": "Grid", RANGES: CATEGORICAL, LIMITS: {"MaxParallelTrainingJobs": 4}},
        {f"{CONFIG}.Strategy": "Grid", RANGES: CATEGORICAL, f"{LIMITS}.MaxNumberOfTrainingJobs": 4},
        {
            f"{CONFIG}.Strategy": "Hyperband",
            f"{CONFIG}.StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}},
        },
        {
            f"{CONFIG}.Strategy": "Hyperband",
            "TrainingJobDefinition.StaticHyperParameters": {**SCRIPT, "n_epochs": '"9"'},
        },
        {f"{CONFIG}.Strategy": "Random", f"{LIMITS}.MaxNumberOfTrainingJobs": 10_000},
    ],
)
def test_good_requests_pass(changes: dict[str, Any]) -> None:
    check_tuning_job(with_changes(TUNING, changes))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("Autotune", {"Mode": "Enabled"}, "does not support Autotune: give ParameterRanges"),
        ("TrainingJobDefinition", None, "TrainingJobDefinition or TrainingJobDefinitions is required"),
        ("TrainingJobDefinition.TuningObjective", {"MetricName": "loss"}, "belongs to TrainingJobDefinitions"),
        (f"{CONFIG}.HyperParameterTuningJobObjective", None, "HyperParameterTuningJobObjective is required"),
        (f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "acc", "A metric is required .* are: loss"),
        (f"{CONFIG}.StrategyConfig", {"HyperbandStrategyConfig": {}}, "only if Hyperband"),
        (f"{CONFIG}.Strategy", "Grid", "Only categorical parameters"),
        (f"{CONFIG}.Strategy", "Hyperband", "MaxResource parameter is not provided and could not be inferred"),
        (f"{LIMITS}.MaxParallelTrainingJobs", 10, "must not be greater"),
        (LIMITS, {"MaxParallelTrainingJobs": 1}, "MaxNumberOfTrainingJobs is required for the Bayesian strategy"),
        (RANGES, CATEGORICAL, r"for the provided ranges \[4.0\] must be equal or greater .* MaxNumberOfJobs, \[9\]"),
        (RANGES, {}, "at least one"),
        (f"{RANGES}.AutoParameters", [{"Name": "x", "ValueHint": "1"}], "does not support ParameterRanges.AutoParam"),
        (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "0.001", "less than"),
        (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "many", "not a number"),
        (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "inf", "finite"),
        (
            f"{RANGES}.ContinuousParameterRanges",
            [{"Name": "m", "MinValue": "0.9", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"}],
            "0 <= x < 1",
        ),
        (
            f"{RANGES}.IntegerParameterRanges",
            [{"Name": "e", "MinValue": "0", "MaxValue": "5", "ScalingType": "Logarithmic"}],
            "greater than 0",
        ),
        (
            f"{RANGES}.IntegerParameterRanges",
            [{"Name": "e", "MinValue": "1", "MaxValue": "5", "ScalingType": "ReverseLogarithmic"}],
            "continuous ranges only",
        ),
        (f"{RANGES}.IntegerParameterRanges", [{"Name": "e", "MinValue": "1.5", "MaxValue": "5"}], "not an integer"),
        (
            f"{RANGES}.IntegerParameterRanges",
            [{"Name": "e", "MinValue": "1", "MaxValue": "9" * 400}],
            "must lie within",
        ),
        (f"{RANGES}.IntegerParameterRanges", [{"Name": "lr", "MinValue": "1", "MaxValue": "2"}], "Duplicate"),
        (f"{RANGES}.CategoricalParameterRanges.0.Values", ["32"], "at least two"),
        (f"{RANGES}.CategoricalParameterRanges.0.Values", ["32", "32"], "Duplicate"),
        (f"{RANGES}.CategoricalParameterRanges.0.Values", [str(n) for n in range(31)], "at most 30"),
        (f"{RANGES}.CategoricalParameterRanges.0.Values", ["x" * 257, "y"], "at most 256"),
        ("TrainingJobDefinition.StaticHyperParameters", {**SCRIPT, "lr": "1"}, "either static or tuned"),
        ("TrainingJobDefinition.HyperParameterTuningResourceConfig", RESOURCES, "exactly one"),
        ("TrainingJobDefinition.VpcConfig", {"Subnets": ["s"]}, "TrainingJobDefinition.VpcConfig"),
        ("TrainingJobDefinition.AlgorithmSpecification.AlgorithmName", "a", "does not support .*AlgorithmName"),
        ("TrainingJobDefinition.SomethingNew", {"a": 1}, "SomethingNew"),
    ],
)
def test_refusals(path: str, value: Any, message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_tuning_job(changed(TUNING, path, value))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {f"{CONFIG}.Strategy": "Grid", RANGES: CATEGORICAL},
            ValidationException,
            r"MaxNumberOfTrainingJobs \(9\) should equal .* \(4\)",
        ),
        (
            {f"{CONFIG}.Strategy": "Hyperband", f"{CONFIG}.TrainingJobEarlyStoppingType": "Auto"},
            ValidationException,
            "must be OFF to use Hyperband",
        ),
        (
            {
                f"{CONFIG}.Strategy": "Hyperband",
                f"{CONFIG}.StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 10, "MaxResource": 9}},
            },
            ValidationException,
            r"MinResource \(10\) must not be greater",
        ),
        (
            {
                f"{CONFIG}.Strategy": "Hyperband",
                f"{CONFIG}.StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 20_001}},
            },
            ValidationException,
            "at most 20000",
        ),
        ({f"{LIMITS}.MaxNumberOfTrainingJobs": 751}, ResourceLimitExceeded, "is 750 Training Jobs, .* delta of 751"),
        (
            {f"{LIMITS}.MaxNumberOfTrainingJobs": 200, f"{LIMITS}.MaxParallelTrainingJobs": 101},
            ResourceLimitExceeded,
            "parallel .* is 100",
        ),
    ],
)
def test_refusals_of_combinations(changes: dict[str, Any], error: type[AwsError], message: str) -> None:
    with pytest.raises(error, match=message):
        check_tuning_job(with_changes(TUNING, changes))


def test_several_definitions_pass() -> None:
    check_tuning_job(several(StaticHyperParameters={**SCRIPT, "depth": "50"}))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (several(DefinitionName="a"), "Duplicate training job definition"),
        (several(DefinitionName=""), r"TrainingJobDefinitions.2.member.DefinitionName is required"),
        (several(HyperParameterRanges={}), "HyperParameterRanges is required"),
        (several(**{"TuningObjective.Type": "Maximize"}), "same Type"),
        (several(**{"TuningObjective.MetricName": "acc"}), "A metric is required"),
        (several(VpcConfig={"Subnets": ["s"]}), "TrainingJobDefinitions.2.member.VpcConfig"),
        ({**several(), "TrainingJobDefinition": TUNING["TrainingJobDefinition"]}, "not both"),
        (changed(several(), RANGES, CATEGORICAL), "does not go with TrainingJobDefinitions"),
        (changed(several(), f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto"), "single algorithm"),
        (changed(several(), "WarmStartConfig", {"WarmStartType": "TransferLearning"}), "single algorithm"),
    ],
)
def test_refusals_of_several_definitions(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_tuning_job(members)


PARENT = {"HyperParameterTuningJobName": "parent"}
WARM = {
    **TUNING,
    "WarmStartConfig": {"WarmStartType": "TransferLearning", "ParentHyperParameterTuningJobs": [PARENT]},
}


def parent(changes: dict[str, Any] | None = None, status: str = "Completed") -> dict[str, TuningJob | None]:
    job = new_tuning_job("parent", "arn", "r", request=with_changes(TUNING, changes or {}), seed=1, now=1.0)
    return {"parent": TuningJob(**{**job.__dict__, "status": status})}


def test_a_warm_start_may_change_ranges_and_make_static_what_was_tuned() -> None:
    check_warm_start(WARM, parent(), 9)
    check_warm_start(WARM, parent({f"{RANGES}.ContinuousParameterRanges.0.MaxValue": "0.5"}, "Failed"), 9)
    was_tuned = {
        f"{RANGES}.CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64"]}],
        f"{RANGES}.IntegerParameterRanges": [{"Name": "epochs", "MinValue": "1", "MaxValue": "3"}],
    }
    now_static = changed(WARM, "TrainingJobDefinition.StaticHyperParameters", {**SCRIPT, "epochs": "2"})
    check_warm_start(now_static, parent(was_tuned), 9)
    source = {**SCRIPT, "sagemaker_submit_directory": "s3://b/other.tar.gz"}
    check_warm_start(changed(WARM, "TrainingJobDefinition.StaticHyperParameters", source), parent(), 9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"{CONFIG}.HyperParameterTuningJobObjective.Type": "Maximize"}, "objective metric must be the same"),
        (
            {"TrainingJobDefinition.StaticHyperParameters": {**SCRIPT, "epochs": "1"}},
            "The set of tunable plus static HyperParameter names is not the same .* epochs",
        ),
        (
            {
                f"{RANGES}.CategoricalParameterRanges": [],
                f"{RANGES}.IntegerParameterRanges": [{"Name": "batch-size", "MinValue": "1", "MaxValue": "3"}],
            },
            "type of a hyperparameter .* batch-size",
        ),
        ({"TrainingJobDefinition.Environment": {"A": "1"}}, r"allowed to change: \[algorithmSpec.* \(Environment"),
    ],
)
def test_refusals_of_parents(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_warm_start(WARM, parent(changes), 9)


def test_a_parent_has_to_be_there_and_to_have_ended() -> None:
    with pytest.raises(ValidationException, match="parent does not exist"):
        check_warm_start(WARM, {"parent": None}, 0)
    with pytest.raises(ValidationException, match="status Stopping; it must be in a terminal state"):
        check_warm_start(WARM, parent(status="Stopping"), 9)
    twice = changed(WARM, "WarmStartConfig.ParentHyperParameterTuningJobs", [PARENT, PARENT])
    with pytest.raises(ValidationException, match="Duplicate parent"):
        check_warm_start(twice, parent(), 9)
    with pytest.raises(ValidationException, match="not Grid"):
        check_warm_start(changed(WARM, f"{CONFIG}.Strategy", "Grid"), parent(), 9)
    with pytest.raises(ResourceLimitExceeded, match="utilization of 745 Training Jobs and a request delta of 9"):
        check_warm_start(WARM, parent(), 745)


def test_at_most_ten_static_changes() -> None:
    before = {**SCRIPT, **{f"h{number}": "1" for number in range(6)}}
    parents = parent({"TrainingJobDefinition.StaticHyperParameters": before})
    five = changed(
        WARM, "TrainingJobDefinition.StaticHyperParameters", {**before, **{f"h{number}": "2" for number in range(5)}}
    )
    check_warm_start(five, parents, 9)
    six = changed(five, "TrainingJobDefinition.StaticHyperParameters.h5", "2")
    with pytest.raises(ValidationException, match="is 12, more than 10"):
        check_warm_start(six, parents, 9)
