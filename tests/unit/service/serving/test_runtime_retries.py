"""Which failed invocations are sent again, and when."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from service.aws.runtime_retries import Failure, pause_seconds, retry_after_seconds

BROKEN = Failure()
BUSY = Failure(503, "ServiceUnavailable")
THROTTLED = Failure(400, "ThrottlingException")
ENDED_WORKER = Failure(424, "ModelError", 500, "WorkerEnded")


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (BROKEN, 4),
        (BUSY, 4),
        (Failure(503), 4),
        (Failure(500, "InternalFailure"), 4),
        (Failure(530, "InternalDependencyException"), 4),
        (THROTTLED, 4),
        (Failure(429, "TooManyRequestsException"), 4),
        (Failure(429, "ModelNotReadyException"), 4),
        (Failure(429), 4),
        (ENDED_WORKER, 2),
        (Failure(424, "ModelError", 500, "ValueError"), 1),
        (Failure(424, "ModelError", 503, "QueueFull"), 1),
        (Failure(424, "ModelError", 400, "WorkerEnded"), 1),
        (Failure(424), 1),
        (Failure(400, "ValidationError"), 1),
        (Failure(403, "AccessDeniedException"), 1),
        (Failure(403, "ExpiredTokenException"), 1),
        (Failure(413), 1),
        (Failure(500), 1),
        (Failure(502), 1),
    ],
)
def test_so_many_attempts(failure: Failure, attempts: int) -> None:
    paused = [pause_seconds(attempt, failure, 60.0, lambda: 1.0) is not None for attempt in range(1, 6)]
    assert paused.index(False) + 1 == attempts
    assert True not in paused[attempts - 1 :]


@pytest.mark.parametrize(
    ("attempt", "failure", "seconds_left", "chance", "pause"),
    [
        (1, BROKEN, 60.0, 1.0, 0.1),
        (2, BROKEN, 60.0, 1.0, 0.2),
        (3, BROKEN, 60.0, 1.0, 0.4),
        (3, BROKEN, 60.0, 0.25, 0.1),
        (1, BROKEN, 60.0, 0.0, 0.0),
        (1, BROKEN, 0.1, 1.0, None),
        (1, BROKEN, 0.0, 0.0, None),
        (1, THROTTLED, 60.0, 1.0, 0.5),
        (3, THROTTLED, 60.0, 1.0, 2.0),
        (1, Failure(503, retry_after_seconds=7.0), 60.0, 0.5, 7.05),
        (1, Failure(503, retry_after_seconds=7.0), 7.0, 0.0, None),
        (1, Failure(429, retry_after_seconds=3600.0), 60.0, 0.5, None),
    ],
)
def test_the_pause(attempt: int, failure: Failure, seconds_left: float, chance: float, pause: float | None) -> None:
    assert pause_seconds(attempt, failure, seconds_left, lambda: chance) == (
        None if pause is None else pytest.approx(pause)
    )


NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        (format_datetime(NOW.replace(minute=2), usegmt=True), 120.0),
        (format_datetime(NOW.replace(hour=11), usegmt=True), 0.0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW.timestamp()) == seconds
