"""DeadRelu: more than threshold_layer % of a layer's ReLUs active in less than threshold_inactivity %."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.dead_relu import DeadRelu
from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.steps import broken, run, saved_step

RELU = "layer1.relu_output_0"


def channels(dead: int, of: int = 10, *, shape: tuple[int, ...] = (4, 5, 5)) -> npt.NDArray[np.float32]:
    """[images, channels, height, width] with so many channels of zeros."""
    outputs = np.ones((shape[0], of, *shape[1:]), np.float32)
    outputs[:, :dead] = 0
    return outputs


def features(*active: int, values: int = 100) -> npt.NDArray[np.float32]:
    """[images, features]: of each feature so many values are active."""
    return np.stack([np.arange(values) < number for number in active], axis=1).astype(np.float32)


def test_fires_at_the_first_step_with_more_than_half_of_the_channels_dead() -> None:
    found = run(DeadRelu(), [saved_step(step, {RELU: channels(dead)}) for step, dead in ((0, 3), (10, 5), (20, 6))])
    assert found is not None
    assert (found.step, found.tensor, found.value, found.threshold) == (20, RELU, 60.0, 50.0)
    assert found.what == (
        f"60 % of the ReLUs of {RELU} are active in less than 1 % of their values at step 20; the threshold is 50 %."
    )


def test_a_relu_is_dead_below_one_percent() -> None:
    assert run(DeadRelu(), [saved_step(0, {RELU: features(1, 1, 1)})]) is None
    assert run(DeadRelu(), [saved_step(0, {RELU: features(0, 0, 1)})]) is not None
    assert run(DeadRelu(threshold_inactivity=2), [saved_step(0, {RELU: features(1, 1, 1)})]) is not None


def test_few_images_are_gathered_over_steps() -> None:
    """25 images a step: at the fourth step there are the 100 values that 1 % takes."""
    quiet = [saved_step(step, {RELU: features(0, 0, 1, values=25)}) for step in range(4)]
    found = run(DeadRelu(), quiet)
    assert found is not None
    assert found.step == 3
    wakes = [*quiet[:3], saved_step(3, {RELU: features(1, 1, 1, values=25)})]
    assert run(DeadRelu(), wakes) is None


def test_modes_are_gathered_apart() -> None:
    rule = DeadRelu()
    modes = [Mode.TRAIN, Mode.TRAIN, Mode.EVAL, Mode.EVAL, Mode.TRAIN]
    steps = [saved_step(at, {RELU: features(0, 0, values=25)}, mode) for at, mode in enumerate(modes)]
    assert run(rule, steps) is None
    assert str(rule.unjudged()).startswith(
        "Too few values: 100 of each ReLU are needed to see 1 %, and the most were 75."
    )


def test_the_layer_with_most_is_named() -> None:
    found = run(DeadRelu(), [saved_step(0, {"a.relu_output_0": channels(6), "b.relu_output_0": channels(9)})])
    assert found is not None
    assert (found.tensor, found.value) == ("b.relu_output_0", 90)
    assert found.what.endswith("and 1 more layer like it.")


def test_large_outputs_are_sampled_evenly() -> None:
    outputs = np.zeros((16, 8, 112, 112), np.float32)
    outputs[:, :5, ::2] = 1
    outputs[:, 5:, 0, 0] = 1  # 1 of 12,544 places
    assert run(DeadRelu(threshold_layer=40), [saved_step(0, {RELU: outputs})]) is None
    assert run(DeadRelu(threshold_layer=37), [saved_step(0, {RELU: outputs})]) is not None


def test_other_tensors_by_parameters() -> None:
    step = saved_step(0, {"act_output_0": channels(10), RELU: channels(0)})
    assert run(DeadRelu(), [step]) is None
    found = run(DeadRelu(tensor_regex=("act_",)), [step])
    assert found is not None
    assert found.tensor == "act_output_0"


def test_nan_is_not_dead() -> None:
    rule = DeadRelu()
    assert run(rule, [saved_step(0, {RELU: channels(9) * np.nan})]) is None
    assert rule.unjudged() is not None


def test_what_to_save() -> None:
    rule = DeadRelu()
    assert run(rule, [saved_step(0, {"x": 1.0}), broken(saved_step(1, {RELU: channels(9)}), [RELU])]) is None
    assert rule.unjudged() == (
        'Nothing of tensors like ".*relu_output" was saved whole (layer1.relu_output_0 of step 1 cannot be read). '
        'Save it: add {"CollectionName": "relu_output", "CollectionParameters": {"include_regex": ".*relu_output", '
        '"save_interval": "100"}} to DebugHookConfig.CollectionConfigurations.'
    )


@pytest.mark.parametrize("parameters", [{"threshold_inactivity": 0.0}, {"threshold_layer": 101.0}])
def test_parameters_out_of_range(parameters: dict[str, float]) -> None:
    with pytest.raises(ParameterOutOfRange):
        DeadRelu(**parameters)  # type: ignore[arg-type]


_outputs = arrays.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_outputs, max_size=6), st.floats(0.01, 100))
def test_nothing_crashes_it(saved: list[npt.NDArray[np.generic]], inactivity: float) -> None:
    rule = DeadRelu(threshold_inactivity=inactivity)
    found = run(rule, [saved_step(step, {RELU: tensor}) for step, tensor in enumerate(saved)])
    assert found is None or (isinstance(found, Finding) and found.value > 50)
    assert rule.unjudged() is None or "DebugHookConfig" in str(rule.unjudged())
