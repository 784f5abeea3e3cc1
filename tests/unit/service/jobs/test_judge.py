"""The process that judges jobs, seen from the service: started, killed, stuck, asked by many, left alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.domain import diagnosed_job
from service.errors import EvaluationBusy, EvaluationFailed, InternalError, TensorsNotSaved
from service.evaluation import judge as judge_module
from service.evaluation.judge import Judge, Limits
from tests.local_server import REPOSITORY
from tests.unit.service.jobs.diagnosed import DiagnosedJob
from tests.unit.service.jobs.fake_aws import FakeAws
from tests.waiting import wait_for

ODD = "tests.unit.service.jobs.odd_judge"


@contextmanager
def judging(limits: Limits | None = None, program: str = ODD) -> Iterator[Judge]:
    """One that nobody has asked."""
    judge = Judge("us-east-1", limits, program)
    try:
        yield judge
    finally:
        judge.close()


@pytest.fixture
def question(aws: FakeAws) -> dict[str, Any]:
    """About a job that overfits."""
    job = DiagnosedJob(aws)
    job.learn(overfit=True)
    job.end()
    times = {name: datetime.fromtimestamp(value, UTC) for name, value in job.members.items() if name.endswith("Time")}
    subject = diagnosed_job.subject({**job.members, **times}).as_json()
    return {"about": "debugger", "job": subject, "curves": False, "max_points": 100}


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_of(judge: Judge) -> int:
    """Of the process that answers now."""
    return int(judge.ask({}).members["pid"])


def test_it_starts_at_the_first_question_and_ends_when_closed() -> None:
    with judging() as judge:
        assert judge._worker is None
        answer = judge.ask({"about": "this"})
        assert (answer.members["asked"], answer.content) == ({"about": "this"}, b"a page")
        pid = pid_of(judge)
        assert pid == judge.pid == answer.members["pid"]
    assert not lives(pid)
    with pytest.raises(EvaluationFailed, match="shutting down"):
        judge.ask({})


def test_a_killed_process_is_started_anew_and_asked_again() -> None:
    with judging() as judge:
        pid = pid_of(judge)
        os.kill(pid, signal.SIGKILL)
        assert pid_of(judge) != pid


def test_a_process_killed_at_work_is_asked_again() -> None:
    with judging() as judge, ThreadPoolExecutor(1) as pool:
        pid = pid_of(judge)
        os.kill(pid, signal.SIGSTOP)  # so that it dies after the question came
        answer = pool.submit(pid_of, judge)
        wait_for(judge._turn.locked, "question")
        os.kill(pid, signal.SIGKILL)
        assert answer.result(60) != pid


def test_a_question_that_kills_is_asked_twice_only() -> None:
    with judging() as judge:
        with pytest.raises(EvaluationFailed, match="ended twice over this request") as raised:
            judge.ask({"die": True})
        assert "more memory" in raised.value.action
        assert pid_of(judge) == judge.pid


def test_a_program_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(judge_module, "REPOSITORY_DIR", tmp_path)
    with judging() as judge, pytest.raises(EvaluationFailed, match="ended twice"):
        judge.ask({})


def test_a_process_that_hangs_is_ended() -> None:
    with judging() as judge:
        pid = pid_of(judge)
        judge._limits = Limits(answer=0.1)
        with pytest.raises(EvaluationFailed, match=r"no answer within 0\.1 s and was ended"):
            judge.ask({"hang": True})
        assert not lives(pid)
        assert judge.pid is None


def test_closing_ends_what_is_under_way() -> None:
    with ThreadPoolExecutor(1) as pool, judging() as judge:
        pid_of(judge)
        answer = pool.submit(judge.ask, {"hang": True})
        wait_for(judge._turn.locked, "question")
        judge.close()
        with pytest.raises(EvaluationFailed, match="shutting down"):
            answer.result(60)


def test_those_who_would_wait_too_long_are_sent_away() -> None:
    with judging(Limits(waiting=1, turn=0.05)) as judge, ThreadPoolExecutor(2) as pool:
        pid_of(judge)
        answered = pool.submit(judge.ask, {"hang": True})
        wait_for(judge._turn.locked, "question")
        with pytest.raises(EvaluationBusy, match=r"was busy for 0\.05 s") as raised:
            judge.ask({})
        assert raised.value.headers == {"Retry-After": "5"}
        judge._waiting += 1  # as if somebody waited
        with pytest.raises(EvaluationBusy, match="2 requests wait"):
            judge.ask({})
        judge._waiting -= 1
        judge.close()
        assert isinstance(answered.exception(60), EvaluationFailed)
        assert judge._waiting == 0


def test_many_ask_at_once_and_one_process_answers() -> None:
    with judging() as judge, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: judge.ask({"number": number}).members, range(40)))
    assert [answer["asked"]["number"] for answer in answers] == list(range(40))
    assert len({answer["pid"] for answer in answers}) == 1


# --- the real one


def test_problems_come_through_and_defects_are_named(question: dict[str, Any], aws: FakeAws) -> None:
    with judging(program=judge_module.PROGRAM) as judge:
        with pytest.raises(InternalError, match="cannot be judged: KeyError: 'nonsense'"):
            judge.ask({**question, "about": "nonsense"})
        assert judge.ask(question).members["rules"][0]["status"] == "IssuesFound"
        aws.objects.clear()
        with pytest.raises(TensorsNotSaved, match="left no tensors") as raised:
            judge.ask(question)
        assert "/logs" in raised.value.action


SERVICE = """
import json, sys, time
from service.evaluation.judge import Judge
judge = Judge("us-east-1")
judge.ask(json.loads(sys.stdin.readline()))
print(judge.pid, *[heavy for heavy in ("numpy", "matplotlib", "boto3") if heavy in sys.modules], flush=True)
time.sleep(600)
"""


def test_it_ends_with_a_service_that_was_killed_and_spares_it_what_is_heavy(question: dict[str, Any]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        service.stdin.write(f"{json.dumps(question)}\n")
        service.stdin.flush()
        pid, *heavy = service.stdout.readline().split()
        assert heavy == []
        assert lives(int(pid))
        service.kill()
    wait_for(lambda: not lives(int(pid)), "end of the process")
