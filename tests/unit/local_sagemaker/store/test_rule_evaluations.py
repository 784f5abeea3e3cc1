"""How rules stand, in the database."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.store import evaluations, rule_evaluations, training_jobs
from local_sagemaker.store.database import SCHEMA_DIR, Database
from local_sagemaker.store.rows import StaleRow
from local_sagemaker.store.rule_evaluations import Judgement
from local_sagemaker.store.training_jobs import TrainingJob

ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/"


def rule(name: str, **parameters: str) -> dict[str, Any]:
    return {
        "RuleConfigurationName": name,
        "RuleEvaluatorImage": "image",
        "RuleParameters": {"rule_to_invoke": name, **parameters},
    }


def make_job(name: str = "Dogs", debug: tuple[str, ...] = ("Overfit",), profiler: tuple[str, ...] = ()) -> TrainingJob:
    request = {
        "DebugRuleConfigurations": [rule(name) for name in debug],
        "ProfilerRuleConfigurations": [rule(name) for name in profiler],
    }
    return training_jobs.new_training_job(name, ARN + name.lower(), "us-east-1", request=request, now=1.0)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "db")


def create(database: Database, job: TrainingJob) -> None:
    training_jobs.insert(database, job)
    rule_evaluations.begin(database, job, 1.0)


def statuses(database: Database, name: str = "Dogs") -> dict[str, tuple[str, str]]:
    return {found.name: (found.status, found.details) for found in rule_evaluations.of_job(database, name)}


def judge(database: Database, name: str, status: str, details: str = "", at: float = 2.0) -> None:
    kind: rule_evaluations.Kind = "Profiler" if name == "ProfilerReport" else "Debug"
    rule_evaluations.keep(database, "Dogs", [Judgement(kind, name, status, details, at)])


def test_every_rule_is_in_progress_from_the_creation_on(database: Database) -> None:
    create(database, make_job(debug=("VanishingGradient", "Overfit"), profiler=("ProfilerReport",)))
    found = rule_evaluations.of_job(database, "Dogs")
    assert [(row.kind, row.name, row.status) for row in found] == [
        ("Debug", "VanishingGradient", "InProgress"),
        ("Debug", "Overfit", "InProgress"),
        ("Profiler", "ProfilerReport", "InProgress"),
    ]
    evaluation = evaluations.get(database, "Dogs")
    assert evaluation is not None
    assert (evaluation.phase, evaluation.attempt, evaluation.starts) == ("Waiting", 1, 0)
    assert evaluations.is_open(database, "Dogs")


def test_a_job_without_rules_has_no_evaluation(database: Database) -> None:
    create(database, make_job(debug=()))
    assert evaluations.get(database, "Dogs") is None
    assert evaluations.due(database) == []
    assert not evaluations.is_open(database, "Dogs")


def test_the_evaluation_has_a_processing_jobs_arn(database: Database) -> None:
    name = "a-training-job-whose-name-is-long-2030-01-01"
    create(database, make_job(name, debug=("PoorWeightInitialization",)))
    [found] = rule_evaluations.of_job(database, name)
    assert found.arn is not None
    prefix, _, last = found.arn.rpartition("/")
    assert prefix == "arn:aws:sagemaker:us-east-1:123456789012:processing-job"
    job_part, digest = last[:-9], last[-8:]
    assert job_part == "a-training-job-whose-name-poorweightinitialization".replace("name-", "name--", 1)
    assert len(digest) == 8
    assert int(digest, 16) >= 0


def test_only_jobs_that_have_come_to_their_script_are_due(database: Database) -> None:
    create(database, make_job())
    assert evaluations.due(database) == []
    job = training_jobs.get(database, "Dogs")
    assert job is not None
    job = training_jobs.update(database, job, 2.0, phase="Downloading", secondary_status="Downloading")
    assert evaluations.due(database) == []
    training_jobs.update(database, job, 2.0, phase="Training", secondary_status="Training")
    [due] = evaluations.due(database)
    evaluations.update(database, due, phase="Ended")
    assert evaluations.due(database) == []


def test_what_was_found_stays_found(database: Database) -> None:
    create(database, make_job(debug=("Overfit", "VanishingGradient")))
    judge(database, "Overfit", "IssuesFound", "at step 3", at=2.0)
    judge(database, "Overfit", "InProgress", at=3.0)  # an evaluator that was started again
    judge(database, "VanishingGradient", "NoIssuesFound")
    judge(database, "Unknown", "IssuesFound")
    assert statuses(database) == {"Overfit": ("IssuesFound", "at step 3"), "VanishingGradient": ("NoIssuesFound", "")}
    rule_evaluations.reopen(database, "Dogs", 4.0)
    rule_evaluations.end_open(database, "Dogs", "Stopped", "x" * 2000, 5.0)
    assert statuses(database) == {"Overfit": ("IssuesFound", "at step 3"), "VanishingGradient": ("Stopped", "x" * 1024)}


def test_only_a_change_moves_the_time(database: Database) -> None:
    create(database, make_job())
    judge(database, "Overfit", "InProgress", at=5.0)
    assert [row.modified_at for row in rule_evaluations.of_job(database, "Dogs")] == [1.0]
    judge(database, "Overfit", "InProgress", "20 steps were judged", at=6.0)
    assert [row.modified_at for row in rule_evaluations.of_job(database, "Dogs")] == [6.0]


def test_changed_rules_are_judged_anew_and_others_stay(database: Database) -> None:
    create(database, make_job(profiler=("ProfilerReport", "IOBottleneck")))
    judge(database, "ProfilerReport", "IssuesFound", "old")
    before = training_jobs.get(database, "Dogs")
    assert before is not None
    rules = [rule("CPUBottleneck"), rule("ProfilerReport")]
    after = replace(before, request={**before.request, "ProfilerRuleConfigurations": rules})
    rule_evaluations.change(database, before, after, "Profiler", 3.0)
    assert [(row.number, row.name) for row in rule_evaluations.of_job(database, "Dogs")] == [
        (0, "Overfit"),
        (0, "CPUBottleneck"),
        (1, "ProfilerReport"),
    ]
    assert statuses(database)["ProfilerReport"] == ("IssuesFound", "old")
    rules = [rule("CPUBottleneck"), rule("ProfilerReport", CPUBottleneck_threshold="20")]
    changed = replace(after, request={**after.request, "ProfilerRuleConfigurations": rules})
    rule_evaluations.change(database, after, changed, "Profiler", 4.0)
    assert statuses(database)["ProfilerReport"] == ("InProgress", "")


def test_new_rules_open_an_evaluation_that_was_given_up(database: Database) -> None:
    create(database, make_job())
    before = make_job()
    [row] = database.connection.execute("SELECT * FROM evaluations").fetchall()
    given_up = evaluations.update(database, evaluations.Evaluation(**row), phase="Ended", starts=3)
    after = replace(before, request={"ProfilerRuleConfigurations": [rule("ProfilerReport")]})
    rule_evaluations.change(database, before, after, "Profiler", 3.0)
    evaluation = evaluations.get(database, "Dogs")
    assert evaluation is not None
    assert (evaluation.id, evaluation.phase, evaluation.starts) == (given_up.id, "Waiting", 0)
    with pytest.raises(StaleRow):
        evaluations.update(database, given_up, phase="Uploading")


def test_a_deleted_job_takes_its_rules_along_and_another_of_its_name_has_its_own(database: Database) -> None:
    create(database, make_job())
    first = evaluations.get(database, "Dogs")
    assert first is not None
    training_jobs.delete(database, "Dogs")
    assert rule_evaluations.of_job(database, "Dogs") == []
    create(database, make_job())
    second = evaluations.get(database, "Dogs")
    assert second is not None
    assert second.id != first.id
    with pytest.raises(StaleRow):
        evaluations.update(database, first, phase="Ended")


def test_jobs_of_an_older_version_are_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = tmp_path / "schema"
    older.mkdir()
    for script in sorted(SCHEMA_DIR.glob("*.sql"))[:6]:
        (older / script.name).write_text(script.read_text())
    with monkeypatch.context() as patch:
        patch.setattr("local_sagemaker.store.database.SCHEMA_DIR", older)
        database = Database(tmp_path / "db")
        for job in (make_job("ended", profiler=("ProfilerReport",)), make_job("runs"), make_job("plain", debug=())):
            training_jobs.insert(database, job)
        job = make_job("ended")
        ended: dict[str, Any] = {
            "phase": "Ended",
            "status": "Completed",
            "secondary_status": "Completed",
            "ended_at": 2.0,
        }
        training_jobs.update(database, job, 2.0, **ended)
        database.connection.close()
    database = Database(tmp_path / "db")
    assert {name: status for name, (status, _) in statuses(database, "ended").items()} == {
        "Overfit": "Error",
        "ProfilerReport": "Error",
    }
    assert "evaluated no rules" in statuses(database, "ended")["Overfit"][1]
    assert statuses(database, "runs") == {"Overfit": ("InProgress", "")}
    assert not evaluations.is_open(database, "ended")
    assert evaluations.is_open(database, "runs")
    assert evaluations.get(database, "plain") is None
