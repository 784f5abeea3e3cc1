"""A training job's events: what they say, where they go on, and how they end."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.aws.clients import Clients
from service.domain.event_position import Position, decoded
from service.domain.job_events import JobFollower, Judged
from service.errors import TrainingJobNotFound
from service.routes import event_stream
from service.settings import Settings
from tests.http_client import http_client
from tests.service_process import running_service
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal
from tests.unit.service.jobs.test_training_logs import LOSS, Stream
from tests.waiting import wait_for

NOT_FOUND = Refusal("ValidationException", "Requested resource not found.")
STEPS = ["Starting", "Downloading", "Training", "Uploading", "Completed"]


class Job:
    """A job that a test lets go on, in the fake AWS."""

    def __init__(self, aws: FakeAws) -> None:
        self.steps = ["Starting"]
        self.status = "InProgress"
        self.rules: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.stream = Stream()
        aws.answers["DescribeTrainingJob"] = self.describe
        aws.answers["DescribeLogStreams"] = lambda _: {"logStreams": [{"logStreamName": "dogs-1/algo-1-17"}]}
        aws.answers["GetLogEvents"] = self.stream.get_log_events

    def describe(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "TrainingJobName": "dogs-1",
            "TrainingJobArn": "arn",
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.steps[-1],
            "SecondaryStatusTransitions": [
                {"Status": step, "StartTime": second, "StatusMessage": f"It is {step}."}
                for second, step in enumerate(self.steps)
            ],
            "CreationTime": 0,
            "AlgorithmSpecification": {"MetricDefinitions": [LOSS, {"Name": "bad", "Regex": "(?<n>x"}]},
            "Environment": self.environment,
            "DebugRuleEvaluationStatuses": [
                {"RuleConfigurationName": name, "RuleEvaluationStatus": status, "StatusDetails": "as it is\n"}
                for name, status in self.rules.items()
            ],
        }

    def ends(self) -> None:
        self.steps = STEPS
        self.status = "Completed"


@pytest.fixture(scope="module")
def clients(settings: Settings) -> Clients:
    """Made at the first use, when AWS is the fake."""
    return Clients(settings)


@pytest.fixture
def job(aws: FakeAws) -> Job:
    """A job that has just begun."""
    return Job(aws)


def follower(clients: Clients, position: Position | None = None) -> JobFollower:
    """Of a job whose rules SageMaker evaluates."""
    return JobFollower(clients, "dogs-1", position or Position(), lambda _: None)


def test_everything_is_told_once_and_in_order(clients: Clients, job: Job) -> None:
    followed = follower(clients)
    assert [(event.kind, event.data["status"]) for event in followed.poll()] == [("status", "Starting")]
    assert followed.poll() == []
    job.steps = STEPS[:3]
    job.stream.lines += ["hello", "epoch=1 train:loss=0.5 x", "train:loss=nan"]
    job.rules = {"Overfit": "InProgress"}
    events = followed.poll()
    assert [event.kind for event in events] == ["status", "status", "log", "log", "metric", "log", "metric", "rule"]
    assert events[1].data == {
        "status": "Training", "message": "It is Training.", "started_at": "1970-01-01T00:00:02Z",
    }  # fmt: skip
    assert events[3].data["message"] == "epoch=1 train:loss=0.5 x"
    assert [events[4].data["value"], events[6].data["value"]] == [0.5, None]
    assert events[7].data == {
        "name": "Overfit", "kind": "debugger", "status": "InProgress", "details": "as it is",
    }  # fmt: skip
    job.rules = {"Overfit": "IssuesFound"}
    job.ends()
    job.stream.lines.append("the last line")
    assert [event.kind for event in followed.poll()] == ["status", "status", "log", "rule"]
    (end,) = followed.poll()
    assert end.data == {"status": "Completed", "failure_reason": None, "rules_in_progress": []}
    assert decoded(end.position.encoded() if end.position else None).ended


def test_the_end_names_rules_that_are_still_evaluated(clients: Clients, job: Job) -> None:
    job.rules = {"Overfit": "InProgress", "Confusion": "NoIssuesFound"}
    job.ends()
    followed = follower(clients)
    followed.poll()
    assert followed.poll()[0].data["rules_in_progress"] == ["Overfit"]


@pytest.mark.parametrize("seen", range(8))
def test_it_goes_on_after_any_event(clients: Clients, job: Job, seen: int) -> None:
    job.steps = STEPS[:3]
    job.stream.lines += [f"line {number} train:loss={number}" for number in range(5)]
    first = follower(clients).poll()
    groups = [event for event in first if event.position is not None]
    last = groups[seen].position
    assert last is not None
    job.stream.lines.append("one more")
    again = follower(clients, decoded(last.encoded())).poll()
    told = [event.data for event in first[: first.index(groups[seen]) + 1]]
    later = [event.data for event in again]
    whole = [event.data for event in follower(clients).poll()]
    assert [*told, *later] == whole


def test_many_lines_come_in_several_polls(clients: Clients, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.domain.job_events.LINES_AT_ONCE", 10)
    job.stream.lines += [str(number) for number in range(25)]
    followed = follower(clients)
    told = [[event.data["message"] for event in followed.poll() if event.kind == "log"] for _ in range(4)]
    assert [len(lines) for lines in told] == [10, 10, 5, 0]
    assert list(chain(*told)) == [str(number) for number in range(25)]


def test_rules_that_the_service_evaluates_are_told_too(clients: Clients, job: Job) -> None:
    standing = {"name": "Overfit", "kind": "debugger", "status": "InProgress", "details": None}
    told = [Judged({"Overfit": standing}, final=False)]
    followed = JobFollower(clients, "dogs-1", Position(), lambda _: told[-1])
    assert followed.poll()[-1].data == standing
    job.ends()
    followed.poll()
    assert followed.poll() == []  # the evaluation goes on, and so does the stream
    told.append(Judged({"Overfit": {**standing, "status": "IssuesFound"}}, final=True))
    assert [event.data["status"] for event in followed.poll()] == ["IssuesFound"]
    assert [event.kind for event in followed.poll()] == ["end"]


def test_unknown_job(clients: Clients, aws: FakeAws) -> None:
    aws.answers["DescribeTrainingJob"] = NOT_FOUND
    with pytest.raises(TrainingJobNotFound):
        follower(clients).poll()


# --- over HTTP


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long pauses."""
    monkeypatch.setattr(event_stream, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(event_stream, "LONGEST_PAUSE_SECONDS", 0.02)


@contextmanager
def listening(rest: httpx.Client, last: str | None = None) -> Iterator[Iterator[dict[str, str]]]:
    """The fields of each event, `comment` for a heartbeat."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with rest.stream("GET", "/jobs/training/dogs-1/events", headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events_of(answer.iter_lines())


def events_of(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Each event of an event stream."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            yield fields
            fields = {}
            continue
        name, _, value = line.partition(": ")
        fields[name or "comment"] = value


def test_followed_over_http_until_the_end(rest: httpx.Client, job: Job, quick: None) -> None:
    with listening(rest) as events:
        assert json.loads(next(events)["data"])["status"] == "Starting"
        job.stream.lines.append("Straße\nü train:loss=0.25")
        log, metric = next(events), next(events)
        assert (log["event"], json.loads(log["data"])["message"]) == ("log", "Straße\nü train:loss=0.25")
        assert json.loads(metric["data"])["value"] == 0.25
        job.ends()
        rest_of_it = list(events)
    assert [event["event"] for event in rest_of_it] == ["status", "status", "status", "status", "end"]
    with listening(rest, metric["id"]) as events:  # only what came afterwards
        assert [event["event"] for event in events] == ["status", "status", "status", "status", "end"]
    over = rest.get("/jobs/training/dogs-1/events", headers={"Last-Event-ID": rest_of_it[-1]["id"]})
    assert (over.status_code, over.content) == (204, b"")  # EventSource connects no more


def test_heartbeats_while_nothing_happens(
    rest: httpx.Client, job: Job, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.03)
    with listening(rest) as events:
        next(events)
        assert next(events) == {"comment": "nothing new"}


def test_transient_refusals_are_borne_with_and_lasting_ones_told(
    rest: httpx.Client, aws: FakeAws, job: Job, quick: None
) -> None:
    with listening(rest) as events:
        next(events)
        refusals = iter([Refusal("ThrottlingException", "Rate exceeded")] * 4)
        aws.answers["DescribeTrainingJob"] = lambda members: next(refusals, None) or job.describe(members)
        job.stream.lines.append("still here")
        assert json.loads(next(events)["data"])["message"] == "still here"
        aws.answers["DescribeTrainingJob"] = NOT_FOUND
        (problem,) = events
    assert problem["event"] == "problem"
    assert json.loads(problem["data"])["type"] == "urn:sagehound:problem:training-job-not-found"


def test_what_cannot_be_followed_is_a_problem_before_the_first_event(rest: httpx.Client, aws: FakeAws) -> None:
    aws.answers["DescribeTrainingJob"] = NOT_FOUND
    assert rest.get("/jobs/training/dogs-1/events").status_code == 404
    bad = rest.get("/jobs/training/dogs-1/events", headers={"Last-Event-ID": "x"})
    assert bad.status_code == 400
    assert bad.json()["detail"] == "The Last-Event-ID is none that this service gave."


def test_who_leaves_is_asked_about_no_more(rest: httpx.Client, aws: FakeAws, job: Job, quick: None) -> None:
    with listening(rest) as events:
        next(events)
        wait_for(lambda: len(aws.requests("DescribeTrainingJob")) > 2, "polls")
    counts: list[int] = []

    def quiet() -> bool:
        counts.append(len(aws.asked))
        return counts[-10:] == [counts[-1]] * 10  # ten times as long as between two polls

    wait_for(quiet, "end of the polls")


def test_streams_end_with_the_service(aws: FakeAws, job: Job, tmp_path: Path) -> None:
    environment = {
        **os.environ, "SAGEHOUND_PORT": "0", "SAGEHOUND_TRAINING_IMAGE": "i", "SAGEHOUND_INFERENCE_IMAGE": "i",
    }  # fmt: skip
    with ExitStack() as stack:
        with running_service(tmp_path / "log", environment) as url:
            client = stack.enter_context(http_client(url))
            events = stack.enter_context(listening(client))
            assert next(events)["event"] == "status"
        # The service was told to end, and has: it did not wait 30 s for the client to leave.
        assert list(events) == []
    assert "Traceback" not in (tmp_path / "log").read_text()
