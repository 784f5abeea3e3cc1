"""Training jobs: observe each active one, decide (job.py), apply.

The row says what is wanted and how far the job got, its folders what is true; so a restart needs no code of its own.
Order matters in three places: the row enters Training before the script is spawned; a signal's row is written before
the signal is sent; the logs' metrics are read to the end before the row enters Uploading.
"""

import functools
import logging
import signal
from typing import Any

from diagnostics.instances import instance_type
from local_sagemaker import clock
from local_sagemaker.engine.loop import Background, Wait
from local_sagemaker.engine.training import decisions
from local_sagemaker.engine.training import job as rules
from local_sagemaker.engine.training.deadlines import deadlines
from local_sagemaker.engine.training.decisions import Decision
from local_sagemaker.engine.training.exit_watch import ExitWatch
from local_sagemaker.engine.training.job import Observation
from local_sagemaker.engine.training.job_spec import JobSpecs
from local_sagemaker.engine.training.metrics import keep_metrics
from local_sagemaker.engine.training.script_failure import explained
from local_sagemaker.engine.training.steps import TrainingSteps
from local_sagemaker.engine.training.tidying import Tidying
from local_sagemaker.engine.training.warm_pools import WarmPools
from local_sagemaker.engine.training.warm_starts import WarmStarts
from local_sagemaker.runtime import compute_share, process
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.process import Command
from local_sagemaker.runtime.sampling.process import ensure_sampling
from local_sagemaker.runtime.training import process as training_process
from local_sagemaker.runtime.training.configuration import rewrite_profiler_config
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store import training_queue, tuning_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.rows import StaleRow
from local_sagemaker.store.training_jobs import TrainingJob

logger = logging.getLogger(__name__)

STATUS_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Pending": "Training job waiting for capacity",
    "Downloading": "Downloading the training image",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Interrupted": "The spot instances of the training job were interrupted",
    "Restarting": "The training process was lost; the training job is started again",
}
# Both SDKs' launchers let every job's hosts meet at port 7777.
ONE_AT_A_TIME = "Training job waiting for the end of another one with several hosts, whose launcher has the same port"


