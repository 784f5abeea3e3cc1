"""UnchangedTensor: the newest values are all close."""

import numpy as np
import pytest

from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.rules.unchanged_tensor import UnchangedTensor
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import broken, run, saved_step


def stream(*values: float | None, name: str = "fc.weight") -> list[SavedStep]:
    """The tensor at steps 0, 10, 20 ...; None: not saved there."""
    return [saved_step(10 * at, {} if value is None else {name: np.full(3, value)}) for at, value in enumerate(values)]


def test_fires_at_the_third_step_that_is_the_same() -> None:
    found = run(UnchangedTensor(), stream(1.0, 2.0, 2.0, 2.0, 2.0))
    assert found is not None
    assert (found.step, found.tensor, found.value, found.threshold) == (30, "fc.weight", 3, 3)
    assert found.what == (
        "fc.weight was the same at the last 3 steps where it was saved, up to step 30 (within rtol 1e-05, atol 1e-08)."
    )
    rule = UnchangedTensor()
    assert run(rule, stream(1.0, 2.0, 2.0, 1.0, 1.0, 2.0)) is None
    assert rule.unjudged() is None


def test_steps_without_the_tensor_do_not_count() -> None:
    found = run(UnchangedTensor(), stream(2.0, None, 2.0, None, 2.0))
    assert found is not None
    assert found.step == 40


def test_tolerances() -> None:
    assert run(UnchangedTensor(rtol=0.25, atol=0), stream(1.25, 1.0, 1.0)) is not None
    assert run(UnchangedTensor(rtol=0.25, atol=0), stream(1.26, 1.0, 1.0)) is None
    assert run(UnchangedTensor(rtol=0, atol=0.5), stream(1.5, 1.0, 1.0)) is not None
    assert run(UnchangedTensor(rtol=0, atol=0.5), stream(1.51, 1.0, 1.0)) is None
    assert run(UnchangedTensor(num_steps=2), stream(1.0, 1.0)) is not None


def test_nan_is_the_same_only_when_asked() -> None:
    assert run(UnchangedTensor(), stream(np.nan, np.nan, np.nan)) is None
    assert run(UnchangedTensor(equal_nan=True), stream(np.nan, np.nan, np.nan)) is not None
    assert run(UnchangedTensor(), stream(np.inf, np.inf, np.inf)) is not None


def test_another_shape_is_a_change() -> None:
    steps = [saved_step(0, {"a": np.ones(2)}), saved_step(1, {"a": np.ones(2)}), saved_step(2, {"a": np.ones(3)})]
    assert run(UnchangedTensor(), steps) is None


def transfer_learning(step: int, head: float, *, gradients: bool = True) -> SavedStep:
    tensors = {"conv1.weight": np.ones(3), "conv1.bias": np.ones(1), "fc.weight": np.full(3, head)}
    return saved_step(step, tensors | ({"gradient/fc.weight": np.full(3, 1.0 + step)} if gradients else {}))


def test_frozen_layers_do_not_fire() -> None:
    assert run(UnchangedTensor(), [transfer_learning(step, step) for step in range(9)]) is None
    chosen = UnchangedTensor(collection_names=("weights",))
    assert run(chosen, [transfer_learning(step, step) for step in range(9)]) is None
    assert chosen.unjudged() is None


def test_a_trained_layer_that_stands_still_fires() -> None:
    found = run(UnchangedTensor(), [transfer_learning(step, 1.0) for step in range(9)])
    assert found is not None
    assert (found.step, found.tensor) == (2, "fc.weight")
    assert "more" not in found.what


def test_without_gradients_frozen_layers_cannot_be_told() -> None:
    found = run(UnchangedTensor(), [transfer_learning(step, step, gradients=False) for step in range(9)])
    assert found is not None
    assert (found.step, found.tensor) == (2, "conv1.bias")
    assert "and 1 more tensors like it" in found.what
    assert any("--freeze-backbone" in advice for advice in found.advice)


def test_validation_leaves_weights_as_they_are() -> None:
    validation = [saved_step(at, {"fc.weight": np.ones(2), "fc_output": np.full(1, at)}, Mode.EVAL) for at in range(5)]
    assert run(UnchangedTensor(), validation) is None
    trained = [saved_step(10, {"fc.weight": np.ones(2)}), saved_step(11, {"fc.weight": np.full(2, 2.0)})]
    assert run(UnchangedTensor(), [*validation, *trained]) is None
    outputs = [saved_step(at, {"fc_output": np.ones(2)}, Mode.EVAL) for at in range(3)]
    assert run(UnchangedTensor(), outputs) is not None


def test_reductions_have_to_be_the_same_to_the_last_bit() -> None:
    def steps(*means: float) -> list[SavedStep]:
        return [saved_step(at, {}, reductions={"a": {"mean": mean, "max": 1.0}}) for at, mean in enumerate(means)]

    assert run(UnchangedTensor(), steps(0.5, 0.5, 0.5)) is not None
    assert run(UnchangedTensor(), steps(0.5, 0.5, np.nextafter(0.5, 1))) is None
    rule = UnchangedTensor()
    assert run(rule, [saved_step(at, {}, reductions={"a": {"max": 1.0}}) for at in range(5)]) is None
    assert "of a only max were saved at step 4" in str(rule.unjudged())


def test_unjudged() -> None:
    rule = UnchangedTensor(collection_names=("weights",))
    assert run(rule, stream(1.0, 1.0)) is None
    assert str(rule.unjudged()).startswith(
        "Too few steps: a tensor has to be saved 3 times, and none of the collection weights was more than 2 times."
    )
    nothing = UnchangedTensor(collection_names=("weights",))
    assert run(nothing, [broken(step, ["fc.weight"]) for step in stream(1.0, 1.0, 1.0)]) is None
    assert "fc.weight of step 20 cannot be read" in str(nothing.unjudged())
    assert '"CollectionName": "weights"' in str(nothing.unjudged())


def test_parameters_out_of_range() -> None:
    with pytest.raises(ParameterOutOfRange, match="num_steps is 1"):
        UnchangedTensor(num_steps=1)
