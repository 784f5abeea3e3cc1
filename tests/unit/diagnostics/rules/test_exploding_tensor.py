"""ExplodingTensor: NaN or infinity."""

import math

import numpy as np
import pytest

from diagnostics.rules.exploding_tensor import ExplodingTensor
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import LOSS, broken, run, saved_step


def test_fires_at_the_first_value_that_is_not_finite() -> None:
    largest = np.finfo(np.float32).max
    steps = [
        saved_step(0, {LOSS: np.float32(2.3), "fc.weight": np.full(4, largest, np.float32)}),
        saved_step(1, {LOSS: np.float32(2.3), "fc.weight": np.array([1, np.inf, np.nan, 2], np.float32)}, Mode.EVAL),
    ]
    found = run(ExplodingTensor(), steps)
    assert found is not None
    assert (found.step, found.mode, found.tensor, found.threshold) == (1, Mode.EVAL, "fc.weight", None)
    assert math.isnan(found.value)
    assert found.what == "fc.weight holds 1 NaN and 1 Inf among 4 values at step 1."
    assert found.as_json()["value"] is None


def test_the_first_by_name_is_named_and_the_others_counted() -> None:
    found = run(ExplodingTensor(), [saved_step(7, {"b": np.inf, "a": np.array([-np.inf]), "c": 1.0})])
    assert found is not None
    assert (found.tensor, found.value) == ("a", math.inf)
    assert found.what == "a holds 1 Inf among 1 values at step 7, and 1 more tensors like it."


def test_only_nan() -> None:
    rule = ExplodingTensor(only_nan=True)
    assert run(rule, [saved_step(0, {LOSS: np.inf})]) is None
    assert rule.unjudged() is None
    assert run(rule, [saved_step(1, {LOSS: np.nan})]) is not None


def test_whole_numbers_and_texts_cannot_explode() -> None:
    assert run(ExplodingTensor(), [saved_step(0, {"labels": np.array([1, 2]), "names": np.array(["a"])})]) is None


@pytest.mark.parametrize(
    ("figures", "only_nan", "fires"),
    [
        ({"max": math.inf}, False, True),
        ({"max": math.inf}, True, False),
        ({"mean": math.nan}, True, True),
        ({"mean": math.nan, "min": 1.0, "max": math.inf}, True, False),  # inf - inf: no NaN in the tensor
        ({"mean": math.nan, "max": math.nan}, True, True),
        ({"prod": math.inf}, False, False),  # a product of finite values overflows
        ({"prod": math.inf, "abs_max": 3.0}, False, False),
        ({"l2": 1e30}, False, False),
    ],
)
def test_reductions(figures: dict[str, float], only_nan: bool, fires: bool) -> None:
    found = run(ExplodingTensor(only_nan=only_nan), [saved_step(4, {}, reductions={"fc.weight": figures})])
    assert (found is not None) == fires


def test_only_what_was_asked_for() -> None:
    step = saved_step(0, {"conv.weight": np.nan, "gradient/conv.weight": np.nan, "relu_output_0": np.nan})
    by_collection = run(ExplodingTensor(collection_names=("weights",)), [step])
    by_regex = run(ExplodingTensor(tensor_regex=("relu",)), [step])
    assert by_collection is not None
    assert by_regex is not None
    assert (by_collection.tensor, by_regex.tensor) == ("conv.weight", "relu_output_0")
    assert run(ExplodingTensor(collection_names=("losses",), tensor_regex=("tanh",)), [step]) is None


def test_collections_of_the_job_count() -> None:
    own = Collections({"mine": ("^fc",)}, {"mine": frozenset({"head"})})
    step = saved_step(0, {"head": np.nan, "fc.bias": 1.0, "other": np.nan}, collections=own)
    found = run(ExplodingTensor(collection_names=("mine",)), [step])
    assert found is not None
    assert found.tensor == "head"
    assert "more" not in found.what


def test_unjudged_names_what_was_wanted() -> None:
    rule = ExplodingTensor(collection_names=("gradients", "weights"), tensor_regex=("relu",))
    assert run(rule, [broken(saved_step(2, {"relu_0": np.zeros(1)}), ["relu_0"]), saved_step(3, {LOSS: 1.0})]) is None
    assert rule.unjudged() == (
        'Nothing of the collections gradients, weights and tensors like "relu" was saved '
        '(relu_0 of step 2 cannot be read). Save it: add {"CollectionName": "gradients", "CollectionParameters": '
        '{"save_interval": "10"}} to DebugHookConfig.CollectionConfigurations.'
    )
    assert str(ExplodingTensor().unjudged()).startswith("Nothing of any tensor was saved. Save it: add {")
