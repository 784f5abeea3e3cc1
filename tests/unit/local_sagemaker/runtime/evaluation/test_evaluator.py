"""The evaluator as a process beside a job that saves tensors."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from local_sagemaker.runtime.evaluation import evaluator
from local_sagemaker.runtime.process import Exited, Running
from local_sagemaker.runtime.training.evaluation_folder import LEFT_ALONE
from tests.unit.diagnostics.tensor_files import TensorFiles
from tests.unit.local_sagemaker.runtime.evaluation.evaluation_files import EvaluationFiles, debug_rule
from tests.waiting import wait_for

LOSS = "CrossEntropyLoss_output_0"
STOP = '[{\\"name\\": \\"stoptraining\\", \\"training_job_prefix\\": \\"dogs-1\\"}]'


@pytest.fixture
def job(tmp_path: Path) -> EvaluationFiles:
    """A job that has saved nothing yet, with five rules."""
    files = EvaluationFiles(tmp_path)
    files.debug_rules = [
        debug_rule("odd", "AllZero", action_json="{"),
        debug_rule("explodes", "ExplodingTensor", action_json=STOP),
        debug_rule("vanishes", "VanishingGradient"),
        debug_rule("zeros", "AllZero", collection_names="losses"),
        debug_rule("trees", "TreeDepth"),
    ]
    return files


def test_a_job_from_its_first_step_to_its_end(job: EvaluationFiles) -> None:
    """Killed in between: the same statuses as if it had not been."""
    job.profiler_rules = [debug_rule("usage", "OverallSystemUsage"), debug_rule("none", "Nothing")]
    job.tell()
    job.start()
    wait_for(lambda: job.status("zeros") == "InProgress", f"statuses: {job.log()}")
    assert job.status("trees") == job.status("odd") == "Error"
    tensors = TensorFiles(job.tensors)
    tensors.collections()
    tensors.save(0, {LOSS: np.float32(1)})
    tensors.save(1, {LOSS: np.float32("nan")})
    wait_for(lambda: job.status("explodes") == "IssuesFound", "verdict while the job runs")
    before = {rule["name"]: rule for rule in job.statuses()["debug"]}
    assert before["explodes"]["stop_training"] is True
    assert "Evaluation of the rule ExplodingTensor at step 1 resulted in" in before["explodes"]["details"]
    assert LOSS in before["explodes"]["details"]
    assert before["zeros"]["status"] == "InProgress"

    state = job.state()
    assert isinstance(state, Running)
    os.killpg(state.pid, signal.SIGKILL)
    wait_for(lambda: isinstance(job.state(), Exited), "end of the killed evaluator")
    tensors.save(2, {LOSS: np.float32(0)})
    job.start()
    wait_for(lambda: job.status("zeros") == "IssuesFound", "verdict of the second evaluator")
    after = {rule["name"]: rule for rule in job.statuses()["debug"]}
    assert after["explodes"] == before["explodes"]

    job.tell(ended=True)
    state = wait_for(lambda: isinstance(found := job.state(), Exited) and found, "end of the evaluator")
    assert (state.returncode, job.log()) == (0, "")
    last = {rule["name"]: rule for rule in job.statuses()["debug"]}
    assert list(last) == [rule["RuleConfigurationName"] for rule in job.debug_rules]
    assert last["explodes"] == before["explodes"]
    assert {name: rule["status"] for name, rule in last.items()} == {
        "explodes": "IssuesFound",
        "vanishes": "Error",
        "zeros": "IssuesFound",
        "trees": "Error",
        "odd": "Error",
    }
    assert "VanishingGradient could not be evaluated" in last["vanishes"]["details"]
    assert "CollectionConfigurations" in last["vanishes"]["details"]
    profiler = {rule["name"]: rule for rule in job.statuses()["profiler"]}
    assert profiler["none"]["status"] == "Error"
    assert "Nothing" in profiler["none"]["details"]
    assert "could not be evaluated" in profiler["usage"]["details"]  # nothing was sampled
    report = json.loads(
        (job.folder / "rule-output/usage/profiler-output/profiler-reports/OverallSystemUsage.json").read_bytes()
    )
    assert set(report) == {"RuleTriggered", "Violations", "Details", "Datapoints", "RuleParameters"}


def test_an_evaluator_whose_engine_is_gone_ends_some_time_after_the_script(
    job: EvaluationFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "ALONE_SECONDS", 0.0)
    job.tell()
    assert evaluator.Evaluator(job.folder).run() == LEFT_ALONE
    assert job.status("zeros") == "InProgress"
