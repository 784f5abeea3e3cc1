"""Decisions over training jobs: every phase against everything that can be true in it."""

from dataclasses import replace

import pytest

from local_sagemaker.engine.loop import Wait
from local_sagemaker.engine.training import decisions
from local_sagemaker.engine.training import job as rules
from local_sagemaker.engine.training.decisions import Enter, Kill, Spawn, StartStep, Terminate
from local_sagemaker.engine.training.job import POLL_SECONDS, SOON_SECONDS, Deadline, Observation, Step, decide
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, ProcessState, Running

NOW = 1000.0
STARTING = Observation(phase="Starting", stopping=False, now=NOW)
DOWNLOADING = Observation(phase="Downloading", stopping=False, now=NOW)
TRAINING = Observation(phase="Training", stopping=False, now=NOW, processes=(Running(pid=7),))
UPLOADING = Observation(phase="Uploading", stopping=False, now=NOW, processes=(Exited(0, NOW),))


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
        (Running(pid=0), False, Wait(SOON_SECONDS)),
        (Running(pid=0), True, Wait(SOON_SECONDS)),  # there is nobody to signal yet
        (Running(pid=7), False, Wait(POLL_SECONDS)),
        (Running(pid=7), True, Terminate("Stopped")),
        (Exited(0, NOW), False, Enter("Uploading")),
        (Exited(1, NOW), True, Enter("Uploading")),
        (Lost(), False, Enter("Uploading")),
    ],
)
def test_training(process: ProcessState, stopping: bool, expected: object) -> None:
    assert decide(replace(TRAINING, processes=(process,), stopping=stopping)) == expected


def test_a_deadline_ends_a_running_job_on_time() -> None:
    runtime, wait = Deadline(NOW, "MaxRuntimeExceeded"), Deadline(NOW - 1, "MaxWaitTimeExceeded")
    assert decide(replace(TRAINING, deadlines=(runtime,))) == Terminate("MaxRuntimeExceeded")
    assert decide(replace(TRAINING, deadlines=(runtime, wait))) == Terminate("MaxWaitTimeExceeded")
    assert decide(replace(TRAINING, deadlines=(runtime,), stopping=True)) == Terminate("Stopped")
    soon, late = Deadline(NOW + 0.25, "MaxRuntimeExceeded"), Deadline(NOW + 60, "MaxRuntimeExceeded")
    assert decide(replace(TRAINING, deadlines=(soon,))) == Wait(0.25)
    assert decide(replace(TRAINING, deadlines=(late,))) == Wait(POLL_SECONDS)


def test_a_job_that_waits_gives_up_at_its_deadline() -> None:
    waiting = replace(STARTING, pending=True, deadlines=(Deadline(NOW + 5, "MaxWaitTimeExceeded"),))
    assert decide(waiting) == Wait(5)
    assert decide(replace(waiting, now=NOW + 5)) == decisions.MAX_WAIT_TIME_EXCEEDED
    late = replace(STARTING, slot_free=True, deadlines=(Deadline(NOW, "MaxPendingTimeExceeded"),))
    assert decide(late) == decisions.MAX_PENDING_TIME_EXCEEDED


ALIVE, DONE, FAILED = Running(pid=7), Exited(0, NOW - 1), Exited(1, NOW - 1)


@pytest.mark.parametrize(
    ("processes", "stopping", "expected"),
    [
        ((NotStarted(), NotStarted()), False, Spawn()),
        ((ALIVE, NotStarted()), False, Spawn()),  # a crash came between the two
        ((ALIVE, NotStarted()), True, decisions.GiveUpStart()),
        ((FAILED, NotStarted()), False, decisions.GiveUpStart()),
        ((ALIVE, Running(pid=0)), True, Wait(SOON_SECONDS)),
        ((ALIVE, ALIVE), False, Wait(POLL_SECONDS)),
        ((DONE, ALIVE), False, Wait(POLL_SECONDS)),
        ((FAILED, ALIVE), False, Terminate("HostFailed")),
        ((ALIVE, Lost()), False, Terminate("HostFailed")),
        ((FAILED, ALIVE), True, Terminate("Stopped")),
        ((DONE, DONE), False, Enter("Uploading")),
        ((FAILED, DONE), False, Enter("Uploading")),
    ],
)
def test_several_hosts(processes: tuple[ProcessState, ...], stopping: bool, expected: object) -> None:
    assert decide(replace(TRAINING, processes=processes, stopping=stopping)) == expected


