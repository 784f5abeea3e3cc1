"""The training jobs of a tuning job as they are read from the tables."""

from pathlib import Path

from local_sagemaker.store import training_jobs, tuning_children, tuning_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.job_metrics import Metric
from local_sagemaker.store.tuning_children import Objectives

LOSS = Objectives(["loss"], lambda _: "loss")
IN_TURNS = Objectives(["auc", "loss"], lambda number: "loss" if number % 2 else "auc")


def filled(tmp_path: Path) -> Database:
    """Three training jobs, the second of them ended; each with two values of loss and one of auc, the last one nan."""
    database = Database(tmp_path / "db")
    for tuning_job in ("t", "other"):
        row = tuning_jobs.new_tuning_job(tuning_job, f"arn:{tuning_job}", "r", request={}, seed=5, now=1.0)
        tuning_jobs.insert(database, row)
        for number in (1, 2, 3):
            job = training_jobs.new_training_job(
                f"{tuning_job}-{number}",
                f"arn:{tuning_job}-{number}",
                "r",
                request={"Big": "x" * 10_000},
                now=float(number),
                tuning_job_name=tuning_job,
                tuning_number=number,
                tuned={"lr": f"0.{number}"},
            )
            training_jobs.insert(database, job)
            values = [Metric("loss", 1.0, number + 0.5), Metric("auc", 1.0, None), Metric("loss", 2.0, float(number))]
            job = training_jobs.update(database, job, 4.0, metrics=values, phase="Training", started_at=3.0)
            if number == 2:
                training_jobs.update(
                    database, job, 5.0, phase="Ended", status="Completed", secondary_status="Completed", ended_at=5.0
                )
    return database


def test_children_come_with_their_objective(tmp_path: Path) -> None:
    database = filled(tmp_path)
    children = tuning_children.children(database, "t", LOSS)
    assert [(child.name, child.number, child.status, child.objective) for child in children] == [
        ("t-1", 1, "InProgress", 1.0),
        ("t-2", 2, "Completed", 2.0),
        ("t-3", 3, "InProgress", 3.0),
    ]
    assert children[1].values == {"lr": "0.2"}
    assert (children[1].created_at, children[1].started_at, children[1].ended_at) == (2.0, 3.0, 5.0)
    assert [child.number for child in tuning_children.active(database, "t", LOSS)] == [1, 3]
    assert [child.number for child in tuning_children.numbered(database, "t", {2, 3, 9}, LOSS)] == [2, 3]
    assert tuning_children.last_number(database, "t") == 3
    assert tuning_children.last_number(database, "nobody") == 0


def test_each_child_has_the_objective_of_its_definition(tmp_path: Path) -> None:
    children = tuning_children.children(filled(tmp_path), "t", IN_TURNS)
    assert [child.objective for child in children] == [1.0, None, 3.0]  # the second one's auc is nan


def test_values_are_read_on_from_where_the_last_look_ended(tmp_path: Path) -> None:
    database = filled(tmp_path)
    values = tuning_children.values_after(database, "t-1", "loss", 0)
    assert [value for _, value in values] == [1.5, 1.0]
    assert tuning_children.values_after(database, "t-1", "loss", values[0][0]) == values[1:]
    assert tuning_children.values_after(database, "t-1", "loss", values[1][0]) == []
    assert [value for _, value in tuning_children.values_after(database, "t-1", "auc", 0)] == [None]
