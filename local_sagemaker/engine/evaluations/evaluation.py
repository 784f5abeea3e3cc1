"""What to do next with the evaluation of a training job's rules: a pure function of what is true of it now.

Phases go Waiting (for the job's script) -> Evaluating (an evaluator runs beside it) -> Uploading (of rule-output) ->
Ended. A job that is started again goes back to Waiting: its files are cleared, and judged anew.
"""

from dataclasses import dataclass, field

from local_sagemaker.engine.loop import Wait
from local_sagemaker.engine.training.job import POLL_SECONDS, SOON_SECONDS, Step
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, ProcessState, Running
from local_sagemaker.runtime.training.evaluation_folder import LEFT_ALONE

MAX_STARTS = 3  # of the evaluator, over one start of the job
SECONDS_AFTER_JOB = 600.0  # that an evaluator has to finish its rules when the job has ended

NOTHING_SAVED = (
    "The training job ended before its script had begun, so nothing was saved that this rule could judge. Its"
    " FailureReason or its status messages say why"
)


@dataclass(frozen=True)
class Start:
    """Start the evaluator, in a lost one's place if there was one."""


@dataclass(frozen=True)
class Spawn:
    """Start the evaluator again that has not shown yet: it starts at most once however often this is done."""


@dataclass(frozen=True)
class Tell:
    """Write evaluation.json anew: the job has changed, or has ended."""


@dataclass(frozen=True)
class Kill:
    """End the evaluator at once."""


@dataclass(frozen=True)
class Renew:
    """Go back to Waiting for the job's next start."""


@dataclass(frozen=True)
class EndRules:
    """End the rules that are InProgress with this status, and go on to `phase`."""

    status: str
    details: str
    phase: str


@dataclass(frozen=True)
class Enter:
    """Begin the phase Uploading or Ended."""

    phase: str


@dataclass(frozen=True)
class StartUpload:
    """Start the step of Uploading (again, after a crash)."""


@dataclass(frozen=True)
class SayNotUploaded:
    """Tell in the rules' details that rule-output could not be uploaded, and end."""

    error: str


Decision = Wait | Start | Spawn | Tell | Kill | Renew | EndRules | Enter | StartUpload | SayNotUploaded


@dataclass(frozen=True)
class Observation:
    """What is true of an evaluation now. Times are epoch seconds."""

    phase: str
    now: float
    job_phase: str
    job_ended_at: float | None = None
    next_attempt: bool = False  # the job was started again since
    script_began: bool = False
    process: ProcessState = field(default_factory=NotStarted)
    starts: int = 0
    started_at: float | None = None
    all_judged: bool = False  # no rule is InProgress
    told: bool = True  # evaluation.json is as it should be
    upload: Step = Step.NOT_STARTED
    upload_error: str = ""
    log: str = ""  # the path of the evaluator's

    @property
    def is_late(self) -> bool:
        """Whether the evaluator had enough time since the job's end. One that ended earlier had not."""
        if self.job_ended_at is None or isinstance(self.process, Lost):
            return False
        last = self.process.ended_at if isinstance(self.process, Exited) else self.now
        return last >= max(self.job_ended_at, self.started_at or 0.0) + SECONDS_AFTER_JOB


def decide(o: Observation) -> Decision:
    """The next thing to do."""
    match o.phase:
        case "Waiting":
            return _waiting(o)
        case "Evaluating":
            return _evaluating(o)
        case "Uploading":
            return _uploading(o)
    raise ValueError(f"an evaluation in phase {o.phase} needs no decision")


def _waiting(o: Observation) -> Decision:
    if o.upload is not Step.NOT_STARTED:  # of an evaluation that was given up, before rules were added
        return Wait(POLL_SECONDS)
    if o.next_attempt:
        return Renew()
    if o.script_began:
        return Start()
    return EndRules("Stopped", NOTHING_SAVED, "Ended") if o.job_phase == "Ended" else Wait(POLL_SECONDS)


def _evaluating(o: Observation) -> Decision:
    if isinstance(o.process, Running):
        return _running(o)
    if o.next_attempt:
        return Renew()
    finished = isinstance(o.process, Exited) and o.process.returncode == 0
    if finished and o.all_judged:
        return Enter("Uploading") if o.job_phase == "Ended" else Wait(POLL_SECONDS)
    return _without_result(o)


def _without_result(o: Observation) -> Decision:
    if isinstance(o.process, Exited) and o.process.returncode == LEFT_ALONE:
        # It is not told of the end before all is uploaded, or while the server is down: no fault of its own.
        return Start() if o.job_phase == "Ended" else Wait(POLL_SECONDS)
    if o.is_late:
        return EndRules("Error", _late(o), "Uploading")
    if isinstance(o.process, NotStarted):
        return Spawn()
    return Start() if o.starts < MAX_STARTS else EndRules("Error", _lost(o), "Uploading")


def _running(o: Observation) -> Decision:
    if isinstance(o.process, Running) and o.process.pid <= 0:  # claimed, and not known yet
        return Wait(SOON_SECONDS)
    if o.next_attempt or o.is_late:
        return Kill()
    return Wait(POLL_SECONDS) if o.told else Tell()


def _uploading(o: Observation) -> Decision:
    match o.upload:
        case Step.NOT_STARTED:
            return StartUpload()
        case Step.UNDER_WAY:
            return Wait(None)
        case Step.DONE:
            return Enter("Ended")
        case Step.FAILED:
            return SayNotUploaded(o.upload_error)


def _late(o: Observation) -> str:
    return (
        f"The evaluator of the rules had not come to an end {SECONDS_AFTER_JOB / 60:.0f} minutes after the training"
        f" job's, and was stopped. Its log is {o.log}. Save fewer tensors, or have fewer rules"
    )


def _lost(o: Observation) -> str:
    how = f"with code {o.process.returncode}" if isinstance(o.process, Exited) else "without a record of how"
    return (
        f"The evaluator of the rules was started {o.starts} times and ended {how} at last. Its log: {o.log}. A"
        " negative code is a signal: -9 is also how Linux ends a process when memory is short"
    )
