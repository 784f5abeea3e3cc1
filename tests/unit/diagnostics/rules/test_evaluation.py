"""Rules over a stream: statuses, faults that stay with their rule, and the same verdicts however the files come."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.rules.catalogue import build_rule
from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.evaluation import Evaluation
from diagnostics.rules.finding import Finding
from diagnostics.rules.rule import Rule
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus, condition_met, details_of, short
from diagnostics.source import Folder
from diagnostics.tensors.collections import Collections
from diagnostics.tensors.saved_step import Mode, SavedStep
from diagnostics.tensors.stream import TensorStream
from tests.unit.diagnostics.tensor_files import TensorFiles

LOSS = "CrossEntropyLoss_output_0"
GRADIENT = "gradient/fc.weight"


@dataclass
class Scripted(Rule):
    """Does what it is told at a step, and notes what it saw."""

    fires_at: int | None = None
    fails_at: int | None = None
    reason: str | None = None
    fires_idle: bool = False
    fires_ended: bool = False
    seen: list[int] = field(default_factory=list)

    def selects(self, collections: Collections) -> Callable[[str], bool]:
        return lambda name: name == LOSS

    def observe(self, step: SavedStep) -> Finding | None:
        self.seen.append(step.step)
        if step.step == self.fails_at:
            raise ZeroDivisionError("division by zero")
        return finding(step.step) if step.step == self.fires_at else None

    def unjudged(self) -> str | None:
        return self.reason

    def idle(self, seconds: float) -> Finding | None:
        return finding(99) if self.fires_idle and seconds > 10 else None

    def ended(self) -> Finding | None:
        return finding(77) if self.fires_ended else None


def finding(step: int) -> Finding:
    return Finding(step, Mode.TRAIN, step, LOSS, 1.0, 2.0, "The loss is odd.", "That hurts.", ("Do this.", "Or that."))


def evaluated(root: Path, **rules: Rule) -> Evaluation:
    def build(name: str, parameters: Mapping[str, str]) -> Rule:
        if name not in rules:
            raise ValueError(f"There is no rule {name}")
        return rules[name]

    configurations = [RuleConfiguration(f"my-{name}", name) for name in [*rules, "Nothing"]]
    return Evaluation(configurations, TensorStream([Folder(root)]), build)


def statuses(evaluation: Evaluation) -> dict[str, RuleStatus]:
    return {one.rule: one.status for one in evaluation.evaluations()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five steps with a loss."""
    files = TensorFiles(tmp_path)
    files.collections()
    for step in range(5):
        files.save(step, {LOSS: np.float32(step)})
    return tmp_path


def test_statuses_from_beginning_to_end(root: Path) -> None:
    fires, healthy, blind = Scripted(fires_at=3), Scripted(), Scripted(reason="No loss was saved. Save it.")
    evaluation = evaluated(root, fires=fires, healthy=healthy, blind=blind)
    assert set(statuses(evaluation).values()) == {RuleStatus.IN_PROGRESS, RuleStatus.ERROR}
    assert evaluation.advance()
    assert statuses(evaluation) == {
        "fires": RuleStatus.ISSUES_FOUND,
        "healthy": RuleStatus.IN_PROGRESS,
        "blind": RuleStatus.IN_PROGRESS,
        "Nothing": RuleStatus.ERROR,
    }
    assert (fires.seen, healthy.seen) == ([0, 1, 2, 3], [0, 1, 2, 3, 4])
    evaluation.conclude()
    found = {one.rule: one for one in evaluation.evaluations()}
    assert found["fires"].details == (
        "RuleEvaluationConditionMet: Evaluation of the rule fires at step 3 resulted in the condition being met. "
        "The loss is odd. That hurts. Do this. Or that."
    )
    assert found["fires"].finding == finding(3)
    assert found["healthy"] == RuleEvaluation("my-healthy", "healthy", RuleStatus.NO_ISSUES_FOUND)
    assert found["blind"].status is RuleStatus.ERROR
    assert found["blind"].details == "blind could not be evaluated. No loss was saved. Save it."
    assert found["Nothing"].details == "There is no rule Nothing"


