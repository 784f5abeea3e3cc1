"""Evaluations beside jobs: the reconciler over real rows and folders, with evaluators that are only records."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.evaluations import output
from local_sagemaker.engine.evaluations.evaluations import SPARE_EVALUATORS, EvaluationReconciler
from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training.tidying import Tidying
from local_sagemaker.runtime import process, shim
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store import evaluations, rule_evaluations, secondary_transitions, training_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob
from tests.waiting import wait_for

NAME = "toy"


class Evaluators:
    """Stands for processes: what starts leaves the records of one that runs, with this very process's id."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[list[str]] = []
        self.slow = False  # what starts leaves no records yet
        self.signals: list[signal.Signals] = []
        monkeypatch.setattr(process, "spawn", self.spawn)
        monkeypatch.setattr(process, "send_signal", lambda _, signum: self.signals.append(signum))

    def spawn(self, folder: Path, argv: list[str], *, cwd: Path, env: dict[str, str]) -> None:
        assert (cwd / "local_sagemaker").is_dir()
        assert env["AWS_REGION"] == "us-east-1"
        assert not (folder / "claim").exists()
        self.started.append(argv)
        if self.slow:
            return
        alive: dict[str, object] = {"pid": os.getpid(), "start_time": shim.start_time(os.getpid())}
        shim.write_json(str(folder / "claim"), alive)
        shim.write_json(str(folder / "process.json"), alive)
        (folder / "log").touch()

    @staticmethod
    def end(folder: Path, returncode: int, ended_at: float = 1.0) -> None:
        shim.write_json(str(folder / "exit.json"), {"returncode": returncode, "ended_at": ended_at})

    @staticmethod
    def lose(folder: Path) -> None:
        shim.write_json(str(folder / "claim"), {"pid": 2**22 + 1, "start_time": 1})
        (folder / "process.json").unlink()


class Place:
    """A state folder with a job, and a server's reconciler over it."""

    def __init__(self, state_dir: Path) -> None:
        self.settings = Settings(state_dir=state_dir, opt_ml="moved")
        self.database = Database(self.settings.database_path)
        self.out = state_dir / "out"
        self.root = self.settings.jobs_dir / NAME
        self.folder = self.root / "evaluation"
        self.woken = threading.Event()
        self.background = Background(self.woken.set)
        self.restart()

    def restart(self) -> None:
        """As a server does that was killed."""
        tidying = Tidying(self.settings, self.database, self.background)
        objects = Objects("http://127.0.0.1:9", self.settings.buckets_dir, patience_seconds=0.0)
        self.reconciler = EvaluationReconciler(self.settings, self.database, self.background, objects, tidying)

    def create(self, **members: Any) -> None:
        names = members.pop("rules", ["Overfit"])
        request = {
            "OutputDataConfig": {"S3OutputPath": f"file://{self.out}"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "HyperParameters": {"lr": "0.1", "sagemaker_program": '"train.py"'},
            "DebugHookConfig": {"S3OutputPath": f"file://{self.out}/debug/"},
            "DebugRuleConfigurations": [
                {"RuleConfigurationName": name, "RuleParameters": {"rule_to_invoke": name}} for name in names
            ],
            **members,
        }
        name = members.get("TrainingJobName", NAME)
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
        job = training_jobs.new_training_job(name, arn, "us-east-1", request=request, now=1.0)
        training_jobs.insert(self.database, job)
        rule_evaluations.begin(self.database, job, 1.0)

    @property
    def job(self) -> TrainingJob:
        job = training_jobs.get(self.database, NAME)
        assert job is not None
        return job

    def update(self, **changes: Any) -> None:
        training_jobs.update(self.database, self.job, 2.0, **changes)

    def run_script(self) -> None:
        """The job's script begins."""
        self.update(phase="Training", secondary_status="Training")
        (self.root / "ml").mkdir(parents=True, exist_ok=True)
        shim.write_json(str(self.root / "process.json"), {})

    def end_job(self, status: str = "Completed", at: float | None = None) -> None:
        ended_at = 9e9 if at is None else at
        self.update(phase="Ended", status=status, secondary_status=status, ended_at=ended_at)

    def answer(self, *rules: tuple[str, str, str], stop: bool = False) -> None:
        """What an evaluator writes."""
        found = [
            {
                "name": name,
                "rule": name,
                "status": status,
                "details": details,
                "modified_at": 3.0,
                "stop_training": stop,
            }
            for name, status, details in rules
        ]
        shim.write_json(str(self.folder / "statuses.json"), {"debug": found, "profiler": []})

    def reconcile(self, until: Callable[[], object] | None = None) -> None:
        """Some rounds, or as many as it takes."""
        if until is None:
            for _ in range(5):
                self.reconciler.reconcile()
            return

        def looked() -> object:
            self.reconciler.reconcile()
            return until()

        wait_for(looked, "state that was waited for", 10)

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "evaluation.json").read_text())
        return found

    @property
    def phase(self) -> str:
        found = evaluations.get(self.database, NAME)
        assert found is not None
        return found.phase

    def rules(self) -> dict[str, tuple[str, str]]:
        return {row.name: (row.status, row.details) for row in rule_evaluations.of_job(self.database, NAME)}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.background.close()
    place.database.connection.close()


