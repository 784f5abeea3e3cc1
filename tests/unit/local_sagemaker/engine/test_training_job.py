"""Decisions over training jobs: every phase against everything that can be true in it."""

from dataclasses import replace

import pytest

from local_sagemaker.engine import training_job as decisions
from local_sagemaker.engine.training_job import (
    Enter,
    Kill,
    Observation,
    Spawn,
    StartStep,
    Step,
    Terminate,
    Wait,
    decide,
)
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, ProcessState, Running

NOW = 1000.0
STARTING = Observation(phase="Starting", stopping=False, now=NOW)
DOWNLOADING = Observation(phase="Downloading", stopping=False, now=NOW)
TRAINING = Observation(phase="Training", stopping=False, now=NOW, started_at=NOW - 10, process=Running(pid=7))
UPLOADING = Observation(phase="Uploading", stopping=False, now=NOW, started_at=NOW - 10, process=Exited(0, NOW))


def test_starting_waits_for_a_slot_and_says_so_once() -> None:
    assert decide(STARTING) == decisions.SayPending()
    assert decide(replace(STARTING, pending=True)) == Wait(None)
    assert decide(replace(STARTING, pending=True, slot_free=True)) == Enter("Downloading")


@pytest.mark.parametrize("slot_free", [False, True])
def test_a_stopped_job_never_starts(slot_free: bool) -> None:
    assert decide(replace(STARTING, stopping=True, slot_free=slot_free)) == decisions.STOPPED


@pytest.mark.parametrize(
    ("step", "stopping", "expected"),
    [
        (Step.NOT_STARTED, False, StartStep()),
        (Step.UNDER_WAY, False, Wait(None)),
        (Step.DONE, False, Enter("Training")),
        (Step.FAILED, False, decisions.failed("why")),
        (Step.NOT_STARTED, True, decisions.STOPPED),
        (Step.UNDER_WAY, True, Wait(None)),
        (Step.DONE, True, decisions.STOPPED),
        (Step.FAILED, True, decisions.STOPPED),
    ],
)
def test_downloading(step: Step, stopping: bool, expected: object) -> None:
    assert decide(replace(DOWNLOADING, step=step, stopping=stopping, step_error="why")) == expected


@pytest.mark.parametrize(
    ("process", "stopping", "expected"),
    [
        (NotStarted(), False, Spawn()),
        (NotStarted(), True, decisions.GiveUpStart()),
        (Running(pid=0), False, Wait(0.2)),
        (Running(pid=0), True, Wait(0.2)),  # there is nobody to signal yet
        (Running(pid=7), False, Wait(0.2)),
        (Running(pid=7), True, Terminate("Stopped")),
        (Exited(0, NOW), False, Enter("Uploading")),
        (Exited(1, NOW), True, Enter("Uploading")),
        (Lost(), False, Enter("Uploading")),
    ],
)
def test_training(process: ProcessState, stopping: bool, expected: object) -> None:
    assert decide(replace(TRAINING, process=process, stopping=stopping)) == expected


def test_max_runtime_counts_from_the_start() -> None:
    assert decide(replace(TRAINING, max_runtime_seconds=10)) == Terminate("MaxRuntimeExceeded")
    assert decide(replace(TRAINING, max_runtime_seconds=10.1)) == Wait(0.2)
    assert decide(replace(TRAINING, max_runtime_seconds=10, stopping=True)) == Terminate("Stopped")


def test_sigkill_follows_the_grace() -> None:
    terminated = replace(TRAINING, stopping=True, termination="Stopped", signalled=True, stop_grace_seconds=5.0)
    assert decide(replace(terminated, terminated_at=NOW - 4.9)) == Wait(0.2)
    # A crash may have come between the row and the signal.
    assert decide(replace(terminated, terminated_at=NOW - 4.9, signalled=False)) == Terminate("Stopped")
    assert decide(replace(terminated, terminated_at=NOW - 5.0)) == Kill()


@pytest.mark.parametrize(
    ("process", "stopping", "termination", "expected"),
    [
        (Exited(0, NOW), False, None, decisions.COMPLETED),
        (Exited(0, NOW), True, None, decisions.STOPPED),
        (Exited(3, NOW), False, None, decisions.failed(None)),
        (Exited(3, NOW), True, None, decisions.failed(None)),  # it failed before it was signalled
        (Exited(-15, NOW), True, "Stopped", decisions.STOPPED),
        (Exited(0, NOW), False, "MaxRuntimeExceeded", decisions.MAX_RUNTIME_EXCEEDED),
        (Exited(-9, NOW), True, "MaxRuntimeExceeded", decisions.MAX_RUNTIME_EXCEEDED),
        (Lost(), False, None, decisions.failed(decisions.LOST)),
        (Lost(), True, None, decisions.STOPPED),
        (Lost(), True, "Stopped", decisions.STOPPED),
    ],
)
def test_the_end(process: ProcessState, stopping: bool, termination: str | None, expected: object) -> None:
    done = replace(UPLOADING, step=Step.DONE, process=process, stopping=stopping, termination=termination)
    assert decide(done) == expected


def test_uploading_is_started_again_and_awaited() -> None:
    assert decide(UPLOADING) == StartStep()
    assert decide(replace(UPLOADING, step=Step.UNDER_WAY)) == Wait(None)


def test_a_failed_upload_fails_a_good_job_and_does_not_hide_a_failed_script() -> None:
    failed = replace(UPLOADING, step=Step.FAILED, step_error="no bucket")
    assert decide(failed) == decisions.failed("no bucket")
    assert decide(replace(failed, process=Exited(1, NOW))) == decisions.failed(None)


def test_an_ended_job_needs_no_decision() -> None:
    with pytest.raises(ValueError, match="Ended"):
        decide(replace(STARTING, phase="Ended"))
