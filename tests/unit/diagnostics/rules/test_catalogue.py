"""Rules by AWS's names, made from AWS's string parameters."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

import pytest

from diagnostics.rules.catalogue import RULES, BadRuleParameter, RuleForOtherFramework, UnknownRule, build_rule
from diagnostics.rules.loss_not_decreasing import LossNotDecreasing
from diagnostics.rules.unchanged_tensor import UnchangedTensor
from diagnostics.tensors.saved_step import Mode

# AWS's parameters and defaults: reference/diagnostics.md, and the developer guide's pages on the rules.
PUBLISHED: Mapping[str, Mapping[str, object]] = {
    "AllZero": {"collection_names": None, "tensor_regex": None, "threshold": 100},
    "ExplodingTensor": {"collection_names": None, "tensor_regex": None, "only_nan": False},
    "LossNotDecreasing": {
        "collection_names": None,
        "tensor_regex": None,
        "use_losses_collection": True,
        "num_steps": 10,
        "diff_percent": 0.1,
        "increase_threshold_percent": 5,
        "mode": None,
    },
    "Overfit": {"tensor_regex": None, "start_step": 0, "patience": 1, "ratio_threshold": 0.1},
    "Overtraining": {"tensor_regex": None, "patience_train": 5, "patience_validation": 10, "delta": 0.01},
    "StalledTrainingRule": {
        "threshold": 1800,
        "stop_training_on_fire": False,
        "training_job_name_prefix": None,
    },
    "TensorVariance": {"collection_names": None, "tensor_regex": None, "max_threshold": None, "min_threshold": None},
    "UnchangedTensor": {
        "collection_names": None,
        "tensor_regex": None,
        "num_steps": 3,
        "rtol": 1e-5,
        "atol": 1e-8,
        "equal_nan": False,
    },
    "VanishingGradient": {"threshold": 1e-7},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_defaults_are_awss(name: str) -> None:
    rule = build_rule(name, {})
    assert {one.name: getattr(rule, one.name) for one in fields(cast(Any, rule)) if one.init} == PUBLISHED[name]


def test_all_rules_are_there() -> None:
    others = {"ClassImbalance", "Confusion", "DeadRelu", "PoorWeightInitialization", "SaturatedActivation"}
    assert set(RULES) == {*PUBLISHED, *others, "WeightUpdateRatio"}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_reads_its_own_defaults_as_the_service_writes_them(name: str) -> None:
    rule = build_rule(name, {})
    written = {one.name: str(getattr(rule, one.name)) for one in fields(cast(Any, rule)) if one.init}
    assert build_rule(name, written) == rule


def test_strings_become_the_fields() -> None:
    rule = build_rule(
        "LossNotDecreasing",
        {
            "num_steps": "20",
            "diff_percent": "1e-1",
            "use_losses_collection": "True",
            "mode": "TRAIN",
            "tensor_regex": "a,b",
        },
    )
    assert rule == LossNotDecreasing(num_steps=20, mode=Mode.TRAIN, tensor_regex=("a", "b"))
    unchanged = build_rule("UnchangedTensor", {"equal_nan": "true", "collection_names": "weights, biases"})
    assert unchanged == UnchangedTensor(equal_nan=True, collection_names=("weights", "biases"))


@pytest.mark.parametrize(
    ("rule", "parameter", "value", "allowed"),
    [
        ("VanishingGradient", "threshold", "tiny", "a number"),
        (
            "VanishingGradient",
            "treshold",
            "1",
            "Did you mean threshold\\? the parameters of VanishingGradient: threshold",
        ),
        ("Overfit", "patience", "0", "a number from 1 on"),
        ("LossNotDecreasing", "mode", "PREDICT", "EVAL, TRAIN, GLOBAL"),
        ("LossNotDecreasing", "_passes", "1", "the parameters of LossNotDecreasing"),
        ("ExplodingTensor", "only_nan", "maybe", "true or false"),
        ("ExplodingTensor", "tensor_regex", "ab(", "a regular expression"),
        ("UnchangedTensor", "num_steps", "2.5", "a whole number"),
    ],
)
def test_what_is_wrong_is_named(rule: str, parameter: str, value: str, allowed: str) -> None:
    with pytest.raises(BadRuleParameter, match=f"allowed: .*{allowed}") as refused:
        build_rule(rule, {parameter: value})
    assert (refused.value.rule, refused.value.parameter, refused.value.value) == (rule, parameter, value)
    assert str(refused.value).startswith(f"{rule}: parameter {parameter}={value!r}")
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("name", ["vanishing_gradient", "VanishingGradients", "vanishinggradient"])
def test_near_names_are_offered(name: str) -> None:
    with pytest.raises(UnknownRule, match=r"There is no built-in rule .*Did you mean VanishingGradient"):
        build_rule(name, {})


def test_names_that_are_near_nothing() -> None:
    with pytest.raises(UnknownRule, match=r"no built-in rule ''\. The rules are AllZero, "):
        build_rule("", {})


@pytest.mark.parametrize(
    ("name", "framework"),
    [
        ("TreeDepth", "XGBoost"),
        ("FeatureImportanceOverweight", "XGBoost"),
        ("CreateXgboostReport", "XGBoost"),
        ("NLPSequenceRatio", "NLP"),
        ("CheckInputImages", "MXNet"),
    ],
)
def test_rules_for_other_frameworks_say_so(name: str, framework: str) -> None:
    with pytest.raises(RuleForOtherFramework, match=f"{name} is for another framework than PyTorch.*{framework}"):
        build_rule(name, {})
