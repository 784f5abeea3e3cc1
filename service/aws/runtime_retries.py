"""Whether an invocation that failed is sent again, and when. Pure."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MAX_ATTEMPTS = 4
FIRST_SECONDS = 0.1  # the bound of the first pause; it doubles with each attempt
FIRST_THROTTLED_SECONDS = 0.5
LONGEST_SECONDS = 5.0
THROTTLE_CODES = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "ModelNotReadyException", "SlowDown"}
)
PASSING_CODES = frozenset(
    {"InternalFailure", "InternalServerException", "InternalDependencyException", "ServiceUnavailable"}
)
ENDED_WORKER = "WorkerEnded"  # model_server/: the process that had the request died, perhaps of it


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no prediction: an error answer, or with `status` None a connection that was refused or broke.

    `code` is AWS's, `model_status` and `model_code` are of the answer inside a ModelError, `retry_after_seconds` is
    what the answer asks for.
    """

    status: int | None = None
    code: str = ""
    model_status: int | None = None
    model_code: str = ""
    retry_after_seconds: float | None = None


def pause_seconds(
    attempt: int, failure: Failure, seconds_left: float, chance: Callable[[], float] = random.random
) -> float | None:
    """How long to wait before the next attempt; None to stop and tell the client.

    `attempt` counts the attempts so far, from 1; `chance` answers 0..1. The pause is drawn from zero up to a bound that
    doubles (full jitter: clients that failed together do not come back together), after what Retry-After asks for. One
    that would end after the deadline is not begun.
    """
    if attempt >= _most_attempts(failure):
        return None
    first = FIRST_THROTTLED_SECONDS if _is_throttled(failure) else FIRST_SECONDS
    pause = min(LONGEST_SECONDS, first * 2 ** (attempt - 1)) * chance() + (failure.retry_after_seconds or 0.0)
    return pause if pause < seconds_left else None


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """The seconds that a Retry-After header asks for, given as a number or a date; None when it says neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _most_attempts(failure: Failure) -> int:
    if failure.code == "ModelError" or failure.status == 424:
        # The model would say the same again; but a worker may have died of another request.
        return 2 if failure.model_status == 500 and failure.model_code == ENDED_WORKER else 1
    if failure.status is None or failure.status == 503 or failure.code in PASSING_CODES or _is_throttled(failure):
        return MAX_ATTEMPTS
    return 1


def _is_throttled(failure: Failure) -> bool:
    return failure.status == 429 or failure.code in THROTTLE_CODES
