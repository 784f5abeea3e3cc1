"""The long steps of training jobs beside each other."""

import threading
from pathlib import Path

import pytest

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training import steps as training_steps
from local_sagemaker.engine.training.job import Step
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings


def test_a_job_waits_for_the_removal_of_what_one_of_its_name_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, woken = threading.Event(), threading.Event()
    monkeypatch.setattr(training_steps, "tidy", lambda _: removed.wait(10))
    background = Background(woken.set)
    steps = training_steps.TrainingSteps(Settings(state_dir=tmp_path), background, Objects("", tmp_path / "buckets"))
    spec = TrainingSpec("toy", "arn", "us-east-1", {}, TrainingFolder(tmp_path / "toy"))
    steps.tidy(spec)
    steps.prepare(spec)
    assert steps.state("Downloading", "toy") == (Step.NOT_STARTED, "")
    removed.set()
    assert woken.wait(10)
    steps.prepare(spec)
    assert steps.state("Downloading", "toy")[0] is not Step.NOT_STARTED
    background.close()
