"""SaturatedActivation: more than threshold_layer % of a tanh or sigmoid layer's nodes at the function's ends."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.rules.saturated_activation import SaturatedActivation, function_of
from tests.unit.diagnostics.steps import broken, run, saved_step

TANH, SIGMOID = "layer1.tanh_input_0", "gate.sigmoid_input_0"


def inputs(*nodes: float, values: int = 100) -> npt.NDArray[np.float32]:
    """[images, nodes], each node with the same value everywhere."""
    return np.tile(np.array(nodes, np.float32), (values, 1))


def test_fires_at_the_first_step_with_more_than_half_of_the_nodes_saturated() -> None:
    steps = [
        saved_step(0, {TANH: inputs(1, 2, 3, 4)}),
        saved_step(10, {TANH: inputs(1, 2, 12, -12)}),
        saved_step(20, {TANH: inputs(1, 9.6, 12, -12)}),
    ]
    found = run(SaturatedActivation(), steps)
    assert found is not None
    assert (found.step, found.tensor, found.value, found.threshold) == (20, TANH, 75.0, 50.0)
    assert "with less than 1 % of their inputs between -9.4999 and 9.4999" in found.what


@pytest.mark.parametrize(
    ("tensor", "value", "fires"),
    [
        (TANH, 9.49, False),
        (TANH, -9.51, True),
        (TANH, 20.0, True),
        (SIGMOID, -22.9, False),
        (SIGMOID, -23.1, True),
        (SIGMOID, 16.9, False),
        (SIGMOID, 17.1, True),
    ],
)
def test_ends_of_each_function(tensor: str, value: float, fires: bool) -> None:
    assert (run(SaturatedActivation(), [saved_step(0, {tensor: inputs(value, value)})]) is not None) == fires


def test_a_node_is_saturated_below_one_percent_of_activity() -> None:
    once = inputs(50, 50)
    once[0] = 0
    assert run(SaturatedActivation(), [saved_step(0, {TANH: once})]) is None
    assert run(SaturatedActivation(threshold_inactivity=1.5), [saved_step(0, {TANH: once})]) is not None


def test_thresholds_are_parameters() -> None:
    step = saved_step(0, {TANH: inputs(3, 3), SIGMOID: inputs(-5, -5)})
    assert run(SaturatedActivation(), [step]) is None
    tanh = run(SaturatedActivation(threshold_tanh_max=2), [step])
    sigmoid = run(SaturatedActivation(threshold_sigmoid_min=-4), [step])
    assert tanh is not None
    assert sigmoid is not None
    assert (tanh.tensor, sigmoid.tensor) == (TANH, SIGMOID)


@pytest.mark.parametrize(("value", "fires"), [(1.0, True), (-1.0, True), (0.99999, False), (0.0, False)])
def test_outputs_are_compared_with_the_values_at_the_ends(value: float, fires: bool) -> None:
    rule = SaturatedActivation(tensor_regex=("tanh_output",))
    assert (run(rule, [saved_step(0, {"tanh_output_0": inputs(value, value)})]) is not None) == fires


@pytest.mark.parametrize(("value", "fires"), [(1.0, True), (0.0, True), (1e-9, False), (0.9999, False)])
def test_outputs_of_sigmoids(value: float, fires: bool) -> None:
    rule = SaturatedActivation(tensor_regex=("sigmoid_output",))
    assert (run(rule, [saved_step(0, {"sigmoid_output_0": inputs(value, value)})]) is not None) == fires


def test_few_images_are_gathered_over_steps() -> None:
    found = run(SaturatedActivation(), [saved_step(step, {TANH: inputs(99, 99, values=30)}) for step in range(9)])
    assert found is not None
    assert found.step == 3


def test_function_by_the_name() -> None:
    assert function_of("rnn.tanh_input_0") == "tanh"
    assert function_of("tanh_block.Sigmoid_input_0") == "sigmoid"
    assert function_of("relu_input_0") is None


def test_other_layers_are_said_to_be_neither() -> None:
    rule = SaturatedActivation(tensor_regex=("relu",))
    assert run(rule, [saved_step(0, {"relu_input_0": inputs(99, 99)})]) is None
    assert "relu_input_0 has neither tanh nor sigmoid in its name" in str(rule.unjudged())


def test_what_to_save() -> None:
    rule = SaturatedActivation()
    assert run(rule, [broken(saved_step(1, {TANH: inputs(1)}), [TANH])]) is None
    assert '"include_regex": ".*tanh_input|.*sigmoid_input"' in str(rule.unjudged())
    assert f"{TANH} of step 1 cannot be read" in str(rule.unjudged())
    rule = SaturatedActivation()
    assert run(rule, [saved_step(0, {TANH: inputs(99, values=99)})]) is None
    assert "and the most were 99" in str(rule.unjudged())


@pytest.mark.parametrize(
    "parameters", [{"threshold_inactivity": 0.0}, {"threshold_layer": 0.0}, {"threshold_tanh_max": -10.0}]
)
def test_parameters_out_of_range(parameters: dict[str, float]) -> None:
    with pytest.raises(ParameterOutOfRange):
        SaturatedActivation(**parameters)  # type: ignore[arg-type]


_inputs = arrays.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_inputs, st.sampled_from([TANH, SIGMOID, "tanh_input"])), max_size=6), st.floats(0.01, 100))
def test_nothing_crashes_it(saved: list[tuple[npt.NDArray[np.generic], str]], inactivity: float) -> None:
    rule = SaturatedActivation(threshold_inactivity=inactivity)
    found = run(rule, [saved_step(step, {name: tensor}) for step, (tensor, name) in enumerate(saved)])
    assert found is None or (isinstance(found, Finding) and found.value > 50)
    assert rule.unjudged() is None or "DebugHookConfig" in str(rule.unjudged())
