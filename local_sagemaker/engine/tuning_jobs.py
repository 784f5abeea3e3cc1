"""Tuning jobs: observe each active one and its training jobs, decide (tuning_job.py), apply.

A tuning job does nothing but add rows of training jobs and stop them; running those is the training jobs' matter.
"""

import logging
import time

from local_sagemaker.engine import tuning_job as decisions
from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.search import Trial, suggest
from local_sagemaker.engine.tuning_job import Child, Observation
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store import tags, training_jobs
from local_sagemaker.store import tuning_jobs as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.rows import StaleRow
from local_sagemaker.store.training_jobs import TrainingJob
from local_sagemaker.store.tuning_jobs import TuningJob

logger = logging.getLogger(__name__)


class TuningJobReconciler:
    """Keeps each tuning job's training jobs coming until there were enough."""

    def __init__(self, settings: Settings, database: Database, background: Background, objects: Objects) -> None:  # noqa: ARG002 - every reconciler is made alike
        self._settings = settings
        self._database = database

    def reconcile(self) -> float | None:
        """Do what is due for every active tuning job; answers when to look again."""
        delays: list[float] = []
        for job in store.active(self._database):
            try:
                delay = self._advance(job)
            except StaleRow:
                delay = 0.0
            except Exception:
                # A fault in one tuning job must not hold up the others; it is tried again, and logged each time.
                logger.exception("tuning job %s", job.name)
                delay = 1.0
            if delay is not None:
                delays.append(delay)
        return min(delays, default=None)

    def _advance(self, job: TuningJob) -> float | None:
        while True:
            children = training_jobs.of_tuning_job(self._database, job.name)
            decision = decisions.decide(self._observe(job, children))
            now = time.time()
            match decision:
                case decisions.Wait(seconds=seconds):
                    return seconds
                case decisions.StartTrainingJob(number=number):
                    self._start(job, children, number, now)
                case decisions.StopAll():
                    job = store.update(self._database, job, now, status="Stopping")
                case decisions.StopTrainingJobs(names=names):
                    for child in children:
                        if child.name in names:
                            training_jobs.request_stop(self._database, child, now)
                case decisions.End(status=status, failure_reason=reason):
                    store.update(self._database, job, now, status=status, failure_reason=reason, ended_at=now)
                    return None

    def _observe(self, job: TuningJob, children: list[TrainingJob]) -> Observation:
        limits = job.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
        max_runtime = limits.get("MaxRuntimeInSeconds")
        return Observation(
            stopping=job.status == "Stopping",
            max_jobs=limits["MaxNumberOfTrainingJobs"],
            max_parallel=limits["MaxParallelTrainingJobs"],
            children=[child_of(self._database, job, child) for child in children],
            now=time.time(),
            deadline=None if max_runtime is None else job.created_at + max_runtime,
        )

    def _start(self, job: TuningJob, children: list[TrainingJob], number: int, now: float) -> None:
        config = job.request["HyperParameterTuningJobConfig"]
        history = [(row, child_of(self._database, job, row)) for row in children]
        tuned = suggest(
            config["ParameterRanges"],
            [
                Trial(
                    row.tuned or {},
                    child.objective if decisions.objective_status(child) == "Succeeded" else None,
                    child.status in decisions.ENDED,
                )
                for row, child in history
            ],
            strategy=config["Strategy"],
            maximize=config["HyperParameterTuningJobObjective"]["Type"] == "Maximize",
            seed=job.seed,
        )
        name = decisions.child_name(job.name, number, job.created_at)
        prefix = job.arn.partition("hyper-parameter-tuning-job/")[0]
        child_job = training_jobs.new_training_job(
            name,
            f"{prefix}training-job/{name.lower()}",
            job.region,
            request=decisions.child_request(job.request, name, tuned),
            now=now,
            tuning_job_name=job.name,
            tuning_number=number,
            tuned=tuned,
        )
        with self._database.transaction():
            training_jobs.insert(self._database, child_job)
            tags.put_tags(self._database, child_job.arn, tags.tags_of(self._database, job.arn))


def child_of(database: Database, job: TuningJob, row: TrainingJob) -> Child:
    """A training job as its tuning job sees it."""
    metric = job.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    finals = {final.name: final.value for final in training_jobs.final_metrics(database, row.name)}
    return Child(row.name, row.tuning_number or 0, row.status, finals.get(metric), row.ended_at)
