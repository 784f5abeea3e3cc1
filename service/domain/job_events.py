"""What happens to a training job, as events: its status, its log, its metrics, its rules."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.aws import logs, sagemaker_jobs
from service.aws.clients import Clients
from service.domain import training_logs
from service.domain.event_position import LogPosition, Position
from service.domain.training_job_answer import in_utc
from service.errors import Problem
from service.schemas.job import TrainingJobStatus

Members = Mapping[str, Any]
LINES_AT_ONCE = 1000
RULE_STATUSES = {"debugger": "DebugRuleEvaluationStatuses", "profiler": "ProfilerRuleEvaluationStatuses"}
UNDECIDED = {"InProgress", "Stopping"}


@dataclass(frozen=True)
class JobEvent:
    """One event. `position` is where a client that has it goes on; None inside of a group of events."""

    kind: str
    data: Members
    position: Position | None

    def text(self) -> str:
        """As `text/event-stream` has it."""
        where = "" if self.position is None else f"id: {self.position.encoded()}\n"
        return f"event: {self.kind}\n{where}data: {json.dumps(self.data, ensure_ascii=False)}\n\n"


@dataclass(frozen=True)
class Judged:
    """Statuses of rules that the service evaluates itself, by name, and whether they will change."""

    statuses: Mapping[str, Members]
    final: bool


class JobFollower:
    """Follows one job for one client. `judged` evaluates the rules of a job for which SageMaker evaluates none."""

    def __init__(
        self, clients: Clients, name: str, position: Position, judged: Callable[[Members], Judged | None]
    ) -> None:
        self._clients = clients
        self._name = name
        self._judged = judged
        self.position = position

    def poll(self) -> list[JobEvent]:
        """What is new. The last event of a job that is over is `end`. Raises TrainingJobNotFound and AWS's Problems."""
        job = sagemaker_jobs.describe_training_job(self._clients, self._name)
        found = [*self._transitions(job), *self._log(job)]
        rules, undecided = self._rules(job)
        found += rules
        over = TrainingJobStatus(job["TrainingJobStatus"]).is_over
        if over and not found and undecided is not None:
            self.position = replace(self.position, ended=True)
            data = {
                "status": job["TrainingJobStatus"],
                "failure_reason": job.get("FailureReason") or None,
                "rules_in_progress": undecided,
            }
            found.append(JobEvent("end", data, self.position))
        return found

    def _transitions(self, job: Members) -> Iterator[JobEvent]:
        for step in job.get("SecondaryStatusTransitions", [])[self.position.transitions :]:
            self.position = replace(self.position, transitions=self.position.transitions + 1)
            data = {
                "status": step["Status"],
                "message": step.get("StatusMessage") or None,
                "started_at": _text(step["StartTime"]),
            }
            yield JobEvent("status", data, self.position)

    def _log(self, job: Members) -> Iterator[JobEvent]:
        regexes = list(_regexes(job))
        for stream in logs.training_job_streams(self._clients, self._name):
            place = self.position.logs.get(stream, LogPosition())
            page = logs.read(self._clients, stream, place.token, LINES_AT_ONCE)
            lines = page.events[place.told :]
            for number, line in enumerate(lines, start=place.told + 1):
                is_last = number == len(page.events)
                self.position = self.position.in_log(
                    stream, LogPosition(page.token) if is_last else LogPosition(place.token, number)
                )
                yield from self._line(stream, line, regexes)

    def _line(self, stream: str, line: logs.Event, regexes: list[tuple[str, re.Pattern[str]]]) -> Iterator[JobEvent]:
        time = _text(line.timestamp)
        group: list[tuple[str, Members]] = [("log", {"timestamp": time, "message": line.message, "stream": stream})]
        for name, regex in regexes:
            points = training_logs.points_of(line, regex)
            group += [("metric", {"timestamp": time, "name": name, "value": point.value}) for point in points]
        for kind, data in group[:-1]:
            yield JobEvent(kind, data, None)
        yield JobEvent(*group[-1], self.position)

    def _rules(self, job: Members) -> tuple[list[JobEvent], list[str] | None]:
        """What has changed, and the rules without a verdict; None while the service itself evaluates."""
        told: dict[str, Members] = {}
        for kind, member in RULE_STATUSES.items():
            for status in job.get(member, []):
                told[status["RuleConfigurationName"]] = {
                    "name": status["RuleConfigurationName"],
                    "kind": kind,
                    "status": status.get("RuleEvaluationStatus"),
                    "details": (status.get("StatusDetails") or "").strip() or None,
                }
        final = True
        if not told and (judged := self._judged(job)) is not None:
            told, final = dict(judged.statuses), judged.final
        found: list[JobEvent] = []
        for name, data in told.items():
            if self.position.rules.get(name) != data["status"]:
                self.position = self.position.with_rule(name, str(data["status"]))
                found.append(JobEvent("rule", data, self.position))
        undecided = [name for name, data in told.items() if data["status"] in UNDECIDED]
        return found, undecided if final else None


def failed(problem: Problem, path: str) -> JobEvent:
    """What is told when the job cannot be followed any more."""
    return JobEvent("problem", problem.body(path), None)


def _regexes(job: Members) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Those that Python can read; /metrics says which it cannot."""
    for definition in job.get("AlgorithmSpecification", {}).get("MetricDefinitions", []):
        try:
            yield definition["Name"], re.compile(definition["Regex"])
        except re.error:
            continue


def _text(time: Any) -> str:
    return in_utc(time).isoformat().replace("+00:00", "Z")
