"""The desk of the process that judges jobs: little by little, and no more kept than is asked about."""

import math
from datetime import UTC, datetime
from multiprocessing import Pipe
from typing import Any

import pytest

from diagnostics.tensors.saved_step import Mode
from service.aws.clients import Clients
from service.domain import diagnosed_job
from service.errors import Throttled
from service.evaluation import desk as desk_module
from service.evaluation import judged_tensors
from service.evaluation.__main__ import reply
from service.evaluation.desk import Desk
from service.evaluation.messages import Answer, receive
from service.settings import Settings
from tests.unit.service.jobs.diagnosed import GRADIENT, LOSS, DiagnosedJob
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal

MODIFIED_AT = 1795417200.0  # of all objects of the fake


@pytest.fixture(scope="module")
def clients(settings: Settings) -> Clients:
    """Made at the first use, when AWS is the fake."""
    return Clients(settings)


@pytest.fixture
def job(aws: FakeAws) -> DiagnosedJob:
    """One that has saved 28 steps."""
    job = DiagnosedJob(aws)
    job.learn(overfit=True)
    return job


def asked(job: DiagnosedJob, about: str = "debugger", **members: Any) -> dict[str, Any]:
    """A question about the job as it is."""
    times = {name: datetime.fromtimestamp(value, UTC) for name, value in job.members.items() if name.endswith("Time")}
    subject = diagnosed_job.subject({**job.members, **times}).as_json()
    return {"about": about, "job": subject, "curves": True, "max_points": 100, **members}


def test_a_question_works_for_its_time_and_the_next_goes_on(clients: Clients, job: DiagnosedJob) -> None:
    job.end()
    hasty, patient = Desk(clients, seconds=0), Desk(clients)
    answers = [hasty.answer(asked(job)).members]
    while answers[-1]["evaluation"]["state"] == "InProgress":
        assert answers[-1]["evaluation"]["steps_saved"] == 28
        answers.append(hasty.answer(asked(job)).members)
    assert [answer["evaluation"]["steps_evaluated"] for answer in answers] == [*range(1, 29), 28]
    assert answers[-1] == patient.answer(asked(job)).members


def test_a_running_job_is_up_to_date_and_then_completed(clients: Clients, job: DiagnosedJob) -> None:
    desk = Desk(clients)
    first = desk.answer(asked(job)).members["evaluation"]
    assert first == {"state": "UpToDate", "steps_evaluated": 28, "steps_saved": 28, "last_step": 27}
    job.save(28, 0.1)
    job.end("Stopped")
    assert desk.answer(asked(job)).members["evaluation"]["state"] == "Completed"