@pytest.fixture
def evaluators(monkeypatch: pytest.MonkeyPatch) -> Evaluators:
    return Evaluators(monkeypatch)


def test_from_the_scripts_start_to_the_upload_of_what_rules_wrote(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.reconcile()
    assert evaluators.started == []
    place.run_script()
    place.reconcile()
    [argv] = evaluators.started
    assert argv[:3] == ["nice", "-n", "10"]
    assert argv[-3:] == ["-m", "local_sagemaker.runtime.evaluation", str(place.folder)]
    told = place.told
    assert told["job"]["status"] == "InProgress"
    assert told["job"]["hyperparameters"] == {"lr": "0.1"}
    assert (told["job"]["instance_type"], told["job"]["instance_count"]) == ("ml.m5.large", 1)
    assert told["tensors"] == [str(place.root / "ml/output/tensors")]
    assert told["profiles"] == [str(place.root / "profiler"), str(place.root / "ml/output/profiler")]
    assert [rule["RuleConfigurationName"] for rule in told["debug_rules"]] == ["Overfit"]
    assert told["buckets_dir"] == str(place.settings.buckets_dir)
    place.answer(("Overfit", "InProgress", "7 steps were judged"))
    place.reconcile()
    assert place.rules() == {"Overfit": ("InProgress", "7 steps were judged")}
    place.end_job()
    place.reconcile()
    assert (place.told["job"]["status"], place.told["job"]["ended_at"]) == ("Completed", 9e9)
    assert (place.root / "ml").exists()  # the evaluator reads there
    report = place.folder / "rule-output/Overfit/profiler-output/report.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>")
    report.with_suffix(".tmp").touch()
    place.answer(("Overfit", "NoIssuesFound", ""))
    evaluators.end(place.folder, 0)
    place.reconcile(until=lambda: place.phase == "Ended")
    assert place.rules() == {"Overfit": ("NoIssuesFound", "")}
    uploaded = place.out / "debug/toy/rule-output/Overfit/profiler-output"
    assert [path.name for path in uploaded.iterdir()] == ["report.html"]
    wait_for(lambda: not (place.root / "ml").exists(), "tidy folder", 10)
    assert [path.name for path in place.folder.iterdir()] == ["log"]
    assert len(evaluators.started) == 1
    assert place.reconciler.reconcile() is None


