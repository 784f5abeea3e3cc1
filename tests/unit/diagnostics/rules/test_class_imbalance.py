"""ClassImbalance: rare classes among the labels, and classes that are mispredicted for it."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.class_imbalance import ClassImbalance
from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import broken, run, saved_step

LABELS, PREDICTIONS = "Net_labels", "Net_predictions"
Classes = npt.NDArray[np.int64]


def labels(*counts: int) -> Classes:
    """So many of class 0, 1, ..."""
    return np.repeat(np.arange(len(counts)), counts)


def step(number: int, of: npt.ArrayLike, predicted: npt.ArrayLike | None = None, mode: Mode = Mode.TRAIN) -> SavedStep:
    return saved_step(number, {LABELS: of, PREDICTIONS: of if predicted is None else predicted}, mode)


def test_fires_once_there_are_enough_samples() -> None:
    """100 labels a step, in the proportion 92 to 8: at the fifth step there are 500."""
    rule = ClassImbalance()
    found = run(rule, [step(10 * number, labels(92, 8)) for number in range(9)])
    assert found is not None
    assert (found.step, found.tensor, found.value, found.threshold) == (40, LABELS, 11.5, 10.0)
    assert found.what == (
        "Class 0 has 460 labels in Net_labels and class 1 has 40, up to step 40: 11.5 times as many, "
        "the threshold is 10."
    )


@pytest.mark.parametrize(("counts", "fires"), [((200, 20), False), ((201, 20), True), ((100, 0, 100), False)])
def test_near_misses(counts: tuple[int, ...], fires: bool) -> None:
    assert (run(ClassImbalance(samples=200), [step(0, labels(*counts))]) is not None) == fires


def test_more_classes_take_more_samples() -> None:
    """Of 500 labels of 133 classes some come once or not at all by chance alone; 6650 are asked for."""
    rng = np.random.default_rng(0)
    steps = [step(number, rng.integers(0, 133, 500)) for number in range(20)]
    rule = ClassImbalance()
    assert run(rule, steps) is None
    assert rule.unjudged() is None
    rule = ClassImbalance()
    assert run(rule, steps[:13]) is None
    assert str(rule.unjudged()).startswith("Too few samples: 6500 labels were saved, 6650 are needed.")


def predicted(wrong: dict[int, float], counts: tuple[int, ...]) -> Classes:
    """Predictions for labels(*counts) with a share of a class's samples taken for the next class."""
    found = labels(*counts)
    for label, share in wrong.items():
        at = np.flatnonzero(labels(*counts) == label)
        found[at[: round(share * len(at))]] = (label + 1) % len(counts)
    return found


@pytest.mark.parametrize(
    ("wrong", "fires"),
    [
        ({2: 0.75}, True),
        ({2: 0.7}, False),
        ({0: 0.8, 1: 0.8, 2: 0.8}, False),  # it has not learnt anything yet: no matter of classes
        ({}, False),
    ],
)
def test_mispredicted_classes(wrong: dict[int, float], fires: bool) -> None:
    counts = (200, 200, 100)
    found = run(ClassImbalance(), [step(7, labels(*counts), predicted(wrong, counts))])
    assert (found is not None) == fires
    if found is not None:
        assert (found.step, found.tensor, found.value, found.threshold) == (7, PREDICTIONS, 0.75, 0.7)
        assert found.what == (
            "75 of 100 samples of class 2 are mispredicted in Net_predictions up to step 7: 0.75, the threshold is "
            "0.7; of all samples 0.15 are."
        )


def test_early_mispredictions_are_forgotten() -> None:
    counts = (200, 200, 100)
    untrained = step(0, labels(*counts), np.zeros(500, int) + 3)
    assert run(ClassImbalance(), [untrained, step(1, labels(*counts))]) is None
    found = run(ClassImbalance(), [untrained, step(1, labels(*counts), predicted({2: 0.8}, counts))])
    assert found is not None
    assert found.step == 1


def test_logits_by_argmax() -> None:
    counts = (300, 200)
    logits = np.eye(2, dtype=np.float32)[predicted({1: 0.9}, counts)] * 5
    found = run(ClassImbalance(argmax=True), [step(0, labels(*counts), logits)])
    assert found is not None
    assert found.value == pytest.approx(0.9)
    rule = ClassImbalance()
    assert run(rule, [step(0, labels(1, 1), np.eye(2))]) is None
    assert str(rule.unjudged()).startswith("Too few samples")


def test_crossentropy_inputs() -> None:
    """As the hook saves nn.CrossEntropyLoss's inputs: logits and labels."""
    rule = ClassImbalance(
        labels_regex="CrossEntropyLoss_input_1", predictions_regex="CrossEntropyLoss_input_0", argmax=True
    )
    of = labels(480, 20)
    tensors = {"CrossEntropyLoss_input_0": np.eye(2)[of], "CrossEntropyLoss_input_1": of}
    found = run(rule, [saved_step(0, tensors)])
    assert found is not None
    assert (found.tensor, found.value) == ("CrossEntropyLoss_input_1", 24)


def test_one_hot_labels_and_ignored_ones() -> None:
    one_hot = np.eye(3, dtype=np.float32)[labels(480, 20, 20)]
    assert run(ClassImbalance(), [saved_step(0, {LABELS: one_hot})]) is not None
    ignored = np.concatenate([labels(300, 200), np.full(9000, -100)])
    assert run(ClassImbalance(), [step(0, ignored)]) is None


def test_modes_are_counted_apart() -> None:
    rule = ClassImbalance()
    assert run(rule, [step(0, labels(300, 20), mode=Mode.TRAIN), step(1, labels(180, 10), mode=Mode.EVAL)]) is None
    assert rule.unjudged() is not None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([0.5, 1.0]), "its values are not whole numbers"),
        (np.array([np.nan, 1.0]), "its values are not whole numbers"),
        (np.array([1, 10**9]), "1000000000 is above 99999"),
        (np.array(["dog"]), "holds no numbers"),
    ],
)
def test_what_are_no_labels(values: npt.NDArray[np.generic], reason: str) -> None:
    rule = ClassImbalance()
    assert run(rule, [saved_step(0, {LABELS: values})]) is None
    assert reason in str(rule.unjudged())
    assert "set labels_regex to CrossEntropyLoss_input_1" in str(rule.unjudged())


def test_nothing_saved_and_nothing_readable() -> None:
    rule = ClassImbalance()
    assert run(rule, [saved_step(0, {"x": 1.0}), broken(step(1, labels(9)), [LABELS])]) is None
    assert "No labels like '.*labels' were saved (Net_labels of step 1 cannot be read)" in str(rule.unjudged())


@pytest.mark.parametrize("parameters", [{"samples": 0}, {"threshold_misprediction": 1.1}, {"labels_regex": "("}])
def test_parameters_out_of_range(parameters: dict[str, object]) -> None:
    with pytest.raises(ParameterOutOfRange):
        ClassImbalance(**parameters)  # type: ignore[arg-type]


_classes = st.one_of(
    arrays.arrays(
        st.sampled_from([np.int64, np.int8, np.uint8, np.float32, np.bool_]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    st.just(np.array(["text", "text"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_classes, _classes), max_size=6), st.booleans())
def test_nothing_crashes_it(saved: list[tuple[Classes, Classes]], argmax: bool) -> None:
    rule = ClassImbalance(argmax=argmax, samples=2)
    found = run(rule, [step(number, of, answer) for number, (of, answer) in enumerate(saved)])
    assert found is None or isinstance(found, Finding)
    assert rule.unjudged() is None or "DebugHookConfig" in str(rule.unjudged())
