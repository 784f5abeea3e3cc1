"""What to do next with a training job: a pure function of what is true of it now.

Phases go Starting -> Downloading -> Training -> Uploading -> Ended. Stopping is not a phase: it is a wish that each
phase heeds in its own way.
"""

from dataclasses import dataclass, field
from enum import Enum

from local_sagemaker.runtime.process import Exited, Lost, NotStarted, ProcessState, Running

POLL_SECONDS = 0.2


class Step(Enum):
    """The background step of a phase: preparing the input, uploading the output."""

    NOT_STARTED = "not started"
    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Observation:
    """What is true of a job now. Times are epoch seconds."""

    phase: str
    stopping: bool
    now: float
    slot_free: bool = False
    pending: bool = False  # already said to be waiting for capacity
    step: Step = Step.NOT_STARTED
    step_error: str = ""
    process: ProcessState = field(default_factory=NotStarted)
    started_at: float | None = None
    max_runtime_seconds: float = 86_400.0
    terminated_at: float | None = None
    termination: str | None = None
    signalled: bool = False  # by this process; an earlier one may have died between the row and the signal
    stop_grace_seconds: float = 120.0


@dataclass(frozen=True)
class Wait:
    """Nothing is due; look again in `seconds`, or at the next wake-up."""

    seconds: float | None


@dataclass(frozen=True)
class Enter:
    """Begin a phase: Downloading, Training or Uploading."""

    phase: str


@dataclass(frozen=True)
class SayPending:
    """Tell that the job waits for capacity."""


@dataclass(frozen=True)
class StartStep:
    """Start the phase's background step (again, after a crash)."""


@dataclass(frozen=True)
class Spawn:
    """Start the script; it starts at most once however often this is done."""


@dataclass(frozen=True)
class Terminate:
    """Send SIGTERM and remember why: Stopped or MaxRuntimeExceeded."""

    termination: str


@dataclass(frozen=True)
class Kill:
    """Send SIGKILL: the grace is over."""


@dataclass(frozen=True)
class GiveUpStart:
    """Make sure that the script never starts, then stop."""


@dataclass(frozen=True)
class End:
    """The job's end. `failure_reason` None with status Failed: it is in the script's log or failure file."""

    status: str
    secondary_status: str
    status_message: str
    failure_reason: str | None = None


Decision = Wait | Enter | SayPending | StartStep | Spawn | Terminate | Kill | GiveUpStart | End

STOPPED = End("Stopped", "Stopped", "Training job stopped")
COMPLETED = End("Completed", "Completed", "Training job completed")
MAX_RUNTIME_EXCEEDED = End(
    "Stopped", "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"
)
LOST = (
    "InternalServerError: The training process ended without a record of how: this machine was restarted, or the"
    " process and its supervisor were killed. Please create the training job again"
)


def decide(o: Observation) -> Decision:
    """The next thing to do."""
    match o.phase:
        case "Starting":
            return _starting(o)
        case "Downloading":
            return _downloading(o)
        case "Training":
            return _training(o)
        case "Uploading":
            return _uploading(o)
    raise ValueError(f"a job in phase {o.phase} needs no decision")


def outcome(o: Observation) -> End:
    """How the job ends, once its script has ended and its results are safe."""
    if o.termination == "MaxRuntimeExceeded":
        return MAX_RUNTIME_EXCEEDED
    if o.termination == "Stopped":
        return STOPPED
    match o.process:
        case Exited(returncode=0):
            return STOPPED if o.stopping else COMPLETED
        case Exited():
            return failed(None)
        case _:
            return STOPPED if o.stopping else failed(LOST)


def failed(reason: str | None) -> End:
    """The end of a job that failed."""
    return End("Failed", "Failed", "Training job failed", reason)


def _starting(o: Observation) -> Decision:
    if o.stopping:
        return STOPPED
    if o.slot_free:
        return Enter("Downloading")
    return Wait(None) if o.pending else SayPending()


def _downloading(o: Observation) -> Decision:
    match o.step:
        case Step.UNDER_WAY:
            return Wait(None)
        case _ if o.stopping:
            return STOPPED
        case Step.NOT_STARTED:
            return StartStep()
        case Step.FAILED:
            return failed(o.step_error)
        case Step.DONE:
            return Enter("Training")


def _training(o: Observation) -> Decision:
    match o.process:
        case NotStarted():
            return GiveUpStart() if o.stopping else Spawn()
        case Running(pid=pid):
            if pid <= 0:  # claimed, and not known yet
                return Wait(POLL_SECONDS)
            return _running(o)
        case Exited() | Lost():
            return Enter("Uploading")


def _running(o: Observation) -> Decision:
    if o.terminated_at is not None and o.termination is not None:
        if o.now - o.terminated_at >= o.stop_grace_seconds:
            return Kill()
        return Wait(POLL_SECONDS) if o.signalled else Terminate(o.termination)
    if o.stopping:
        return Terminate("Stopped")
    if o.started_at is not None and o.now - o.started_at >= o.max_runtime_seconds:
        return Terminate("MaxRuntimeExceeded")
    return Wait(POLL_SECONDS)


def _uploading(o: Observation) -> Decision:
    match o.step:
        case Step.NOT_STARTED:
            return StartStep()
        case Step.UNDER_WAY:
            return Wait(None)
        case Step.DONE:
            return outcome(o)
        case Step.FAILED:
            end = outcome(o)
            return end if end.status == "Failed" else failed(o.step_error)
