"""Rules of training jobs: one evaluator beside each job that has any; observe, decide (evaluation.py), apply.

Not more evaluators run at once than jobs may, and some: many short jobs wait for theirs, running ones first.

The row says how far the evaluation got, the evaluator's folder what is true; so a restart of the server needs no code
of its own. A row changes in the same transaction in which its evaluator is started: DeleteTrainingJob, which writes
too, comes before or after, and a job of the same name never gets an earlier one's evaluator.
"""

import logging
import signal
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.evaluations import evaluation as decisions
from local_sagemaker.engine.evaluations.evaluation import Decision, Observation
from local_sagemaker.engine.evaluations.judgements import judgements, stopping_rules
from local_sagemaker.engine.evaluations.output import RuleOutput
from local_sagemaker.engine.evaluations.request import wanted_request
from local_sagemaker.engine.loop import Background, Wait
from local_sagemaker.engine.training.exit_watch import ExitWatch
from local_sagemaker.engine.training.job import POLL_SECONDS, SOON_SECONDS
from local_sagemaker.engine.training.job_spec import JobSpecs
from local_sagemaker.engine.training.tidying import Tidying
from local_sagemaker.runtime import process
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.evaluation_folder import EvaluationFolder
from local_sagemaker.settings import Settings
from local_sagemaker.store import evaluations as store
from local_sagemaker.store import rule_evaluations, training_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.evaluations import Evaluation
from local_sagemaker.store.rows import StaleRow
from local_sagemaker.store.training_jobs import TrainingJob

logger = logging.getLogger(__name__)

SPARE_EVALUATORS = 2  # at once, beside one a running job: for jobs that have ended


