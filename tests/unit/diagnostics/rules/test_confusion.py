"""Confusion: confusion[j][i] / sum_j confusion[j][i], of the newest pass."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.confusion import Confusion, ratios
from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import broken, run, saved_step

Classes = npt.NDArray[np.int64]


def pairs(matrix: list[list[int]]) -> tuple[Classes, Classes]:
    """Labels and predictions whose confusion[label][prediction] is `matrix`."""
    found = np.array([(i, j) for i, row in enumerate(matrix) for j, times in enumerate(row) for _ in range(times)])
    return found[:, 0], found[:, 1]


def step(number: int, matrix: list[list[int]], mode: Mode = Mode.EVAL, *, mode_step: int | None = None) -> SavedStep:
    of, answers = pairs(matrix)
    return saved_step(number, {"labels": of, "predictions": answers}, mode, mode_step=mode_step)


GOOD = [[90, 10], [10, 90]]


@pytest.mark.parametrize(
    ("matrix", "value", "threshold"),
    [
        (GOOD, None, None),
        ([[90, 0], [10, 99]], None, None),
        ([[89, 10], [11, 90]], 0.89, 0.9),  # both ratios of the column are 0.01 beyond: the diagonal's is named
        ([[90, 5, 0], [10, 95, 0], [0, 0, 7]], None, None),
        ([[94, 0, 0], [6, 100, 0], [0, 0, 7]], None, None),
        ([[95, 30], [5, 170]], 0.85, 0.9),
    ],
)
def test_ratios_are_of_the_column(matrix: list[list[int]], value: float | None, threshold: float | None) -> None:
    found = run(Confusion(), [step(5, matrix)])
    if value is None:
        assert found is None
    else:
        assert found is not None
        assert found.value == pytest.approx(value)
        assert (found.threshold, found.step) == (threshold, 5)
        assert found.tensor == "predictions"


def test_the_finding_names_the_classes() -> None:
    found = run(Confusion(min_diag=0.5), [step(3, [[80, 0, 0], [15, 9, 0], [5, 0, 9]])])
    assert found is not None
    assert (found.value, found.threshold) == (0.15, 0.1)
    assert found.what == (
        "Of 100 samples that predictions took for class 0 a share of 0.15 are of class 1, in the pass up to step 3; "
        "the threshold is 0.1 at most."
    )
    found = run(Confusion(max_off_diag=1), [step(3, [[80, 0, 0], [15, 9, 0], [5, 0, 9]])])
    assert found is not None
    assert "took for class 0 a share of 0.8 belong to it" in found.what


def test_early_passes_do_not_count() -> None:
    bad = [[50, 50], [50, 50]]
    passes = [
        step(0, GOOD, Mode.TRAIN, mode_step=0),
        step(1, bad, mode_step=0),
        step(2, GOOD, Mode.TRAIN, mode_step=1),
        step(3, GOOD, mode_step=1),
        step(4, [[9, 0], [0, 9]], mode_step=2),
    ]
    assert run(Confusion(), passes) is None
    found = run(Confusion(), [passes[0], passes[1]])
    assert found is not None
    assert (found.step, found.mode, found.mode_step) == (1, Mode.EVAL, 0)


def test_steps_of_a_pass_add_up() -> None:
    halves = [step(0, [[90, 0], [0, 0]]), step(1, [[0, 10], [10, 90]])]
    assert run(Confusion(), halves) is None
    assert run(Confusion(), halves[1:]) is not None


def test_training_is_judged_where_there_is_no_validation() -> None:
    found = run(Confusion(), [step(2, [[5, 5], [5, 5]], Mode.TRAIN)])
    assert found is not None
    assert found.mode is Mode.TRAIN
    assert run(Confusion(), [step(2, [[5, 5], [5, 5]], Mode.TRAIN, mode_step=0), step(3, GOOD, mode_step=0)]) is None


def test_category_no_leaves_out_the_others() -> None:
    matrix = [[90, 0, 0], [0, 90, 0], [40, 0, 1]]
    assert run(Confusion(), [step(0, matrix)]) is not None
    assert run(Confusion(category_no=2), [step(0, matrix)]) is None


def test_classes_never_predicted_have_no_ratio_and_wrong_columns_count() -> None:
    assert {(ratio.label, ratio.predicted): ratio.value for ratio in ratios({(1, 0): 2}, None)} == {
        (0, 0): 0.0,
        (1, 0): 1.0,
    }


def test_logits_and_names() -> None:
    of, answers = pairs([[80, 0], [20, 90]])
    tensors: dict[str, npt.NDArray[Any]] = {
        "CrossEntropyLoss_input_1": of,
        "CrossEntropyLoss_input_0": np.eye(2, dtype=np.float32)[answers],
    }
    rule = Confusion(labels="CrossEntropyLoss_input_1", predictions="CrossEntropyLoss_input_0")
    found = run(rule, [saved_step(0, tensors, Mode.EVAL)])
    assert found is not None
    assert found.value == pytest.approx(0.8)


def test_collections() -> None:
    of, answers = pairs([[80, 0], [20, 90]])
    collections = Collections({"mine": ("^target",), "predictions": ("^answer",)}, {})
    saved = saved_step(0, {"target": of, "answer": answers}, collections=collections)
    rule = Confusion()
    assert run(rule, [saved]) is None
    assert run(Confusion(labels_collection="mine"), [saved]) is not None


def test_what_to_save() -> None:
    rule = Confusion()
    assert run(rule, [broken(step(4, GOOD), ["labels"])]) is None
    assert rule.unjudged() == (
        "No labels 'labels' with predictions 'predictions' were saved (labels of step 4 cannot be read). With "
        "nn.CrossEntropyLoss the labels are CrossEntropyLoss_input_1 and the predictions, as logits, "
        'CrossEntropyLoss_input_0: Save it: add {"CollectionName": "classes", "CollectionParameters": '
        '{"include_regex": "CrossEntropyLoss_input", "eval.save_interval": "1"}} to '
        "DebugHookConfig.CollectionConfigurations, and set labels to CrossEntropyLoss_input_1 and predictions to "
        "CrossEntropyLoss_input_0."
    )


def test_lengths_that_differ_are_named() -> None:
    rule = Confusion()
    assert run(rule, [saved_step(0, {"labels": np.arange(3), "predictions": np.arange(5)})]) is None
    assert "predictions [5] has 5 predictions for 3 labels" in str(rule.unjudged())


@pytest.mark.parametrize("parameters", [{"category_no": 1}, {"min_diag": 1.5}, {"max_off_diag": -0.1}, {"labels": "("}])
def test_parameters_out_of_range(parameters: dict[str, object]) -> None:
    with pytest.raises(ParameterOutOfRange):
        Confusion(**parameters)  # type: ignore[arg-type]


_classes = arrays.arrays(
    st.sampled_from([np.int64, np.int8, np.uint8, np.float32, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_classes, _classes, st.sampled_from(Mode)), max_size=6), st.none() | st.integers(2, 9))
def test_nothing_crashes_it(saved: list[tuple[Classes, Classes, Mode]], category_no: int | None) -> None:
    rule = Confusion(category_no=category_no)
    steps = [saved_step(at, {"labels": of, "predictions": is_}, mode) for at, (of, is_, mode) in enumerate(saved)]
    found = run(rule, steps)
    assert found is None or isinstance(found, Finding)
    assert rule.unjudged() is None or "DebugHookConfig" in str(rule.unjudged())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_each_column_adds_up_to_one(samples: list[tuple[int, int]]) -> None:
    counts = {pair: samples.count(pair) for pair in samples}
    columns: dict[int, float] = {}
    for ratio in ratios(counts, None):
        columns[ratio.predicted] = columns.get(ratio.predicted, 0) + ratio.value
    assert set(columns) == {predicted for _, predicted in samples}
    assert list(columns.values()) == pytest.approx([1] * len(columns))
