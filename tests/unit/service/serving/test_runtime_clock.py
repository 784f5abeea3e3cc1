"""A wrong clock of this machine, as AWS's refusals tell of it."""

from email.utils import formatdate

import pytest

from service.aws.runtime_clock import SigningClock, skew_seconds

NOW = 1_800_000_000.0


def date(ahead_seconds: float) -> str:
    """AWS's Date header while its clock is so far ahead."""
    return formatdate(NOW + ahead_seconds, usegmt=True)


@pytest.mark.parametrize(
    ("code", "header", "ahead"),
    [
        ("RequestTimeTooSkewed", date(3600), 3600.0),
        ("RequestTimeTooSkewed", date(-10), -10.0),
        ("RequestExpired", date(900), 900.0),
        ("InvalidSignatureException", date(3600), 3600.0),
        ("InvalidSignatureException", date(-301), -301.0),
        ("SignatureDoesNotMatch", date(600), 600.0),
        ("InvalidSignatureException", date(30), None),  # the key is wrong, the clock is not
        ("AccessDeniedException", date(3600), None),
        ("RequestTimeTooSkewed", None, None),
        ("RequestTimeTooSkewed", "yesterday", None),
    ],
)
def test_skew(code: str, header: str | None, ahead: float | None) -> None:
    assert skew_seconds(code, header, NOW) == ahead


def test_a_corrected_clock_stays_corrected() -> None:
    clock = SigningClock()
    before = clock.now()
    assert clock.corrected("RequestTimeTooSkewed", formatdate(before + 7200, usegmt=True))
    assert clock.now() - before == pytest.approx(7200, abs=30)
    assert not clock.corrected("InvalidSignatureException", formatdate(clock.now(), usegmt=True))
    assert clock.corrected("InvalidSignatureException", formatdate(before, usegmt=True))
    assert clock.now() - before == pytest.approx(0, abs=30)