def test_a_quick_job_is_judged_after_its_end(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.run_script()
    place.end_job()
    place.reconcile()
    assert len(evaluators.started) == 1
    assert place.told["job"]["ended_at"] == 9e9


def test_a_job_whose_script_never_began(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.end_job("Stopped")
    place.reconcile()
    assert (place.phase, evaluators.started) == ("Ended", [])
    assert place.rules()["Overfit"][0] == "Stopped"


def test_stop_training_stops_the_job_once(place: Place, evaluators: Evaluators) -> None:
    place.create(rules=["Overfit", "VanishingGradient"])
    place.run_script()
    place.reconcile()
    place.answer(("Overfit", "IssuesFound", "at step 3"), ("VanishingGradient", "InProgress", ""), stop=True)
    place.reconcile()
    assert (place.job.status, place.job.phase) == ("Stopping", "Training")
    place.answer(("Overfit", "IssuesFound", "at step 3"), ("VanishingGradient", "IssuesFound", "at 4"), stop=True)
    place.reconcile()
    found = secondary_transitions.all_of(place.database, NAME)
    assert [transition.status for transition in found].count("Stopping") == 1
    assert "the rule Overfit" in found[-1].status_message
    assert place.told["job"]["status"] == "Stopping"
    assert len(evaluators.started) == 1


def test_what_fires_when_the_script_has_ended_stops_nothing(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.run_script()
    place.reconcile()
    place.update(phase="Uploading", secondary_status="Uploading")
    place.answer(("Overfit", "IssuesFound", "at step 3"), stop=True)
    place.reconcile()
    assert place.job.status == "InProgress"
    assert place.rules() == {"Overfit": ("IssuesFound", "at step 3")}
    assert len(evaluators.started) == 1


def test_a_lost_evaluator_is_started_again_then_given_up_with_words(place: Place, evaluators: Evaluators) -> None:
    place.create(rules=["Overfit", "VanishingGradient"])
    place.run_script()
    place.reconcile()
    place.answer(("Overfit", "IssuesFound", "at step 3"), ("VanishingGradient", "InProgress", ""))
    evaluators.lose(place.folder)
    place.reconcile()
    assert len(evaluators.started) == 2
    evaluators.end(place.folder, -9)
    place.reconcile()
    assert len(evaluators.started) == 3
    evaluators.end(place.folder, -9)
    place.reconcile(until=lambda: place.phase == "Ended")
    assert len(evaluators.started) == 3
    assert place.rules()["Overfit"] == ("IssuesFound", "at step 3")
    status, details = place.rules()["VanishingGradient"]
    assert status == "Error"
    assert "-9" in details
    assert str(place.folder / "log") in details
    assert (place.root / "ml").exists()  # the job goes on


def test_an_evaluator_that_takes_its_time_to_show_is_not_counted_as_lost(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.run_script()
    evaluators.slow = True
    for _ in range(20):
        place.reconcile()
    found = evaluations.get(place.database, NAME)
    assert found is not None
    assert (found.phase, found.starts) == ("Evaluating", 1)
    evaluators.slow = False
    place.reconcile()
    started = len(evaluators.started)
    place.reconcile()
    assert len(evaluators.started) == started
    assert place.rules()["Overfit"][0] == "InProgress"


def test_a_server_that_was_killed_adopts_a_running_evaluator(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.run_script()
    place.reconcile()
    place.restart()
    place.reconcile()
    assert len(evaluators.started) == 1
    # Killed between the start and the row that says so.
    found = evaluations.get(place.database, NAME)
    assert found is not None
    evaluations.update(place.database, found, phase="Waiting", starts=0)
    place.restart()
    place.reconcile()
    assert (place.phase, len(evaluators.started)) == ("Evaluating", 1)
    # Killed while the evaluator ended.
    place.end_job()
    place.answer(("Overfit", "NoIssuesFound", ""))
    evaluators.end(place.folder, 0)
    place.restart()
    place.reconcile(until=lambda: place.phase == "Ended")
    assert place.rules() == {"Overfit": ("NoIssuesFound", "")}


def test_an_evaluator_that_hangs_is_killed_and_its_rules_end(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.run_script()
    place.reconcile()
    place.end_job(at=5.0)
    found = evaluations.get(place.database, NAME)
    assert found is not None
    evaluations.update(place.database, found, started_at=5.0)
    place.reconcile()
    assert set(evaluators.signals) == {signal.SIGKILL}
    evaluators.end(place.folder, -9, time.time())
    place.reconcile(until=lambda: place.phase == "Ended")
    status, details = place.rules()["Overfit"]
    assert status == "Error"
    assert "10 minutes" in details
    wait_for(lambda: not (place.root / "ml").exists(), "tidy folder", 10)


def test_the_next_start_of_a_job_is_judged_anew(place: Place, evaluators: Evaluators) -> None:
    place.create(rules=["Overfit", "VanishingGradient"])
    place.run_script()
    place.reconcile()
    place.answer(("Overfit", "IssuesFound", "at step 3"), ("VanishingGradient", "Error", "no gradients were saved"))
    place.reconcile()
    place.update(phase="Starting", secondary_status="Interrupted", attempt=2)
    place.reconcile()
    assert evaluators.signals
    evaluators.end(place.folder, -9)
    place.reconcile()
    assert place.phase == "Waiting"
    assert place.rules() == {"Overfit": ("IssuesFound", "at step 3"), "VanishingGradient": ("InProgress", "")}
    assert [path.name for path in place.folder.iterdir()] == ["log"]
    (place.root / "process.json").unlink()
    place.reconcile()
    assert len(evaluators.started) == 1
    place.run_script()
    place.reconcile()
    assert len(evaluators.started) == 2


def test_output_that_cannot_be_uploaded_is_told_and_stays(place: Place, evaluators: Evaluators) -> None:
    place.create(DebugHookConfig={"S3OutputPath": "s3://no-such-bucket/x"})
    place.run_script()
    place.reconcile()
    report = place.folder / "rule-output/Overfit/report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    place.end_job()
    place.answer(("Overfit", "IssuesFound", "at step 3"))
    evaluators.end(place.folder, 0)
    place.reconcile(until=lambda: place.phase == "Ended")
    status, details = place.rules()["Overfit"]
    assert status == "IssuesFound"
    assert details.startswith("at step 3 What the rule wrote could not be uploaded: s3://no-such-bucket/x")
    assert report.exists()
    wait_for(lambda: not (place.root / "ml").exists(), "tidy folder", 10)


def test_a_deleted_jobs_evaluation_is_gone(place: Place, evaluators: Evaluators) -> None:
    place.create()
    place.run_script()
    place.reconcile()
    place.end_job()
    training_jobs.delete(place.database, NAME)
    shutil.rmtree(place.root)
    place.reconcile()
    place.create()
    place.reconcile()
    assert len(evaluators.started) == 1
    assert not place.root.exists()


def test_evaluators_of_many_quick_jobs_wait_for_each_other_and_not_for_running_jobs(
    place: Place, evaluators: Evaluators
) -> None:
    names = [f"quick-{number:02d}" for number in range(20)]
    for name in names:
        place.create(TrainingJobName=name)
        job = training_jobs.get(place.database, name)
        assert job is not None
        folder = place.settings.jobs_dir / name
        folder.mkdir(parents=True)
        shim.write_json(str(folder / "process.json"), {})
        ended: dict[str, Any] = {
            "phase": "Ended",
            "status": "Completed",
            "secondary_status": "Completed",
            "ended_at": 9e9,
        }
        job = training_jobs.update(place.database, job, 2.0, phase="Training", secondary_status="Training")
        training_jobs.update(place.database, job, 2.0, **ended)
    at_once = place.settings.max_running_jobs + SPARE_EVALUATORS
    place.reconcile()
    assert [Path(argv[-1]).parent.name for argv in evaluators.started] == names[:at_once]
    place.create()
    place.run_script()
    place.restart()  # a server that was killed knows those of the earlier one
    place.reconcile()
    assert len(evaluators.started) == at_once
    evaluators.end(place.settings.jobs_dir / names[0] / "evaluation", 0)
    judged = rule_evaluations.Judgement("Debug", "Overfit", "NoIssuesFound", "", 3.0)
    rule_evaluations.keep(place.database, names[0], [judged])
    place.reconcile()
    assert [Path(argv[-1]) for argv in evaluators.started[at_once:]] == [place.folder]


def test_what_an_earlier_job_of_the_name_uploads_leaves_the_next_ones_evaluator_alone(
    place: Place, evaluators: Evaluators, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(output, "upload_rule_output", lambda *_: {} if go_on.wait(10) else None)
    place.create()
    place.run_script()
    place.reconcile()
    place.end_job()
    place.answer(("Overfit", "NoIssuesFound", ""))
    evaluators.end(place.folder, 0)
    place.reconcile()
    assert place.phase == "Uploading"
    training_jobs.delete(place.database, NAME)
    shutil.rmtree(place.root)
    place.create()
    place.run_script()
    place.reconcile()
    assert (place.phase, len(evaluators.started)) == ("Waiting", 1)
    go_on.set()
    place.reconcile(until=lambda: len(evaluators.started) == 2)
    assert place.told["job"]["ended_at"] is None
    assert (place.folder / "claim").exists()