def test_the_host_that_failed_first_is_to_blame() -> None:
    ended = replace(UPLOADING, step=Step.DONE, terminated_at=NOW, termination="HostFailed")
    stopped_because = Exited(-15, NOW + 1)
    assert rules.first_failure(replace(ended, processes=(stopped_because, DONE, FAILED))) == 2
    assert rules.first_failure(replace(ended, processes=(stopped_because, Lost()))) == 1
    assert rules.first_failure(replace(ended, processes=(DONE, DONE))) is None
    assert decide(replace(ended, processes=(stopped_because, FAILED))) == decisions.failed(None)
    assert decide(replace(ended, processes=(stopped_because, Lost()))) == decisions.failed(decisions.LOST)


def test_a_host_that_was_killed_comes_before_one_that_only_misses_it() -> None:
    ended = replace(UPLOADING, step=Step.DONE, terminated_at=NOW, termination="HostFailed", stop_grace_seconds=5.0)
    killed, killed_by_us = Exited(-9, NOW + 1), Exited(-9, NOW + 5)
    assert rules.failures(replace(ended, processes=(FAILED, killed))) == [1, 0]
    assert rules.failures(replace(ended, processes=(FAILED, DONE, killed_by_us))) == [0, 2]
    lost = replace(ended, processes=(FAILED, Lost()))
    assert rules.failures(lost) == [1, 0]
    assert decide(lost) == decisions.failed(decisions.LOST)
    assert decide(replace(lost, retries_left=1)) == decisions.Restart("Restarting")


def test_an_interrupted_job_saves_its_checkpoints_and_starts_again() -> None:
    assert decide(replace(TRAINING, interruption=True)) == Terminate("Interrupted")
    gone = replace(UPLOADING, processes=(Exited(-15, NOW),), terminated_at=NOW, termination="Interrupted")
    assert decide(gone) == StartStep()
    assert decide(replace(gone, step=Step.DONE)) == decisions.Restart("Interrupted")
    assert decide(replace(gone, step=Step.DONE, stopping=True)) == decisions.STOPPED
    assert decide(replace(gone, step=Step.FAILED, step_error="no bucket")) == decisions.failed("no bucket")


def test_retries_are_for_internal_errors_only() -> None:
    lost = replace(UPLOADING, step=Step.DONE, processes=(Lost(),))
    assert decide(replace(lost, retries_left=1)) == decisions.Restart("Restarting")
    assert decide(replace(lost, retries_left=0)) == decisions.failed(decisions.LOST)
    assert decide(replace(lost, retries_left=1, stopping=True)) == decisions.STOPPED
    assert decide(replace(lost, retries_left=1, processes=(Exited(1, NOW),))) == decisions.failed(None)
    failed = replace(DOWNLOADING, step=Step.FAILED, step_error="InternalServerError: no S3", retries_left=1)
    assert decide(failed) == decisions.Restart("Restarting")
    assert decide(replace(failed, step_error="ClientError: no bucket")) == decisions.failed("ClientError: no bucket")


def test_sigkill_follows_the_grace() -> None:
    terminated = replace(TRAINING, stopping=True, termination="Stopped", signalled=True, stop_grace_seconds=5.0)
    assert decide(replace(terminated, terminated_at=NOW - 3)) == Wait(POLL_SECONDS)
    assert decide(replace(terminated, terminated_at=NOW - 4.75)) == Wait(0.25)
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
        (Exited(-15, NOW), True, None, decisions.STOPPED),  # it was prevented from its start, before a crash
        (Exited(0, NOW), False, "MaxRuntimeExceeded", decisions.MAX_RUNTIME_EXCEEDED),
        (Exited(-9, NOW), True, "MaxRuntimeExceeded", decisions.MAX_RUNTIME_EXCEEDED),
        (Lost(), False, None, decisions.failed(decisions.LOST)),
        (Lost(), True, None, decisions.STOPPED),
        (Lost(), True, "Stopped", decisions.STOPPED),
    ],
)
def test_the_end(process: ProcessState, stopping: bool, termination: str | None, expected: object) -> None:
    done = replace(UPLOADING, step=Step.DONE, processes=(process,), stopping=stopping, termination=termination)
    assert decide(done) == expected


def test_uploading_is_started_again_and_awaited() -> None:
    assert decide(UPLOADING) == StartStep()
    assert decide(replace(UPLOADING, step=Step.UNDER_WAY)) == Wait(None)


def test_a_failed_upload_fails_a_good_job_and_does_not_hide_a_failed_script() -> None:
    failed = replace(UPLOADING, step=Step.FAILED, step_error="no bucket")
    assert decide(failed) == decisions.failed("no bucket")
    assert decide(replace(failed, processes=(Exited(1, NOW),))) == decisions.failed(None)


def test_an_ended_job_needs_no_decision() -> None:
    with pytest.raises(ValueError, match="Ended"):
        decide(replace(STARTING, phase="Ended"))
