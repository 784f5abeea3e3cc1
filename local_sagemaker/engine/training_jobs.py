"""Training jobs: observe each active one, decide (training_job.py), apply.

The row says what is wanted and how far the job got, its folder what is true; so a restart needs no code of its own.
Order matters in three places: the row enters Training before the script is spawned; a signal's row is written before
the signal is sent; the log's metrics are read to the end before the row enters Uploading.
"""

import logging
import shutil
import signal
import time
from collections.abc import Sequence
from typing import Any

from diagnostics.instances import instance_type
from local_sagemaker.engine import training_job as decisions
from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training_job import Decision, Observation
from local_sagemaker.engine.training_steps import TrainingSteps
from local_sagemaker.runtime import compute_share, metrics, process, training_environment
from local_sagemaker.runtime.failure import failure_reason
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training_environment import TrainingSpec
from local_sagemaker.runtime.training_folder import TrainingFolder
from local_sagemaker.settings import Settings
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store import tuning_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.rows import StaleRow
from local_sagemaker.store.training_jobs import TrainingJob

logger = logging.getLogger(__name__)

DEFAULT_MAX_RUNTIME_SECONDS = 86_400
# Results that could not be uploaded stay in the job's folder.
NOT_UPLOADED = ("ClientError: Artifact upload failed", "InternalServerError: Artifact upload failed")

STATUS_MESSAGES = {
    "Pending": "Training job waiting for capacity",
    "Downloading": "Downloading the training image",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
}


