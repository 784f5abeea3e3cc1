"""The long steps of training jobs beside each other."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training import tidying
from local_sagemaker.engine.training.job import Step
from local_sagemaker.engine.training.steps import TrainingSteps
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.output import KEPT
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings
from local_sagemaker.store import evaluations, rule_evaluations
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.database import Database


def test_a_job_waits_for_the_removal_of_what_one_of_its_name_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, woken = threading.Event(), threading.Event()
    monkeypatch.setattr(tidying, "tidy", lambda _: removed.wait(10))
    settings, background = Settings(state_dir=tmp_path, opt_ml="moved"), Background(woken.set)
    database = Database(settings.database_path)
    tidy = tidying.Tidying(settings, database, background)
    steps = TrainingSteps(settings, background, Objects("", tmp_path / "buckets"), tidy)
    spec = TrainingSpec("toy", "arn", "us-east-1", {}, TrainingFolder(tmp_path / "toy"))
    tidy.tidy(ended("toy"))
    steps.prepare(spec)
    assert steps.state("Downloading", "toy") == (Step.NOT_STARTED, "")
    removed.set()
    assert woken.wait(10)
    steps.prepare(spec)
    assert steps.state("Downloading", "toy")[0] is not Step.NOT_STARTED
    background.close()


def test_nothing_is_removed_as_long_as_rules_are_judged(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, opt_ml="moved")
    database, background = Database(settings.database_path), Background(lambda: None)
    job = ended("judged", DebugRuleConfigurations=[{"RuleConfigurationName": "Overfit"}])
    store.insert(database, job)
    rule_evaluations.begin(database, job, 1.0)
    ml = settings.jobs_dir / "judged/ml"
    ml.mkdir(parents=True)
    for other in (settings.jobs_dir / ".deleted.1", settings.jobs_dir / "unknown/ml"):
        other.mkdir(parents=True)
    tidy = tidying.Tidying(settings, database, background)
    tidy.tidy(job)
    tidy.tidy_ended()
    assert not tidy.under_way("judged")
    assert sorted(path.name for path in settings.jobs_dir.iterdir()) == ["judged", "unknown"]
    evaluation = evaluations.get(database, "judged")
    assert evaluation is not None
    evaluations.update(database, evaluation, phase="Ended")
    tidy.tidy_ended()
    assert not ml.exists()
    background.close()


def test_results_that_could_not_be_uploaded_stay(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, opt_ml="moved")
    database, background = Database(settings.database_path), Background(lambda: None)
    tidy = tidying.Tidying(settings, database, background)
    tidy.tidy(replace(ended("kept"), status="Failed", failure_reason=f"ClientError: no bucket. {KEPT} there"))
    tidy.tidy(replace(ended("runs"), phase="Uploading"))
    assert not tidy.under_way("kept")
    assert not tidy.under_way("runs")
    background.close()


def ended(name: str, **request: Any) -> store.TrainingJob:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    job = store.new_training_job(
        name, f"arn:{name}", "us-east-1", request={"ResourceConfig": resources, **request}, now=1.0
    )
    return replace(job, phase="Ended", status="Completed", ended_at=2.0)
