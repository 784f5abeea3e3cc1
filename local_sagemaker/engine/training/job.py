"""What to do next with a training job: a pure function of what is true of it now.

Phases go Starting -> Downloading -> Training -> Uploading -> Ended; a job whose instances were taken away, or whose
process was lost while retries are left, goes from Downloading or Uploading to Starting again. Stopping is not a phase:
it is a wish that each phase heeds in its own way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from signal import SIGKILL, SIGTERM

from local_sagemaker.engine.loop import Wait
from local_sagemaker.engine.training.decisions import (
    COMPLETED,
    ENDS,
    LOST,
    STOPPED,
    Decision,
    End,
    Enter,
    GiveUpStart,
    Kill,
    Restart,
    SayPending,
    Spawn,
    StartStep,
    Terminate,
    failed,
)
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, ProcessState, Running

POLL_SECONDS = 1.0  # for metrics and checkpoints; the end of a process wakes the engine by itself
SOON_SECONDS = 0.02  # until a process that was just started is known


class Step(Enum):
    """The background step of a phase: preparing the input, uploading the output."""

    NOT_STARTED = "not started"
    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Deadline:
    """When a job has to end, and as what (a key of ENDS)."""

    at: float
    termination: str


@dataclass(frozen=True)
class Observation:
    """What is true of a job now. Times are epoch seconds; `processes` are its hosts', in order."""

    phase: str
    stopping: bool
    now: float
    slot_free: bool = False
    pending: bool = False  # already said to be waiting for capacity
    deadlines: tuple[Deadline, ...] = ()
    step: Step = Step.NOT_STARTED
    step_error: str = ""
    processes: tuple[ProcessState, ...] = (NotStarted(),)
    interruption: bool = False  # its spot instances are to be taken away
    retries_left: int = 0
    terminated_at: float | None = None
    termination: str | None = None
    signalled: bool = False  # by this process; an earlier one may have died between the row and the signal
    stop_grace_seconds: float = 120.0

    @property
    def due(self) -> Deadline | None:
        """The deadline that has passed."""
        passed = [deadline for deadline in self.deadlines if deadline.at <= self.now]
        return min(passed, key=lambda deadline: deadline.at, default=None)

    @property
    def next_deadline_seconds(self) -> float | None:
        """Until the first one that has not passed."""
        return min((deadline.at - self.now for deadline in self.deadlines if deadline.at > self.now), default=None)


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
    """How the job ends, once its script has ended on all hosts and its results are safe."""
    if o.termination in ENDS:
        return ENDS[o.termination]
    first = first_failure(o)
    if first is None:
        return STOPPED if o.stopping else COMPLETED
    match o.processes[first]:
        case Exited(returncode=returncode):
            # It was prevented from its start, or interrupted: nobody but the platform had it end.
            ended_by_us = o.termination == "Interrupted" or returncode == -SIGTERM
            return STOPPED if o.stopping and ended_by_us else failed(None)
        case _:
            return STOPPED if o.stopping else failed(LOST)


def restart(o: Observation) -> Restart | None:
    """Whether the job, whose script has ended on all hosts, is to be started again."""
    if o.stopping or o.termination in ENDS:
        return None
    if o.termination == "Interrupted":
        return Restart("Interrupted")
    first = first_failure(o)
    if first is not None and isinstance(o.processes[first], Lost) and o.retries_left > 0:
        return Restart("Restarting")
    return None


def first_failure(o: Observation) -> int | None:
    """The host to blame."""
    return next(iter(failures(o)), None)


def failures(o: Observation) -> list[int]:
    """The hosts that failed, the one to blame first: lost or killed ones, for the others may only miss them.

    Otherwise the first to fail is it. Those that ended because of it, by SIGTERM, come after `terminated_at`.
    """

    def order(index: int) -> tuple[bool, float]:
        state = o.processes[index]
        if not isinstance(state, Exited):
            return False, o.now if o.terminated_at is None else o.terminated_at
        by_us = o.terminated_at is not None and state.ended_at >= o.terminated_at + o.stop_grace_seconds
        return state.returncode != -SIGKILL or by_us, state.ended_at

    return sorted((index for index, state in enumerate(o.processes) if has_failed(state)), key=order)


def has_failed(state: ProcessState) -> bool:
    """Whether a host's script ended, and not well."""
    return isinstance(state, Lost) or (isinstance(state, Exited) and state.returncode != 0)


def _starting(o: Observation) -> Decision:
    if o.stopping:
        return STOPPED
    if o.due is not None:
        return ENDS[o.due.termination]
    if o.slot_free:
        return Enter("Downloading")
    return Wait(o.next_deadline_seconds) if o.pending else SayPending()


def _downloading(o: Observation) -> Decision:
    match o.step:
        case Step.UNDER_WAY:
            return Wait(None)
        case _ if o.stopping:
            return STOPPED
        case Step.NOT_STARTED:
            return StartStep()
        case Step.FAILED:
            again = o.step_error.startswith("InternalServerError") and o.retries_left > 0
            return Restart("Restarting") if again else failed(o.step_error)
        case Step.DONE:
            return Enter("Training")


def _training(o: Observation) -> Decision:
    if any(isinstance(state, NotStarted) for state in o.processes):
        # A crash may have come between two hosts' starts.
        return GiveUpStart() if o.stopping or any(map(has_failed, o.processes)) else Spawn()
    pids = [state.pid for state in o.processes if isinstance(state, Running)]
    if not pids:
        return Enter("Uploading")
    if min(pids) <= 0:  # claimed, and not known yet
        return Wait(SOON_SECONDS)
    return _running(o)


def _running(o: Observation) -> Decision:
    if o.terminated_at is None or o.termination is None:
        why = _why_end(o)
        return Wait(_soonest(o.next_deadline_seconds)) if why is None else Terminate(why)
    grace = o.terminated_at + o.stop_grace_seconds - o.now
    if grace <= 0:
        return Kill()
    return Wait(_soonest(grace)) if o.signalled else Terminate(o.termination)


def _why_end(o: Observation) -> str | None:
    """Why the running script has to end now."""
    if o.stopping:
        return "Stopped"
    if any(map(has_failed, o.processes)):
        return "HostFailed"
    if o.due is not None:
        return o.due.termination
    return "Interrupted" if o.interruption else None


def _uploading(o: Observation) -> Decision:
    match o.step:
        case Step.NOT_STARTED:
            return StartStep()
        case Step.UNDER_WAY:
            return Wait(None)
        case Step.DONE:
            return restart(o) or outcome(o)
        case Step.FAILED:
            end = outcome(o)
            return end if end.status == "Failed" and restart(o) is None else failed(o.step_error)


def _soonest(*seconds: float | None) -> float:
    given: Sequence[float] = [value for value in seconds if value is not None]
    return max(0.0, min([POLL_SECONDS, *given]))
