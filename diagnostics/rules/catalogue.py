"""The built-in Debugger rules by AWS's names, and rules made from a job's RuleParameters."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast, get_type_hints

from diagnostics.rules.all_zero import AllZero
from diagnostics.rules.class_imbalance import ClassImbalance
from diagnostics.rules.confusion import Confusion
from diagnostics.rules.dead_relu import DeadRelu
from diagnostics.rules.exploding_tensor import ExplodingTensor
from diagnostics.rules.loss_not_decreasing import LossNotDecreasing
from diagnostics.rules.overfit import Overfit
from diagnostics.rules.overtraining import Overtraining
from diagnostics.rules.parameters import NotOfType, ParameterOutOfRange, read_as
from diagnostics.rules.poor_weight_initialization import PoorWeightInitialization
from diagnostics.rules.rule import Rule
from diagnostics.rules.saturated_activation import SaturatedActivation
from diagnostics.rules.stalled_training import StalledTrainingRule
from diagnostics.rules.tensor_variance import TensorVariance
from diagnostics.rules.unchanged_tensor import UnchangedTensor
from diagnostics.rules.vanishing_gradient import VanishingGradient
from diagnostics.rules.weight_update_ratio import WeightUpdateRatio

RULES: Mapping[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (
        AllZero,
        ClassImbalance,
        Confusion,
        DeadRelu,
        ExplodingTensor,
        LossNotDecreasing,
        Overfit,
        Overtraining,
        PoorWeightInitialization,
        SaturatedActivation,
        StalledTrainingRule,
        TensorVariance,
        UnchangedTensor,
        VanishingGradient,
        WeightUpdateRatio,
    )
}

# AWS's rules that have nothing to judge in a PyTorch image classifier.
_NOT_HERE: Mapping[str, str] = {
    "CheckInputImages": "is for another framework than PyTorch: it reads the input tensor of MXNet's HybridSequential",
    "CreateXgboostReport": "is for another framework than PyTorch: it is a report on an XGBoost model",
    "FeatureImportanceOverweight": "is for another framework than PyTorch: it judges the features of an XGBoost model",
    "NLPSequenceRatio": "is for another framework than PyTorch: it judges the token sequences of language models (NLP)",
    "SimilarAcrossRuns": "compares two training jobs, which is not done here",
    "TreeDepth": "is for another framework than PyTorch: it judges the trees of an XGBoost model",
}


class UnknownRule(ValueError):
    """No built-in rule has that name; the message lists near matches."""


class RuleForOtherFramework(ValueError):
    """A rule of AWS's for another framework; the message says which."""


class BadRuleParameter(ValueError):
    """A rule has no such parameter, or not with such a value; the message says what is allowed."""

    def __init__(self, rule: str, parameter: str, value: object, allowed: str) -> None:
        super().__init__(f"{rule}: parameter {parameter}={value!r}; allowed: {allowed}")
        self.rule, self.parameter, self.value, self.allowed = rule, parameter, value, allowed


def build_rule(name: str, parameters: Mapping[str, str]) -> Rule:
    """The rule called `name` with AWS's string `parameters`, and its defaults for the others.

    What the SDK writes among the RuleParameters for the platform (rule_to_invoke, action_json) is not for the rule:
    configuration.py takes it out. Raises UnknownRule, RuleForOtherFramework, BadRuleParameter.
    """
    kind = _rule_class(name)
    names = [field.name for field in fields(cast(Any, kind)) if field.init]
    types = get_type_hints(kind)
    values: dict[str, Any] = {}
    for parameter, text in parameters.items():
        if parameter not in names:
            allowed = f"the parameters of {name}: {', '.join(names)}" if names else f"none, {name} has no parameters"
            raise BadRuleParameter(name, parameter, text, _near(parameter, names) + allowed)
        try:
            values[parameter] = read_as(types[parameter], text)
        except NotOfType as error:
            raise BadRuleParameter(name, parameter, text, str(error)) from error
    try:
        return kind(**values)
    except ParameterOutOfRange as error:
        raise BadRuleParameter(name, error.name, parameters.get(error.name, error.value), error.allowed) from error


def _rule_class(name: str) -> type[Rule]:
    if name in RULES:
        return RULES[name]
    if name in _NOT_HERE:
        raise RuleForOtherFramework(
            f"The rule {name} {_NOT_HERE[name]}. Take it out of the "
            f"job's rules; those for PyTorch are {', '.join(RULES)}."
        )
    raise UnknownRule(f"There is no built-in rule {name!r}. {_near(name, RULES)}The rules are {', '.join(RULES)}.")


def _near(name: str, known: Mapping[str, object] | list[str]) -> str:
    """`Did you mean X, Y? `, also for vanishing_gradient; nothing where nothing is near."""
    plain = {one.lower().replace("_", ""): one for one in known}
    near = [plain[one] for one in difflib.get_close_matches(name.lower().replace("_", ""), plain, 3)]
    return f"Did you mean {', '.join(near)}? " if near else ""
