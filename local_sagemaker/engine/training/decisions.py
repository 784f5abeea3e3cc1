"""What can be decided about a training job, and the ways in which it ends."""

from dataclasses import dataclass

from local_sagemaker.engine.loop import Wait


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
    """Start the script on every host; it starts at most once however often this is done."""


@dataclass(frozen=True)
class Terminate:
    """Send SIGTERM and remember why: a key of ENDS, HostFailed or Interrupted."""

    termination: str


@dataclass(frozen=True)
class Kill:
    """Send SIGKILL: the grace is over."""


@dataclass(frozen=True)
class GiveUpStart:
    """Make sure that the script never starts where it has not."""


@dataclass(frozen=True)
class Restart:
    """Go back to Starting, as Interrupted or as Restarting."""

    secondary_status: str


@dataclass(frozen=True)
class End:
    """The job's end. `failure_reason` None with status Failed: it is in the script's log or failure file."""

    status: str
    secondary_status: str
    status_message: str
    failure_reason: str | None = None


Decision = Wait | Enter | SayPending | StartStep | Spawn | Terminate | Kill | GiveUpStart | Restart | End

STOPPED = End("Stopped", "Stopped", "Training job stopped")
COMPLETED = End("Completed", "Completed", "Training job completed")
MAX_RUNTIME_EXCEEDED = End(
    "Stopped", "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"
)
MAX_WAIT_TIME_EXCEEDED = End(
    "Stopped", "MaxWaitTimeExceeded", "Training job wait time exceeded MaxWaitTimeInSeconds provided"
)
MAX_PENDING_TIME_EXCEEDED = End(
    "Stopped", "Stopped", "Training job pending time exceeded MaxPendingTimeInSeconds provided"
)
# How a job ends that was brought to its end.
ENDS = {
    "Stopped": STOPPED,
    "MaxRuntimeExceeded": MAX_RUNTIME_EXCEEDED,
    "MaxWaitTimeExceeded": MAX_WAIT_TIME_EXCEEDED,
    "MaxPendingTimeExceeded": MAX_PENDING_TIME_EXCEEDED,  # only ever before it started
}
LOST = (
    "InternalServerError: The training process ended without a record of how: this machine was restarted, or the"
    " process and its supervisor were killed. Please create the training job again"
)


def failed(reason: str | None) -> End:
    """The end of a job that failed."""
    return End("Failed", "Failed", "Training job failed", reason)
