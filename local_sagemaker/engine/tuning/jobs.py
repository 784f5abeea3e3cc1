"""Tuning jobs: observe each active one and its training jobs, decide (job.py), apply.

A tuning job does nothing but add rows of training jobs and stop them; running those is the training jobs' matter. What
is remembered between rounds is what cannot change any more: the training jobs that have ended, and parents.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from local_sagemaker import clock
from local_sagemaker.engine.loop import Background, Wait
from local_sagemaker.engine.tuning import definition, warm_start
from local_sagemaker.engine.tuning import job as decisions
from local_sagemaker.engine.tuning.completion import progress
from local_sagemaker.engine.tuning.curves import TuningCurves
from local_sagemaker.engine.tuning.definition import Definition
from local_sagemaker.engine.tuning.job import Observation
from local_sagemaker.engine.tuning.results import ENDED, usable_objective
from local_sagemaker.engine.tuning.search import Trial, suggest
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store import tags, training_jobs, tuning_children
from local_sagemaker.store import tuning_jobs as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.rows import StaleRow
from local_sagemaker.store.tuning_children import Child, Objectives
from local_sagemaker.store.tuning_jobs import TuningJob

logger = logging.getLogger(__name__)


@dataclass
class Known:
    """What this process knows of an active tuning job. All of it can be read again."""

    definitions: list[Definition]
    objectives: Objectives
    curves: TuningCurves
    ended: dict[int, Child] = field(default_factory=dict)
    completed: bool = False  # by a completion criterion
    inherited: dict[str, list[Trial]] = field(default_factory=dict)  # trials of each parent


class TuningJobReconciler:
    """Keeps each tuning job's training jobs coming until there were enough."""

    def __init__(self, settings: Settings, database: Database, background: Background, objects: Objects) -> None:  # noqa: ARG002 - every reconciler is made alike
        self._database = database
        self._known: dict[str, Known] = {}

    def reconcile(self) -> float | None:
        """Do what is due for every active tuning job; answers when to look again."""
        delays: list[float] = []
        for job in store.active(self._database):
            try:
                delay = self._advance(job, self._known.get(job.name) or self._learn(job))
            except StaleRow:
                delay = 0.0
            except Exception:
                # A fault in one tuning job must not hold up the others; it is tried again, and logged each time.
                logger.exception("tuning job %s", job.name)
                delay = 1.0
            if delay is not None:
                delays.append(delay)
        return min(delays, default=None)

    def _learn(self, job: TuningJob) -> Known:
        among = definition.definitions(job.request)
        curves = TuningCurves(self._database, job.request["HyperParameterTuningJobConfig"], among)
        self._known[job.name] = Known(among, definition.objectives(job.request), curves)
        return self._known[job.name]

    def _advance(self, job: TuningJob, known: Known) -> float | None:
        while True:
            observation = self._observe(job, known)
            now = clock.now()
            match decisions.decide(observation):
                case Wait(seconds=seconds):
                    return seconds
                case decisions.StartTrainingJob(number=number):
                    self._start(job, known, observation, number, now)
                case decisions.StopAll():
                    job = store.update(self._database, job, now, status="Stopping")
                case decisions.StopTrainingJobs(names=names):
                    self._stop(names, now)
                case decisions.End(status=status, failure_reason=reason):
                    store.update(self._database, job, now, status=status, failure_reason=reason, ended_at=now)
                    del self._known[job.name]
                    return None

    def _observe(self, job: TuningJob, known: Known) -> Observation:
        config = job.request["HyperParameterTuningJobConfig"]
        limits = config["ResourceLimits"]
        active = tuning_children.active(self._database, job.name, known.objectives)
        started = tuning_children.last_number(self._database, job.name)
        unknown = set(range(1, started + 1)) - known.ended.keys() - {child.number for child in active}
        if unknown:
            found = tuning_children.numbered(self._database, job.name, unknown, known.objectives)
            known.ended.update((child.number, child) for child in found)
            so_far = progress(list(known.ended.values()), config, maximize=known.definitions[0].maximize)
            known.completed = so_far.completed
        ended = list(known.ended.values())
        max_runtime = limits.get("MaxRuntimeInSeconds")
        return Observation(
            stopping=job.status == "Stopping",
            max_jobs=limits["MaxNumberOfTrainingJobs"],
            max_parallel=limits["MaxParallelTrainingJobs"],
            started=started,
            active=active,
            ended=ended,
            now=clock.now(),
            deadline=None if max_runtime is None else job.created_at + max_runtime,
            completed=known.completed,
            underperforming=known.curves.underperforming(active, ended),
        )

    def _stop(self, names: Sequence[str], now: float) -> None:
        for name in names:
            child = training_jobs.get(self._database, name)
            if child is not None and child.status == "InProgress":
                training_jobs.request_stop(self._database, child, now)

    def _start(self, job: TuningJob, known: Known, observation: Observation, number: int, now: float) -> None:
        strategy = job.request["HyperParameterTuningJobConfig"]["Strategy"]
        place = definition.place_of(number, known.definitions, strategy)
        tuned = suggest(
            place.definition.ranges,
            self._trials(job, known, observation, place.definition),
            strategy=strategy,
            maximize=place.definition.maximize,
            seed=job.seed,
            index=number - 1 if strategy != "Grid" else place.index,
        )
        name = definition.child_name(job.name, number, job.created_at)
        prefix = job.arn.partition("hyper-parameter-tuning-job/")[0]
        child_job = training_jobs.new_training_job(
            name,
            f"{prefix}training-job/{name.lower()}",
            job.region,
            request=definition.child_request(place.definition, name, tuned),
            now=now,
            tuning_job_name=job.name,
            tuning_number=number,
            tuned=tuned,
        )
        with self._database.transaction():
            training_jobs.insert(self._database, child_job)
            tags.put_tags(self._database, child_job.arn, tags.tags_of(self._database, job.arn))

    def _trials(self, job: TuningJob, known: Known, observation: Observation, of: Definition) -> list[Trial]:
        strategy = job.request["HyperParameterTuningJobConfig"]["Strategy"]
        own = [
            Trial(child.values, usable_objective(child), child.status in ENDED)
            for child in sorted([*observation.ended, *observation.active], key=lambda child: child.number)
            if definition.place_of(child.number, known.definitions, strategy).definition is of
        ]
        inherited = [self._inherited(known, parent, of) for parent in warm_start.parent_names(job.request)]
        if inherited and not warm_start.is_identical(job.request):
            inherited, own = [warm_start.standardized(trials) for trials in inherited], warm_start.standardized(own)
        return [trial for trials in (*inherited, own) for trial in trials]

    def _inherited(self, known: Known, parent_name: str, of: Definition) -> list[Trial]:
        if parent_name not in known.inherited:
            parent = store.get(self._database, parent_name)
            trials: list[Trial] = []
            if parent is not None:
                children = tuning_children.children(self._database, parent_name, definition.objectives(parent.request))
                static = definition.definitions(parent.request)[0].static
                trials = warm_start.trials_of_parent(children, static, of.ranges)
            known.inherited[parent_name] = trials
        return known.inherited[parent_name]
