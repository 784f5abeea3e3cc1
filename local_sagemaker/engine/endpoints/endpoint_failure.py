"""Why a deployment of an endpoint has failed, and how FailureReason says so."""

from dataclasses import dataclass

MAX_REASON_CHARACTERS = 1024


@dataclass(frozen=True)
class ModelDataFailure:
    """The model data of a variant cannot be had."""

    reason: str


@dataclass(frozen=True)
class PingFailure:
    """A model server of a variant does not come up; `detail` says how when its log does not."""

    variant: str
    index: int
    detail: str


@dataclass(frozen=True)
class TookTooLong:
    """An update has not ended within its DeploymentConfig's MaximumExecutionTimeoutInSeconds."""

    seconds: float


Failure = ModelDataFailure | PingFailure | TookTooLong


def failure_reason(failure: Failure, last_line: str) -> str:
    """The FailureReason, in AWS's words with the model's own last words behind them."""
    if isinstance(failure, ModelDataFailure):
        return failure.reason[:MAX_REASON_CHARACTERS]
    if isinstance(failure, TookTooLong):
        return f"The update took longer than MaximumExecutionTimeoutInSeconds, {failure.seconds:g} seconds."
    said = f": {last_line}" if last_line else "."
    reason = (
        f"The primary container for production variant {failure.variant} did not pass the ping health check."
        f" Please check CloudWatch logs for this endpoint. {failure.detail}{said}"
    )
    return reason[:MAX_REASON_CHARACTERS]
