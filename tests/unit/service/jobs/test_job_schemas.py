"""What a body may say: each bad one is refused with words that help."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from service.domain.metric_definitions import metric_definitions
from service.routes.job_examples import TRAINING_JOB_EXAMPLES, TUNING_JOB_EXAMPLES
from service.schemas.training_job_request import TrainingJobRequest
from service.schemas.tuning_job_request import TuningJobRequest

CHANNELS = {"train": "s3://dogs/train", "validation": "s3://dogs/valid"}
LR = {"type": "continuous", "min": 0.1, "max": 0.2}


@pytest.mark.parametrize("example", TRAINING_JOB_EXAMPLES.values(), ids=lambda example: str(example["summary"]))
def test_training_examples_are_valid(example: dict[str, Any]) -> None:
    TrainingJobRequest.model_validate(copy.deepcopy(example["value"]))


@pytest.mark.parametrize("example", TUNING_JOB_EXAMPLES.values(), ids=lambda example: str(example["summary"]))
def test_tuning_examples_are_valid(example: dict[str, Any]) -> None:
    TuningJobRequest.model_validate(copy.deepcopy(example["value"]))


def test_tuning_defaults_are_the_reference_projects() -> None:
    request = TuningJobRequest.model_validate({"channels": CHANNELS})
    assert request.model_dump(mode="json", include={"ranges", "objective", "max_jobs", "max_parallel_jobs"}) == {
        "ranges": {
            "lr": {"type": "continuous", "min": 0.001, "max": 0.1, "scaling": "Logarithmic"},
            "batch-size": {"type": "categorical", "values": [32, 64, 128, 256]},
        },
        "objective": {"metric": "validation:loss", "type": "Minimize"},
        "max_jobs": 9,
        "max_parallel_jobs": 3,
    }
    assert (request.entry_point, request.strategy, request.early_stopping) == ("hpo.py", "Bayesian", False)


def test_debugger_and_profiler_are_on_for_own_training_only() -> None:
    own = TrainingJobRequest.model_validate({"channels": CHANNELS})
    assert own.debugger is not None
    assert [rule.name for rule in own.debugger.rules] == [
        "VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization",
    ]  # fmt: skip
    assert own.profiler is not None
    assert own.profiler.interval_ms == 500
    off = TrainingJobRequest.model_validate({"channels": CHANNELS, "debugger": None, "profiler": None})
    assert (off.debugger, off.profiler) == (None, None)
    other = TrainingJobRequest.model_validate({"entry_point": "imagenet_dogs.py"})
    assert (other.debugger, other.profiler, other.channels) == (None, None, {})


def test_one_request_does_not_change_the_defaults_of_the_next() -> None:
    first = TrainingJobRequest.model_validate({"channels": CHANNELS})
    first.channels["more"] = "s3://dogs/more"
    first.hyperparameters["lr"] = 1
    assert first.debugger is not None
    first.debugger.rules.clear()
    second = TrainingJobRequest.model_validate({"channels": CHANNELS})
    assert second.hyperparameters == {}
    assert second.debugger is not None
    assert len(second.debugger.rules) == 4


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"name": "-dogs"}, "name"),
        ({"name": "dogs_1"}, "name"),
        ({"name": "d" * 64}, "name"),
        ({"channels": {}}, "train_model.py needs train and validation"),
        ({"channels": {"train": "s3://dogs/train"}}, "train_model.py needs validation"),
        ({"channels": {**CHANNELS, "test": "file:///data"}}, "must be s3://BUCKET/PREFIX"),
        ({"channels": {**CHANNELS, "te st": "s3://dogs/test"}}, "channels"),
        ({"channels": {}, "entry_point": "hpo.py"}, "hpo.py needs train and validation"),
        ({"entry_point": "../train.py"}, "entry_point"),
        ({"entry_point": "/etc/train.py"}, "entry_point"),
        ({"entry_point": "train.sh"}, "entry_point"),
        ({"hyperparameters": {"sagemaker_program": "x.py"}}, "SageMaker's own"),
        ({"hyperparameters": {"lr": float("nan")}}, "finite"),
        ({"hyperparameters": {"lr": None}}, "hyperparameters"),
        ({"hyperparameters": {"--lr": 1}}, "hyperparameters"),
        ({"instance_type": "m5.xlarge"}, "instance_type"),
        ({"instance_count": 0}, "instance_count"),
        ({"max_runtime_seconds": 2_419_201}, "max_runtime_seconds"),
        ({"tags": {"sagehound:mine": "1"}}, "reserved"),
        ({"tags": {"aws:mine": "1"}}, "reserved"),
        ({"environment": {"1A": "x"}}, "environment"),
        ({"checkpoint_s3_uri": "https://dogs"}, "must be s3://"),
        ({"debugger": {"rules": [{"name": "NoSuchRule"}]}}, "NoSuchRule|rules"),
        ({"profiler": {"interval_ms": 300}}, "interval_ms"),
        ({"lr": 0.1}, "Extra inputs"),
    ],
)
def test_bad_training_bodies_are_refused(members: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainingJobRequest.model_validate({"channels": CHANNELS, **members})


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"name": "d" * 33}, "name"),
        ({"ranges": {"lr": {**LR, "min": 0.2}}}, r"min \(0.2\) must be less than max \(0.2\)"),
        ({"ranges": {"lr": {**LR, "min": 0, "scaling": "Logarithmic"}}}, "min > 0"),
        ({"ranges": {"lr": {**LR, "max": 1, "scaling": "ReverseLogarithmic"}}}, "max < 1"),
        ({"ranges": {"n": {"type": "integer", "min": 2, "max": 2}}}, "must be less than max"),
        ({"ranges": {"n": {"type": "integer", "min": 0, "max": 2, "scaling": "Logarithmic"}}}, "min > 0"),
        ({"ranges": {"n": {"type": "integer", "min": 1, "max": 2, "scaling": "ReverseLogarithmic"}}}, "scaling"),
        ({"ranges": {"n": {"type": "integer", "min": 1.5, "max": 2}}}, "integer"),
        ({"ranges": {"b": {"type": "categorical", "values": [32]}}}, "at least 2"),
        ({"ranges": {"b": {"type": "categorical", "values": [32, "32"]}}}, "may stand there once"),
        ({"ranges": {"b": {"type": "categorical", "values": ["a", "b" * 255]}}}, "longer than 254"),
        ({"ranges": {}}, "at least 1"),
        ({"ranges": {"lr": LR}, "static_hyperparameters": {"lr": 0.1}}, "either static or searched"),
        ({"objective": {"metric": "loss"}}, "objective"),
        ({"objective": {"metric": "test:loss"}}, "too good. Tune for validation:loss"),
        ({"objective": {"metric": "test:accuracy", "type": "Maximize"}}, "Tune for validation:accuracy"),
        ({"max_jobs": 751}, "at most 750"),
        ({"max_jobs": 2, "max_parallel_jobs": 3}, "more than max_jobs"),
        ({"strategy": "Grid"}, "categorical ranges only"),
        ({"strategy": "Grid", "ranges": {"b": {"type": "categorical", "values": [1, 2]}}, "max_jobs": 3}, "2 comb"),
        ({"strategy": "Hyperband", "early_stopping": True}, "Hyperband stops"),
        ({"hyperband": {"max_resource": 9}}, "belongs to the strategy Hyperband"),
        ({"strategy": "Hyperband", "hyperband": {"min_resource": 9, "max_resource": 9}}, "less than max_resource"),
        ({"channels": {"train": "s3://dogs/train"}}, "hpo.py needs validation"),
        (
            {"channels": {**CHANNELS, "test": "s3://dogs/test"}, "entry_point": "train_model.py"},
            "every training job would be judged on test",
        ),
    ],
)
def test_bad_tuning_bodies_are_refused(members: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TuningJobRequest.model_validate({"channels": CHANNELS, **members})


def test_fewer_jobs_than_the_default_parallel_jobs() -> None:
    request = TuningJobRequest.model_validate({"channels": CHANNELS, "max_jobs": 2})
    assert (request.max_jobs, request.max_parallel_jobs) == (2, 2)


def test_grid_takes_every_combination() -> None:
    ranges = {"b": {"type": "categorical", "values": [1, 2]}, "c": {"type": "categorical", "values": ["x", "y", "z"]}}
    assert (
        TuningJobRequest.model_validate({"channels": CHANNELS, "strategy": "Grid", "ranges": ranges}).max_jobs is None
    )
    six = TuningJobRequest.model_validate({"channels": CHANNELS, "strategy": "Grid", "ranges": ranges, "max_jobs": 6})
    assert six.max_jobs == 6


def test_metric_definitions_are_the_contract() -> None:
    definitions = {definition["Name"]: definition["Regex"] for definition in metric_definitions()}
    assert definitions["validation:loss"] == r"(?:^|\s)validation:loss=([0-9.eE+-]+|nan|inf)"
    assert definitions["lr"] == r"(?:^|\s)lr=([0-9.eE+-]+|nan|inf)"
    assert len(definitions) == 12, "SageMaker takes 20"
