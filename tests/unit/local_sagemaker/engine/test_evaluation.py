"""What becomes of a job's evaluation, as a function of what is true of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_sagemaker.engine.evaluations.evaluation import (
    MAX_STARTS,
    SECONDS_AFTER_JOB,
    EndRules,
    Enter,
    Kill,
    Observation,
    Renew,
    SayNotUploaded,
    Spawn,
    Start,
    StartUpload,
    Tell,
    decide,
)
from local_sagemaker.engine.loop import Wait
from local_sagemaker.engine.training.job import Step
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, Running
from local_sagemaker.runtime.training.evaluation_folder import LEFT_ALONE

ALIVE = Running(7, 6)
WAITING = Observation(phase="Waiting", now=100.0, job_phase="Training")
EVALUATING = Observation(
    phase="Evaluating", now=100.0, job_phase="Training", script_began=True, process=ALIVE, starts=1, started_at=90.0
)
AFTERWARDS = replace(EVALUATING, job_phase="Ended", job_ended_at=95.0)
UPLOADING = replace(AFTERWARDS, phase="Uploading", process=NotStarted())


def test_it_starts_with_the_script() -> None:
    assert isinstance(decide(WAITING), Wait)
    assert decide(replace(WAITING, script_began=True)) == Start()
    assert decide(replace(WAITING, script_began=True, job_phase="Ended", job_ended_at=99.0)) == Start()  # a quick one


def test_rules_of_a_job_whose_script_never_began_are_stopped_and_say_so() -> None:
    end = decide(replace(WAITING, job_phase="Ended", job_ended_at=99.0))
    assert isinstance(end, EndRules)
    assert (end.status, end.phase) == ("Stopped", "Ended")
    assert "nothing was saved" in end.details


def test_it_is_told_what_changes_and_waits_for_the_evaluator() -> None:
    assert isinstance(decide(EVALUATING), Wait)
    assert decide(replace(EVALUATING, told=False)) == Tell()
    assert isinstance(decide(replace(EVALUATING, told=False, process=Running(0))), Wait)
    assert isinstance(decide(AFTERWARDS), Wait)


def test_what_ended_well_is_uploaded_once_the_job_has_ended_too() -> None:
    ended = Exited(0, 99.0)
    assert decide(replace(AFTERWARDS, process=ended, all_judged=True)) == Enter("Uploading")
    assert isinstance(decide(replace(EVALUATING, process=ended, all_judged=True)), Wait)
    assert decide(replace(AFTERWARDS, process=ended, all_judged=False)) == Start()  # it left rules open


def test_one_that_has_not_shown_yet_is_no_lost_one() -> None:
    assert decide(replace(EVALUATING, process=NotStarted(), starts=MAX_STARTS)) == Spawn()


@pytest.mark.parametrize("end", [Lost(), Exited(-9, 99.0), Exited(1, 99.0)])
def test_a_lost_evaluator_is_started_again_but_not_for_ever(end: Lost | Exited) -> None:
    lost = replace(EVALUATING, process=end, log="/state/log")
    assert decide(lost) == Start()
    assert decide(replace(lost, starts=MAX_STARTS - 1)) == Start()
    given_up = decide(replace(lost, starts=MAX_STARTS))
    assert isinstance(given_up, EndRules)
    assert (given_up.status, given_up.phase) == ("Error", "Uploading")
    assert "started 3 times" in given_up.details
    assert "/state/log" in given_up.details


def test_one_that_hangs_after_the_jobs_end_is_killed_and_its_rules_say_so() -> None:
    hanging = replace(AFTERWARDS, now=95.0 + SECONDS_AFTER_JOB)
    assert decide(hanging) == Kill()
    assert isinstance(decide(replace(hanging, now=hanging.now - 1)), Wait)
    ended = decide(replace(hanging, process=Exited(-9, 700.0)))
    assert isinstance(ended, EndRules)
    assert ended.status == "Error"
    assert "10 minutes after the training job's" in ended.details
    # It has its time from its own start on, when the server was down meanwhile.
    assert isinstance(decide(replace(hanging, started_at=hanging.now - 1)), Wait)
    # What it did in time counts.
    in_time = replace(hanging, process=Exited(0, 600.0), all_judged=True)
    assert decide(in_time) == Enter("Uploading")


def test_one_that_was_lost_before_its_time_was_over_is_no_late_one() -> None:
    long_after = replace(AFTERWARDS, now=95.0 + 10 * SECONDS_AFTER_JOB)  # the machine was down
    for end in (Lost(), Exited(-9, 99.0)):
        assert decide(replace(long_after, process=end)) == Start()
        given_up = decide(replace(long_after, process=end, starts=MAX_STARTS))
        assert isinstance(given_up, EndRules)
        assert "started 3 times" in given_up.details


def test_one_that_was_not_told_of_the_end_is_started_again_when_it_has_come() -> None:
    left_alone = replace(EVALUATING, process=Exited(LEFT_ALONE, 99.0), starts=MAX_STARTS)
    assert isinstance(decide(replace(left_alone, job_phase="Uploading")), Wait)  # of a large model
    assert decide(replace(left_alone, job_phase="Ended", job_ended_at=5000.0, now=9000.0)) == Start()
    assert decide(replace(left_alone, next_attempt=True)) == Renew()


def test_another_start_of_the_job_is_judged_anew() -> None:
    again = replace(EVALUATING, next_attempt=True, job_phase="Downloading")
    assert decide(again) == Kill()
    assert decide(replace(again, process=Exited(-9, 99.0))) == Renew()
    assert decide(replace(WAITING, next_attempt=True, script_began=True)) == Renew()


def test_uploading() -> None:
    assert decide(UPLOADING) == StartUpload()
    assert decide(replace(UPLOADING, upload=Step.UNDER_WAY)) == Wait(None)
    assert decide(replace(UPLOADING, upload=Step.DONE)) == Enter("Ended")
    assert decide(replace(UPLOADING, upload=Step.FAILED, upload_error="no bucket")) == SayNotUploaded("no bucket")
    # Rules that were added meanwhile wait for its end.
    assert isinstance(decide(replace(WAITING, script_began=True, upload=Step.UNDER_WAY)), Wait)


@given(
    st.builds(
        Observation,
        phase=st.sampled_from(["Waiting", "Evaluating", "Uploading"]),
        now=st.floats(0, 1e4),
        job_phase=st.sampled_from(["Starting", "Downloading", "Training", "Uploading", "Ended"]),
        job_ended_at=st.none() | st.floats(0, 1e4),
        next_attempt=st.booleans(),
        script_began=st.booleans(),
        process=st.sampled_from([NotStarted(), Running(0), ALIVE, Exited(0, 1.0), Exited(1, 1.0), Lost()]),
        starts=st.integers(0, 5),
        started_at=st.none() | st.floats(0, 1e4),
        all_judged=st.booleans(),
        told=st.booleans(),
        upload=st.sampled_from(Step),
    )
)
def test_never_two_evaluators_and_never_an_end_while_one_runs(o: Observation) -> None:
    decision = decide(o)
    if o.phase == "Evaluating" and isinstance(o.process, Running):
        assert not isinstance(decision, Start | Spawn | Renew | EndRules | Enter | StartUpload)
    if isinstance(decision, Start) and o.phase == "Evaluating":
        assert o.starts < MAX_STARTS
