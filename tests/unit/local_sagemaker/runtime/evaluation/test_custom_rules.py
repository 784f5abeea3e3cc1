"""Custom rules: a class on smdebug's Rule from the user's file in S3, in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.rule_evaluation import RuleStatus
from local_sagemaker.runtime.evaluation.custom_rule import BadSource, evaluate, rule_class
from local_sagemaker.runtime.evaluation.custom_rules import CustomRule
from local_sagemaker.runtime.evaluation.request import parse
from tests.unit.diagnostics.tensor_files import TensorFiles
from tests.waiting import wait_for

LOSS = "CrossEntropyLoss_output_0"
SOURCE = '''
from smdebug.rules.rule import Rule


class LossAbove(Rule):
    """As AWS's guide writes one: no action_str, parameters as text."""

    def __init__(self, base_trial, threshold="10"):
        super().__init__(base_trial)
        self.threshold = float(threshold)

    def invoke_at_step(self, step):
        for name in self.base_trial.tensor_names(collection="losses"):
            if self.base_trial.tensor(name).value(step) > self.threshold:
                return True
        return False


class Fails(LossAbove):
    def invoke_at_step(self, step):
        raise ZeroDivisionError("no good")
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The user's file in a bucket."""
    path = tmp_path / "buckets/rules/mine.py"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    return path


def save_losses(root: Path, *losses: float) -> TensorFiles:
    files = TensorFiles(root)
    files.collections()
    for step, loss in enumerate(losses):
        files.save(step, {LOSS: np.float32(loss)})
    return files


def custom(
    tmp_path: Path, source: str = "s3://rules/mine.py", rule: str = "LossAbove", **parameters: str
) -> CustomRule:
    """The rule over the tensors of tmp_path/tensors."""
    content = {
        "job": {"name": "dogs-1", "instance_type": "ml.m5.large"},
        "region": "eu-west-1",
        "scripts": [],
        "tensors": [str(tmp_path / "tensors")],
        "profiles": [],
        "debug_rules": [],
        "profiler_rules": [],
        "endpoint_url": "http://127.0.0.1:9",
        "buckets_dir": str(tmp_path / "buckets"),
    }
    others = tuple(parameters.pop(name) for name in list(parameters) if name.startswith("other_trial_"))
    configuration = RuleConfiguration("mine", rule, parameters, source, other_trials=others)
    return CustomRule(configuration, parse(content), tmp_path / "custom")


@pytest.fixture
def rule(tmp_path: Path, source: Path) -> Iterator[CustomRule]:
    """One that runs while the job does."""
    found = custom(tmp_path, threshold="2.5")
    yield found
    found.close()


def test_a_rule_over_a_job_that_runs(tmp_path: Path, rule: CustomRule) -> None:
    files = save_losses(tmp_path / "tensors", 1.0, 2.0)
    rule.advance(ended=False)
    assert not rule.done
    files.save(2, {LOSS: np.float32(3)})

    def done() -> bool:
        rule.advance(ended=True)
        return rule.done

    wait_for(done, "result of the custom rule")
    assert rule.evaluation.status is RuleStatus.ISSUES_FOUND
    assert rule.evaluation.details == (
        "RuleEvaluationConditionMet: Evaluation of the rule LossAbove at step 2 resulted in the condition being met."
    )
    assert not (tmp_path / "tensors/training_job_end.ts").exists()  # that is the engine's to write


def test_what_a_rule_writes_lies_in_its_own_folder(tmp_path: Path, source: Path) -> None:
    source.write_text("open('note', 'w').write('here')\nraise SystemExit(3)\n")
    found = custom(tmp_path)

    def done() -> bool:
        found.advance(ended=False)
        return found.done

    wait_for(done, "result of the custom rule")
    assert (tmp_path / "custom/note").read_text() == "here"
    assert "ended with code 3" in found.evaluation.details


def test_a_process_that_is_killed_is_an_error(tmp_path: Path, rule: CustomRule) -> None:
    rule.close()
    rule.advance(ended=False)
    assert rule.evaluation.status is RuleStatus.ERROR
    assert "ended by signal 9" in rule.evaluation.details
    assert str(tmp_path / "custom/log") in rule.evaluation.details


@pytest.mark.parametrize(
    ("rule_name", "uri", "more", "reason"),
    [
        ("LossAbove", "s3://rules/none.py", {}, "none.py"),
        ("LossAbove", "s3://nowhere/mine.py", {}, "nowhere"),
        ("LossAbove", "mine.py", {}, "neither an s3://"),
        ("", "s3://rules/mine.py", {}, "have no rule_to_invoke"),
        ("LossAbove", "s3://rules/mine.py", {"other_trial_0": "s3://a/b"}, "other trials"),
    ],
)
@pytest.mark.usefixtures("source")
def test_what_cannot_be_started_says_why(
    tmp_path: Path, rule_name: str, uri: str, more: dict[str, str], reason: str
) -> None:
    found = custom(tmp_path, uri, rule_name, **more)
    assert found.done
    assert found.evaluation.status is RuleStatus.ERROR
    assert reason in found.evaluation.details


class Base:
    """In smdebug's Rule's place: importing that costs seconds."""


def test_which_class_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rule.py"
    path.write_text(f"from {__name__} import Base\nclass Mine(Base): pass\nclass Other: pass\nNumber = 3\n")
    assert rule_class(path, "Mine", Base).__name__ == "Mine"
    for name in ("None", "Other", "Number", "Nothing"):
        with pytest.raises(BadSource, match=f"'{name}', and source_s3_uri has no such class .* it has Mine"):
            rule_class(path, name, Base)


def test_how_a_rule_ends(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMDEBUG_TRAINING_END_DELAY_REFRESH", "0")
    files = save_losses(tmp_path / "tensors", 1.0, 2.0)
    files.end()
    plan = {"source": str(source), "trial": str(files.root), "parameters": {}}
    assert evaluate(plan | {"rule": "LossAbove"}) == (RuleStatus.NO_ISSUES_FOUND, "")
    assert evaluate(plan | {"rule": "LossAbove", "parameters": {"threshold": "1.5"}})[0] is RuleStatus.ISSUES_FOUND
    status, details = evaluate(plan | {"rule": "Fails"})
    assert status is RuleStatus.ERROR
    assert details == "The custom rule Fails failed: ZeroDivisionError: no good (line 21 of its file)."
    status, details = evaluate(plan | {"rule": "LossAbove", "parameters": {"treshold": "1"}})
    assert status is RuleStatus.ERROR
    assert "treshold" in details
    status, details = evaluate(plan | {"rule": "Missing"})
    assert (status, "it has LossAbove, Fails" in details) == (RuleStatus.ERROR, True)
    source.write_text("class Broken(:\n")
    status, details = evaluate(plan | {"rule": "Broken"})
    assert status is RuleStatus.ERROR
    assert "SyntaxError" in details
    assert "line 1 of its file" in details


def test_a_job_that_saved_nothing(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # smdebug looks every two seconds
    files = TensorFiles(tmp_path / "tensors")
    files.end()
    status, details = evaluate({"source": str(source), "trial": str(files.root), "parameters": {}, "rule": "LossAbove"})
    assert status is RuleStatus.ERROR
    assert "without having saved a tensor" in details
    assert "DebugHookConfig" in details