def test_figures_of_a_tensor_are_read_little_by_little(
    clients: Clients, job: DiagnosedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.end()
    desk = Desk(clients)
    desk.answer(asked(job))
    hasty = asked(job, "tensor", tensor=GRADIENT, figure="abs_mean")
    monkeypatch.setattr(desk, "_seconds", -1.0)  # no time at all
    answer = desk.answer(hasty).members
    assert (answer["evaluation"]["state"], answer["series"][0]["steps"]) == ("InProgress", [0])
    monkeypatch.setattr(desk, "_seconds", 10.0)
    answer = desk.answer(hasty).members
    assert answer["evaluation"]["state"] == "Completed"
    assert len(answer["series"][0]["steps"]) == 20


def test_a_profile_that_takes_long_is_read_little_by_little(
    clients: Clients, job: DiagnosedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.measure()
    job.end()
    desk = Desk(clients, seconds=-1.0)
    answer = desk.answer(asked(job, "profiler", series=False)).members
    assert (answer["complete"], answer["nodes"]) == (False, [])
    assert "ask again for the rest" in answer["notes"][-1]
    monkeypatch.setattr(desk, "_seconds", 10.0)
    answer = desk.answer(asked(job, "profiler", series=False)).members
    assert (answer["complete"], answer["nodes"], answer["notes"]) == (True, ["algo-1"], [])


def test_only_the_jobs_asked_about_last_are_kept(
    clients: Clients, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "MAX_BYTES", 1 << 50)  # whatever this process holds
    jobs = [DiagnosedJob(aws, f"dogs-{number}") for number in range(4)]
    desk = Desk(clients, max_sessions=2)
    for job in jobs:
        job.learn(1)
        desk.answer(asked(job))
        desk.tidy()
    assert list(desk._sessions) == ["dogs-2", "dogs-3"]
    desk.answer(asked(jobs[2]))
    desk.answer(asked(jobs[0]))
    desk.tidy()
    assert list(desk._sessions) == ["dogs-2", "dogs-0"]
    monkeypatch.setattr(desk_module, "MAX_BYTES", 1)
    desk.tidy()
    assert list(desk._sessions) == ["dogs-0"]  # the last one stays: its next question is likely


def test_another_job_of_the_same_name_is_not_the_same(clients: Clients, job: DiagnosedJob) -> None:
    job.end()
    desk = Desk(clients)
    assert desk.answer(asked(job)).members["rules"][0]["status"] == "IssuesFound"
    job.members["CreationTime"] += 1
    for name in [name for name in job.aws.objects if name.startswith(job.root)]:
        del job.aws.objects[name]
    job.learn(1)
    assert desk.answer(asked(job)).members["evaluation"]["steps_saved"] == 7


def test_a_job_written_again_after_its_end_is_judged_again(clients: Clients, job: DiagnosedJob) -> None:
    job.end()
    desk = Desk(clients)
    assert desk.answer(asked(job)).members["rules"][0]["status"] == "IssuesFound"
    job.learn()
    job.aws.objects[f"{job.root}/training_job_end.ts"] = b"again"
    assert desk.answer(asked(job)).members["rules"][0]["status"] == "NoIssuesFound"


def test_what_s3_refused_in_the_middle_is_no_fault_of_a_rule(
    clients: Clients, job: DiagnosedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read fails inside of a rule: the session is thrown away, and the next question is answered in full."""
    job.end()
    desk = Desk(clients)
    listings = []

    def refuse_after_the_listing() -> Refusal | None:
        listings.append(1)
        return Refusal("SlowDown", "Reduce your request rate.", 503) if len(listings) > 40 else None

    monkeypatch.setattr(FakeAws, "s3_refusal", property(lambda _: refuse_after_the_listing(), lambda *_: None))
    with pytest.raises(Throttled, match="Reduce your request rate"):
        desk.answer(asked(job))
    assert "dogs-1" not in desk._sessions
    monkeypatch.undo()
    job.aws.s3_refusal = None
    monkeypatch.setenv("AWS_ENDPOINT_URL", job.aws.url)
    assert desk.answer(asked(job)).members["rules"][0]["status"] == "IssuesFound"


@pytest.mark.parametrize(("seconds", "status"), [(59, "InProgress"), (61, "IssuesFound")])
def test_idleness_is_told_to_rules_about_it(
    clients: Clients, job: DiagnosedJob, monkeypatch: pytest.MonkeyPatch, *, seconds: int, status: str
) -> None:
    stalled = {"rule_to_invoke": "StalledTrainingRule", "threshold": "60"}
    job.members["DebugRuleConfigurations"] = [
        {"RuleConfigurationName": "Stalled", "RuleEvaluatorImage": "rules", "RuleParameters": stalled}
    ]
    monkeypatch.setattr(judged_tensors, "now", lambda: MODIFIED_AT + seconds)
    assert Desk(clients).answer(asked(job)).members["rules"][0]["status"] == status


def test_curves_keep_peaks_and_say_where_there_is_no_number(clients: Clients, job: DiagnosedJob) -> None:
    for step in range(28, 400):
        job.save(step, 100.0 if step == 300 else 0.1, Mode.TRAIN)
    job.save(400, float("inf"), Mode.TRAIN)
    curves = Desk(clients).answer(asked(job, max_points=10)).members["curves"]
    train = next(curve for curve in curves if curve["mode"] == "TRAIN")
    assert train["tensor"] == LOSS
    assert dict(zip(train["steps"], train["values"], strict=True))[300] == 100.0
    assert train["values"][-1] is None
    assert len(train["steps"]) <= 11


def test_an_answer_that_is_no_json_is_told_as_a_defect(capfd: pytest.CaptureFixture[str]) -> None:
    hear, told = Pipe(duplex=False)
    with hear, told:
        for wrong in (math.nan, object()):
            reply(told, Answer({"value": wrong}))
            members, content = receive(hear)
            assert (members["problem"]["kind"], content) == ("InternalError", b"")
            assert "JSON" in members["problem"]["detail"]
            assert "JSON" in capfd.readouterr().err
        reply(told, Answer({"value": 1.0}, b"page"))
        assert receive(hear) == ({"value": 1.0}, b"page")