def test_a_rule_that_fails_is_an_error_and_the_others_go_on(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    fails, healthy = Scripted(fails_at=2), Scripted(fires_at=4)
    evaluation = evaluated(root, fails=fails, healthy=healthy)
    with caplog.at_level(logging.ERROR):
        evaluation.advance()
    found = evaluation.evaluations()[0]
    assert found.status is RuleStatus.ERROR
    assert "The rule fails failed at step 2: ZeroDivisionError: division by zero" in found.details
    assert fails.seen == [0, 1, 2]
    assert statuses(evaluation)["healthy"] is RuleStatus.ISSUES_FOUND
    assert "ZeroDivisionError" in caplog.text


def test_rules_that_wait_for_silence_or_for_the_end(root: Path) -> None:
    evaluation = evaluated(root, idle=Scripted(fires_idle=True), ended=Scripted(fires_ended=True))
    evaluation.advance()
    evaluation.idle(10)
    assert statuses(evaluation)["idle"] is RuleStatus.IN_PROGRESS
    evaluation.idle(11)
    assert statuses(evaluation)["idle"] is RuleStatus.ISSUES_FOUND
    assert "step 99" in evaluation.evaluations()[0].details
    assert statuses(evaluation)["ended"] is RuleStatus.IN_PROGRESS
    evaluation.conclude()
    assert statuses(evaluation)["ended"] is RuleStatus.ISSUES_FOUND


def test_with_no_time_one_step_is_taken(root: Path) -> None:
    rule = Scripted()
    evaluation = evaluated(root, rule=rule)
    assert not evaluation.advance(0)
    assert rule.seen == [0]
    assert evaluation.advance(60)
    assert rule.seen == [0, 1, 2, 3, 4]


def test_what_could_not_be_read_is_told_where_nothing_was_found(root: Path) -> None:
    (root / "events/000000000002/000000000002_worker_0.tfevents").write_bytes(b"")
    evaluation = evaluated(root, healthy=Scripted())
    evaluation.conclude()
    found = evaluation.evaluations()[0]
    assert found.status is RuleStatus.NO_ISSUES_FOUND
    assert f"1 could not be read and were left out: {LOSS} of step 2" in found.details


def test_details_are_one_line_and_no_longer_than_sagemaker_takes() -> None:
    long = Finding(1, Mode.TRAIN, 1, "t", 1.0, None, "What\nhappened.", "w" * 1000 + ".", ("advice", "b"))
    assert details_of("R", long) == condition_met("R", 1, ["What happened."])
    much = condition_met("R", 1, ["x" * 5000, "never"])
    assert len(much) == 1024
    assert much.endswith("xx...")
    assert short("a\n b") == "a b"


def test_only_what_rules_want_is_read(root: Path) -> None:
    files = TensorFiles(root)
    for step in range(5, 8):
        files.save(step, {LOSS: np.float32(1), "huge": np.ones(500_000, np.float32)})
    read: list[int] = []

    class Counting(Folder):
        def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            content = super().read(name, start, length)
            read.append(len(content))
            return content

    configurations = [RuleConfiguration("a", "rule")]
    Evaluation(configurations, TensorStream([Counting(root)]), lambda *_: Scripted()).conclude()
    assert sum(read) < 100_000


# The real rules, over streams as they come.

RULES = [
    RuleConfiguration("vanishing", "VanishingGradient"),
    RuleConfiguration("exploding", "ExplodingTensor"),
    RuleConfiguration("loss", "LossNotDecreasing", {"num_steps": "3"}),
    RuleConfiguration("overfit", "Overfit", {"patience": "2"}),
    RuleConfiguration("overtraining", "Overtraining", {"patience_train": "2", "patience_validation": "2"}),
    RuleConfiguration("unchanged", "UnchangedTensor"),
    RuleConfiguration("update", "WeightUpdateRatio"),
    RuleConfiguration("zero", "AllZero"),
    RuleConfiguration("init", "PoorWeightInitialization"),
]
VALUES = st.sampled_from([0.0, 1e-9, 0.5, 1.0, 2.0, float("nan"), float("inf")])


@st.composite
def saved_steps(draw: st.DrawFn) -> list[dict[str, bytes]]:
    """Steps as files: some missing, some of judging, some with NaN, some reduced."""
    files = TensorFiles(Path("unused"))
    found, modes = [], {Mode.TRAIN: 0, Mode.EVAL: 0}
    for step in sorted(draw(st.sets(st.integers(0, 25), min_size=1, max_size=14))):
        mode = draw(st.sampled_from([Mode.TRAIN, Mode.TRAIN, Mode.EVAL]))
        tensors: dict[str, npt.ArrayLike] = {LOSS: np.float32(draw(VALUES))}
        if mode is Mode.TRAIN and draw(st.booleans()):
            tensors["fc.weight"] = np.array([draw(VALUES), 1.0], np.float32)
        reductions = {GRADIENT: {"abs_mean": draw(VALUES)}} if draw(st.booleans()) else None
        found.append(files.files_of(step, tensors, mode, modes[mode], reductions))
        modes[mode] += 1
    return found


def judged(root: Path) -> Evaluation:
    return Evaluation(RULES, TensorStream([Folder(root)]), build_rule)


def plain(evaluation: Evaluation) -> list[tuple[str, RuleStatus, str]]:
    return [(one.name, one.status, one.details) for one in evaluation.evaluations()]


@settings(max_examples=30, deadline=None)
@given(steps=saved_steps(), data=st.data())
def test_as_it_comes_is_as_all_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, bytes]], data: st.DataObject
) -> None:
    """Also where files come in any order, or one of the event files never does."""
    whole, live = TensorFiles(tmp_path_factory.mktemp("whole")), TensorFiles(tmp_path_factory.mktemp("live"))
    content = dict([whole.collections_file()])
    for files in steps:
        content |= files
    lost = data.draw(st.sampled_from([None, *(name for name in content if name.startswith("events/"))]))
    names = [name for name in content if name != lost]
    for name in names:
        whole.write(name, content[name])
    at_once = judged(whole.root)
    at_once.conclude()

    evaluation = judged(live.root)
    for name in data.draw(st.permutations(names)) if data.draw(st.booleans()) else names:
        live.write(name, content[name])
        if data.draw(st.booleans()):
            evaluation.advance(data.draw(st.sampled_from([0.0, 60.0])))
    evaluation.conclude()
    assert plain(evaluation) == plain(at_once)
    assert not any("defect of the rule" in details for _, _, details in plain(at_once))
    assert RuleStatus.IN_PROGRESS not in {status for _, status, _ in plain(at_once)}