class EvaluationReconciler:
    """Has the rules of every job evaluated, from its script's start to some time after its end."""

    def __init__(
        self, settings: Settings, database: Database, background: Background, objects: Objects, tidying: Tidying
    ) -> None:
        self._settings = settings
        self._database = database
        self._endpoint_url = objects.endpoint_url
        self._output = RuleOutput(background, objects)
        self._tidying = tidying
        self._watch = ExitWatch(background.wake)
        self._specs = JobSpecs(settings)
        self._read_at: dict[int, int] = {}  # when the statuses that were kept were written, by evaluation
        self._free = 0  # evaluators that may be started now

    def reconcile(self) -> float | None:
        """Do what is due for every evaluation; answers when to look again."""
        due = store.due(self._database)
        self._read_at = {row.id: self._read_at[row.id] for row in due if row.id in self._read_at}
        self._output.keep_only({row.id for row in due})
        self._free = self._settings.max_running_jobs + SPARE_EVALUATORS
        self._free -= sum(row.phase == "Evaluating" for row in due)
        delays = [self._look(row) for row in due if row.phase != "Waiting" or self._free > 0]
        return min((delay for delay in delays if delay is not None), default=None)

    def _look(self, row: Evaluation) -> float | None:
        try:
            job = training_jobs.get(self._database, row.job_name)
            return None if job is None else self._advance(row, job)
        except StaleRow:  # an operation changed or deleted it meanwhile; look again at once
            return 0.0
        except Exception:
            # A fault in one evaluation must not hold up the others; it is tried again, and logged each time.
            logger.exception("evaluation of training job %s", row.job_name)
            return 1.0

    def _advance(self, row: Evaluation, job: TrainingJob) -> float | None:
        folder = EvaluationFolder(self._specs.of(job))
        state = process.observe(folder.root)
        if isinstance(state, process.Running) and state.shim_pid:
            self._watch.watch(state.shim_pid)
        if row.phase == "Evaluating" and row.attempt == job.attempt:
            self._keep_statuses(row, job, folder)
            self._output.keep_in_step(row.id, folder)
        observation = self._observe(row, job, folder, state)
        decision = decisions.decide(observation)
        if isinstance(decision, Wait):
            return decision.seconds
        self._apply(row, job, folder, observation, decision)
        match decision:
            case decisions.Start() | decisions.Spawn():
                return SOON_SECONDS
            case decisions.StartUpload() | decisions.Kill():
                return POLL_SECONDS
        return 0.0

    def _observe(
        self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder, state: process.ProcessState
    ) -> Observation:
        upload, error = self._output.state(job.name)
        rules = rule_evaluations.of_job(self._database, job.name)
        hosts = folder.spec.all_hosts()
        running = row.phase == "Evaluating" and isinstance(state, process.Running)
        return Observation(
            phase=row.phase,
            now=clock.now(),
            job_phase=job.phase,
            job_ended_at=job.ended_at,
            next_attempt=row.attempt != job.attempt,
            script_began=any((host.folder.root / "process.json").exists() for host in hosts),
            process=state,
            starts=row.starts,
            started_at=row.started_at,
            all_judged=all(rule.status != "InProgress" for rule in rules),
            told=not running or folder.is_told(self._request(folder, job)),
            upload=upload,
            upload_error=error,
            log=str(folder.log),
        )

    def _request(self, folder: EvaluationFolder, job: TrainingJob) -> dict[str, Any]:
        return wanted_request(folder.spec, job, self._endpoint_url, self._settings.buckets_dir)

    def _apply(
        self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder, observation: Observation, decision: Decision
    ) -> None:
        match decision:
            case decisions.Start():
                self._start(row, job, folder, phase="Evaluating", starts=row.starts + 1, started_at=observation.now)
            case decisions.Spawn():
                self._start(row, job, folder, phase="Evaluating")
            case decisions.Tell():
                folder.tell(self._request(folder, job))
            case decisions.Kill():
                if isinstance(observation.process, process.Running):
                    process.send_signal(observation.process, signal.SIGKILL)
            case decisions.Renew():
                self._renew(row, job, folder, observation.now)
            case decisions.StartUpload():
                self._output.start(row.id, folder)
            case _:
                self._go_on(row, job, folder, decision, observation.now)

    def _go_on(
        self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder, decision: Decision, now: float
    ) -> None:
        """Enter another phase; at the last one's beginning the job's folder may be tidied."""
        match decision:
            case decisions.EndRules(status=status, details=details, phase=phase):
                with self._database.transaction():
                    row = store.update(self._database, row, phase=phase)
                    rule_evaluations.end_open(self._database, job.name, status, details, now)
            case decisions.Enter(phase=phase):
                row = store.update(self._database, row, phase=phase)
            case decisions.SayNotUploaded(error=error):
                row = self._say_not_uploaded(row, job, folder, error)
        if row.phase == "Ended":
            self._tidying.tidy(job)

    def _start(self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder, **changes: Any) -> None:
        request = self._request(folder, job)
        with self._database.transaction():
            store.update(self._database, row, **changes)
            self._free -= row.phase == "Waiting"
            folder.start(request, self._endpoint_url, self._settings.state_dir.resolve() / "cache")

    def _renew(self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder, now: float) -> None:
        with self._database.transaction():
            store.update(self._database, row, phase="Waiting", attempt=job.attempt, starts=0, started_at=None)
            rule_evaluations.reopen(self._database, job.name, now)
            folder.clear()

    def _keep_statuses(self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder) -> None:
        written_at = folder.statuses_changed_at()
        if written_at is None or written_at == self._read_at.get(row.id):
            return
        statuses = folder.statuses()
        rule_evaluations.keep(self._database, job.name, judgements(statuses))
        if (names := stopping_rules(statuses)) and job.status == "InProgress" and job.phase == "Training":
            message = f"Stopping the training job: the rule {names[0]} found an issue, and its action is StopTraining"
            training_jobs.request_stop(self._database, job, clock.now(), message)
        self._read_at[row.id] = written_at

    def _say_not_uploaded(self, row: Evaluation, job: TrainingJob, folder: EvaluationFolder, error: str) -> Evaluation:
        words = f"What the rule wrote could not be uploaded: {error[:300]}. It is still in {folder.rule_output}"
        names = folder.rules_with_output()
        found = [
            rule_evaluations.Judgement(
                rule.kind, rule.name, rule.status, f"{rule.details} {words}".strip(), rule.modified_at
            )
            for rule in rule_evaluations.of_job(self._database, job.name)
            if rule.name in names
        ]
        with self._database.transaction():
            row = store.update(self._database, row, phase="Ended")
            rule_evaluations.keep(self._database, job.name, found)
        folder.tidy(keep_output=True)
        return row