class TrainingJobReconciler:
    """Runs the training jobs, at most `settings.max_running_jobs` at once."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        background: Background,
        objects: Objects,
        tidying: Tidying,
        *,
        warm_starts: WarmStarts,
    ) -> None:
        self._settings = settings
        self._warm_pools = WarmPools(database)
        self._warm_starts = warm_starts
        self._database = database
        self._endpoint_url = objects.endpoint_url
        self._specs = JobSpecs(settings)
        self._tidying = tidying
        self._steps = TrainingSteps(settings, background, objects, tidying)
        self._watch = ExitWatch(background.wake)
        self._signalled: set[str] = set()
        self._several_hosts = False  # a job of several hosts runs
        self._tidied = False

    def reconcile(self) -> float | None:
        """Do what is due for every active job; answers when to look again."""
        if not self._tidied:
            self._tidied = True
            self._tidying.tidy_ended()
        running = training_queue.running(self._database)
        delays = [self._warm_pools.reconcile()]
        delays += [self._look(job, slot_free=False)[1] for job in running]
        delays += self._start_waiting(running)
        return min((delay for delay in delays if delay is not None), default=None)

    def _start_waiting(self, running: list[TrainingJob]) -> list[float | None]:
        """Give the free slots to the oldest of those that wait; one of several hosts only while no other one runs."""
        free = self._settings.max_running_jobs - len(running)
        self._several_hosts = any(job.host_count > 1 for job in running)
        delays: list[float | None] = []
        now = clock.now()
        for job in training_queue.waiting(
            self._database, now, free=max(0, free), several_hosts=not self._several_hosts
        ):
            blocked = self._several_hosts and job.host_count > 1
            entered, delay = self._look(job, slot_free=free > 0 and not blocked)
            if entered:
                free -= 1
                self._several_hosts = self._several_hosts or job.host_count > 1
            elif free > 0 and blocked:
                delay = 0.0 if delay is None else delay  # the slot may be another one's
            delays.append(delay)
        wait_until = training_queue.next_wait_until(self._database)
        return [*delays, None if wait_until is None else max(0.0, wait_until - now)]

    def _look(self, job: TrainingJob, *, slot_free: bool) -> tuple[bool, float | None]:
        """Take the job as far as it goes now. Answers whether it took a slot, and when to look again."""
        try:
            return self._advance(job, slot_free=slot_free)
        except StaleRow:  # an operation changed it meanwhile; look again at once
            return False, 0.0
        except Exception:
            # A fault in one job must not hold up the others; it is tried again, and logged each time.
            logger.exception("training job %s", job.name)
            return False, 1.0

    def _advance(self, job: TrainingJob, *, slot_free: bool) -> tuple[bool, float | None]:
        started_in = job.phase
        while True:
            if job.phase == "Training":
                job = keep_metrics(self._database, job, self._spec(job).all_hosts())
            observation = self._observe(job, slot_free=slot_free)
            decision = rules.decide(observation)
            if isinstance(decision, Wait):
                if job.phase == "Training":
                    self._look_after(self._spec(job))
                return started_in == "Starting" and job.phase != "Starting", decision.seconds
            job = self._apply(job, observation, decision)
            if job.phase == "Ended" or isinstance(decision, decisions.Restart):
                # A slot is free and a tuning job may go on: another round, at once.
                return False, 0.0
            match decision:
                case decisions.StartStep():
                    return started_in == "Starting", None
                case decisions.Spawn():
                    return False, rules.SOON_SECONDS
                case decisions.Terminate() | decisions.Kill() | decisions.GiveUpStart():
                    return False, rules.POLL_SECONDS

    def _look_after(self, spec: TrainingSpec) -> None:
        """What goes on beside a running script."""
        for host in spec.all_hosts():
            ensure_sampling(host)
        self._steps.keep_in_step(spec)

    def _observe(self, job: TrainingJob, *, slot_free: bool) -> Observation:
        step, error = self._steps.state(job.phase, job.name)
        spawned = job.phase in {"Training", "Uploading"}
        hosts = self._spec(job).all_hosts()
        processes = tuple(process.observe(host.folder.root) if spawned else process.NotStarted() for host in hosts)
        for state in processes:
            if isinstance(state, process.Running) and state.shim_pid:
                self._watch.watch(state.shim_pid)
        retries = (job.request.get("RetryStrategy") or {}).get("MaximumRetryAttempts", 0)
        return Observation(
            phase=job.phase,
            stopping=job.status == "Stopping",
            now=clock.now(),
            slot_free=slot_free,
            pending=job.secondary_status == "Pending",
            deadlines=deadlines(job),
            step=step,
            step_error=error,
            processes=processes,
            interruption=bool(job.interruption),
            retries_left=retries - job.retries,
            terminated_at=job.terminated_at,
            termination=job.termination,
            signalled=job.name in self._signalled,
            stop_grace_seconds=self._settings.stop_grace_seconds,
        )

    def _apply(self, job: TrainingJob, observation: Observation, decision: Decision) -> TrainingJob:
        """Do it; answers the job as it is then."""
        now = observation.now
        match decision:
            case decisions.SayPending():
                job = self._say_pending(job, now)
            case decisions.Enter(phase=phase):
                job = self._enter(job, phase, now)
            case decisions.StartStep():
                self._start_step(job, observation)
            case decisions.Spawn():
                self._spawn(job)
            case decisions.Terminate(termination=termination):
                job = self._terminate(job, observation, termination)
            case decisions.Kill():
                self._signal(observation, signal.SIGKILL)
            case decisions.GiveUpStart():
                job = self._give_up_start(job, now)
            case decisions.Restart(secondary_status=secondary_status):
                job = self._restart(job, now, secondary_status)
            case decisions.End():
                job = self._end(job, now, explained(self._spec(job), observation, decision))
        return job

    def _say_pending(self, job: TrainingJob, now: float) -> TrainingJob:
        message = ONE_AT_A_TIME if job.host_count > 1 and self._several_hosts else STATUS_MESSAGES["Pending"]
        return store.update(self._database, job, now, secondary_status="Pending", status_message=message)

    def _give_up_start(self, job: TrainingJob, now: float) -> TrainingJob:
        prevented = [process.prevent(host.folder.root) for host in self._spec(job).all_hosts()]
        return self._end(job, now, decisions.STOPPED) if all(prevented) else job

    def _enter(self, job: TrainingJob, phase: str, now: float) -> TrainingJob:
        changes: dict[str, Any] = {"phase": phase, "secondary_status": phase, "status_message": STATUS_MESSAGES[phase]}
        if job.status == "Stopping" and phase != "Uploading":
            changes |= {"secondary_status": "Stopping", "status_message": None}
        elif job.termination == "Interrupted" and phase == "Uploading":
            changes |= {"secondary_status": "Interrupted", "status_message": STATUS_MESSAGES["Interrupted"]}
        if phase == "Downloading":
            training_process.clear(self._spec(job))
            changes["started_at"] = job.started_at or now
            if job.paused_at is not None:
                changes |= {"paused_at": None, "paused_seconds": job.paused_seconds + now - job.paused_at}
        if phase == "Uploading":
            job = keep_metrics(self._database, job, self._spec(job).all_hosts(), to_end=True)
        with self._database.transaction():
            entered = store.update(self._database, job, now, **changes)
            if phase == "Downloading":
                self._warm_pools.begin(entered, now)
            if phase == "Training":
                self._rewrite_profiler_config(entered)
        return entered

    def _rewrite_profiler_config(self, job: TrainingJob) -> None:
        """As the row has it: UpdateTrainingJob may have come while the input was prepared by an earlier one."""
        if profiler := job.request.get("ProfilerConfig"):
            for host in self._spec(job).all_hosts():
                rewrite_profiler_config(host.folder, profiler)

    def _start_step(self, job: TrainingJob, observation: Observation) -> None:
        spec = self._spec(job)
        if job.phase == "Downloading":
            self._steps.prepare(spec)
        elif rules.restart(observation) is not None:
            self._steps.upload_checkpoints(spec)
        else:
            self._steps.upload(spec, rules.outcome(observation).status)

    def _restart(self, job: TrainingJob, now: float, secondary_status: str) -> TrainingJob:
        self._signalled.discard(job.name)
        self._steps.forget(job.name)
        message = None if job.secondary_status == secondary_status else STATUS_MESSAGES[secondary_status]
        job = store.restart(self._database, job, now, secondary_status=secondary_status, message=message)
        message = STATUS_MESSAGES["Starting"]
        return store.update(self._database, job, now, secondary_status="Starting", status_message=message)

    def _spawn(self, job: TrainingJob) -> None:
        spec = self._spec(job)
        at_once = self._jobs_at_once(job) * len(spec.hosts)
        self._settings.job_cache_dir.mkdir(parents=True, exist_ok=True)
        for host in spec.all_hosts():
            self._warm_starts.start(job, host, functools.partial(self._command, host, at_once))

    def _command(self, host: TrainingSpec, at_once: int) -> Command:
        share = self._share(host, at_once)
        return training_process.command_of(host, share, self._endpoint_url, self._settings.job_cache_dir)

    def _share(self, host: TrainingSpec, at_once: int) -> compute_share.ComputeShare:
        return compute_share.compute_share(
            instance_type(host.instance_type),
            at_once,
            cores=compute_share.host_cores(),
            gpus=compute_share.host_gpus(),
        )

    def _jobs_at_once(self, job: TrainingJob) -> int:
        """How many jobs this one shares the machine with, itself included: those here now, and its tuning job's."""
        expected = training_queue.count_active(self._database)
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
        for state in observation.processes:
            if isinstance(state, process.Running):
                process.send_signal(state, signum)

    def _end(self, job: TrainingJob, now: float, end: decisions.End) -> TrainingJob:
        with self._database.transaction():
            ended = store.update(
                self._database,
                job,
                now,
                phase="Ended",
                status=end.status,
                secondary_status=end.secondary_status,
                status_message=end.status_message,
                failure_reason=end.failure_reason,
                ended_at=now,
            )
            self._warm_pools.end(ended, now)
        self._warm_starts.ended(ended, self._spec(ended).folder.root)
        self._signalled.discard(job.name)
        self._steps.forget(job.name)
        self._tidying.tidy(ended)
        return ended

    def _spec(self, job: TrainingJob) -> TrainingSpec:
        return self._specs.of(job)