class TrainingJobReconciler:
    """Runs the training jobs, at most `settings.max_running_jobs` at once."""

    def __init__(self, settings: Settings, database: Database, background: Background, objects: Objects) -> None:
        self._settings = settings
        self._database = database
        self._endpoint_url = objects.endpoint_url
        self._steps = TrainingSteps(settings, background, objects)
        self._signalled: set[str] = set()
        self._tidied = False

    def reconcile(self) -> float | None:
        """Do what is due for every active job; answers when to look again."""
        if not self._tidied:
            self._tidied = True
            self._tidy_ended()
        jobs = store.active(self._database)
        occupied = sum(job.phase != "Starting" for job in jobs)
        delays: list[float] = []
        for job in jobs:
            try:
                entered, delay = self._advance(job, jobs, slot_free=occupied < self._settings.max_running_jobs)
            except StaleRow:  # an operation changed it meanwhile; look again at once
                entered, delay = False, 0.0
            except Exception:
                # A fault in one job must not hold up the others; it is tried again, and logged each time.
                logger.exception("training job %s", job.name)
                entered, delay = False, 1.0
            occupied += entered
            if delay is not None:
                delays.append(delay)
        return min(delays, default=None)

    def _advance(self, job: TrainingJob, jobs: Sequence[TrainingJob], *, slot_free: bool) -> tuple[bool, float | None]:
        """Take the job as far as it goes now. Answers whether it took a slot, and when to look again."""
        started_in = job.phase
        while True:
            if job.phase == "Training":
                job = self._read_metrics(job)
            observation = self._observe(job, slot_free=slot_free)
            decision = decisions.decide(observation)
            if isinstance(decision, decisions.Wait):
                if job.phase == "Training":
                    self._steps.sync_checkpoints(self._spec(job))
                return started_in == "Starting" and job.phase != "Starting", decision.seconds
            job = self._apply(job, observation, decision, jobs)
            if job.phase == "Ended":
                # A slot is free and a tuning job may go on: another round, at once.
                return False, 0.0
            if isinstance(decision, decisions.Terminate | decisions.Kill | decisions.Spawn | decisions.StartStep):
                delay = None if isinstance(decision, decisions.StartStep) else decisions.POLL_SECONDS
                return started_in == "Starting", delay

    def _observe(self, job: TrainingJob, *, slot_free: bool) -> Observation:
        step, error = self._steps.state(job.phase, job.name)
        spawned = job.phase in {"Training", "Uploading"}
        stopping_condition = job.request.get("StoppingCondition") or {}
        return Observation(
            phase=job.phase,
            stopping=job.status == "Stopping",
            now=time.time(),
            slot_free=slot_free,
            pending=job.secondary_status == "Pending",
            step=step,
            step_error=error,
            process=process.observe(self._folder(job).root) if spawned else process.NotStarted(),
            started_at=job.started_at,
            max_runtime_seconds=stopping_condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS),
            terminated_at=job.terminated_at,
            termination=job.termination,
            signalled=job.name in self._signalled,
            stop_grace_seconds=self._settings.stop_grace_seconds,
        )

    def _apply(
        self, job: TrainingJob, observation: Observation, decision: Decision, jobs: Sequence[TrainingJob]
    ) -> TrainingJob:
        now = observation.now
        match decision:
            case decisions.SayPending():
                return store.update(
                    self._database, job, now, secondary_status="Pending", status_message=STATUS_MESSAGES["Pending"]
                )
            case decisions.Enter(phase=phase):
                return self._enter(job, phase, now)
            case decisions.StartStep():
                self._start_step(job, observation)
            case decisions.Spawn():
                self._spawn(job, jobs)
            case decisions.Terminate(termination=termination):
                job = self._terminate(job, observation, termination)
            case decisions.Kill():
                self._signal(observation, signal.SIGKILL)
            case decisions.GiveUpStart():
                if self._folder(job).claim():
                    return self._end(job, now, decisions.STOPPED)
            case decisions.End():
                return self._end(job, now, self._explained(job, observation, decision))
        return job

    def _enter(self, job: TrainingJob, phase: str, now: float) -> TrainingJob:
        changes: dict[str, Any] = {"phase": phase, "secondary_status": phase, "status_message": STATUS_MESSAGES[phase]}
        if job.status == "Stopping" and phase != "Uploading":
            changes |= {"secondary_status": "Stopping", "status_message": None}
        if phase == "Downloading":
            # Nothing of this job was ever started, so what lies there belongs to a job that an older database knew.
            shutil.rmtree(self._folder(job).root, ignore_errors=True)
            changes["started_at"] = now
        if phase == "Uploading":
            job = self._read_metrics(job, to_end=True)
        return store.update(self._database, job, now, **changes)

    def _start_step(self, job: TrainingJob, observation: Observation) -> None:
        spec = self._spec(job)
        if job.phase == "Downloading":
            self._steps.prepare(spec)
        else:
            self._steps.upload(spec, decisions.outcome(observation).status)

    def _spawn(self, job: TrainingJob, jobs: Sequence[TrainingJob]) -> None:
        spec = self._spec(job)
        share = compute_share.compute_share(
            instance_type(spec.instance_type),
            self._jobs_at_once(job, jobs),
            cores=compute_share.host_cores(),
            gpus=compute_share.host_gpus(),
        )
        process.spawn(
            spec.folder.root,
            training_environment.command(spec),
            cwd=spec.folder.code.resolve(),
            env=training_environment.environment(spec, share, self._endpoint_url),
        )

    def _jobs_at_once(self, job: TrainingJob, jobs: Sequence[TrainingJob]) -> int:
        """How many jobs this one shares the machine with, itself included: those here now, and its tuning job's."""
        expected = len(jobs)
        if job.tuning_job_name is not None:
            tuning_job = tuning_jobs.get(self._database, job.tuning_job_name)
            if tuning_job is not None:
                limits = tuning_job.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
                expected = max(expected, int(limits["MaxParallelTrainingJobs"]))
        return min(expected, self._settings.max_running_jobs)

    def _terminate(self, job: TrainingJob, observation: Observation, termination: str) -> TrainingJob:
        if job.terminated_at is None:
            job = store.update(
                self._database, job, observation.now, termination=termination, terminated_at=observation.now
            )
        self._signalled.add(job.name)
        self._signal(observation, signal.SIGTERM)
        return job

    def _signal(self, observation: Observation, signum: signal.Signals) -> None:
        if isinstance(observation.process, process.Running):
            process.send_signal(observation.process, signum)

    def _explained(self, job: TrainingJob, observation: Observation, end: decisions.End) -> decisions.End:
        if end.status != "Failed" or end.failure_reason is not None:
            return end
        if not isinstance(observation.process, process.Exited):
            return decisions.failed(decisions.LOST)
        spec = self._spec(job)
        argv = training_environment.command(spec)
        return decisions.failed(
            failure_reason(spec.folder.log, spec.folder.failure, argv, observation.process.returncode)
        )

    def _end(self, job: TrainingJob, now: float, end: decisions.End) -> TrainingJob:
        ended = store.update(
            self._database,
            job,
            now,
            phase="Ended",
            status=end.status,
            secondary_status=end.secondary_status,
            status_message=end.status_message,
            failure_reason=end.failure_reason[:1024] if end.failure_reason is not None else None,
            ended_at=now,
        )
        self._signalled.discard(job.name)
        self._steps.forget(job.name)
        if not (end.failure_reason or "").startswith(NOT_UPLOADED):
            self._steps.tidy(job.name, self._folder(job))
        return ended

    def _read_metrics(self, job: TrainingJob, *, to_end: bool = False) -> TrainingJob:
        """Keep the metrics of what the log has gained: a bounded part of it, or all."""
        log = self._folder(job).log
        definitions = job.request["AlgorithmSpecification"].get("MetricDefinitions") or []
        while True:
            found, offset = metrics.read(log, job.log_offset, definitions)
            if offset == job.log_offset:
                return job
            values = [store.Metric(value.name, value.timestamp, value.value) for value in found]
            job = store.add_metrics(self._database, job, offset, values)
            if not to_end:
                return job

    def _tidy_ended(self) -> None:
        """Remove the working files of jobs that ended just before an earlier process did."""
        for ml in self._settings.jobs_dir.glob("*/ml"):
            job = store.get(self._database, ml.parent.name)
            if job is not None and job.phase == "Ended" and job.status != "Failed":
                self._folder(job).tidy()

    def _folder(self, job: TrainingJob) -> TrainingFolder:
        return TrainingFolder(self._settings.jobs_dir.resolve() / job.name)

    def _spec(self, job: TrainingJob) -> TrainingSpec:
        return TrainingSpec(job.name, job.arn, job.region, job.request, self._folder(job))
