"""The time to sign with: this machine's, corrected when AWS refuses a signature because of the clock."""

import time
from email.utils import parsedate_to_datetime

REFUSALS = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
# These may have another reason, so the clocks must differ by more than AWS's five minutes, less what a request takes.
DOUBTFUL_REFUSALS = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"})
SKEW_SECONDS = 240.0


class SigningClock:
    """Seconds since the epoch as AWS counts them."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def now(self) -> float:
        """The time to sign with."""
        return time.time() + self._ahead_seconds

    def corrected(self, code: str, date: str | None) -> bool:
        """Whether a refusal with this code and this Date header was the clock's fault, which is mended then."""
        ahead = skew_seconds(code, date, self.now())
        if ahead is None:
            return False
        self._ahead_seconds += ahead
        return True


def skew_seconds(code: str, date: str | None, now: float) -> float | None:
    """How far AWS's clock is ahead of `now`; None when the refusal is not the clock's fault."""
    if date is None or code not in REFUSALS | DOUBTFUL_REFUSALS:
        return None
    try:
        ahead = parsedate_to_datetime(date).timestamp() - now
    except ValueError:
        return None
    return ahead if code in REFUSALS or abs(ahead) > SKEW_SECONDS else None
