"""Credentials that expire: renewed beside the requests, one renewal at a time."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from service.aws.runtime_credentials import LiveCredentials


class Issuer:
    """Gives out credentials for an hour, one after the other, once `open` is set."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = threading.Event()
        self.open.set()
        self.fails = False

    def refresh(self) -> dict[str, str]:
        """What STS or the metadata service would answer."""
        self.asked += 1
        assert self.open.wait(30)
        if self.fails:
            raise CredentialRetrievalError(provider="test", error_msg="no answer")
        expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        return {"access_key": f"NEW{self.asked}", "secret_key": "new", "token": "t", "expiry_time": expiry}

    def credentials(self, seconds_left: float) -> RefreshableCredentials:
        """Old ones that hold so long."""
        expiry = datetime.now(UTC) + timedelta(seconds=seconds_left)
        return RefreshableCredentials("OLD", "old", "t", expiry, self.refresh, "test")


async def key(live: LiveCredentials) -> str | None:
    """Whose credentials a request is signed with now."""
    return (await live.current()).access_key


async def second_passes(live: LiveCredentials) -> None:
    """As if a second was over: the expiry is looked at once in it."""
    live._look_again = 0.0


def test_those_of_a_user_stay() -> None:
    async def run() -> None:
        live = LiveCredentials(Credentials("USER", "secret"))
        assert [await key(live) for _ in range(3)] == ["USER"] * 3

    asyncio.run(run())


def test_expired_ones_are_waited_for_and_asked_for_once() -> None:
    issuer = Issuer()

    async def run() -> None:
        live = LiveCredentials(issuer.credentials(-1))
        assert await asyncio.gather(*(key(live) for _ in range(50))) == ["NEW1"] * 50

    asyncio.run(run())
    assert issuer.asked == 1


def test_requests_go_on_with_the_old_ones_while_new_ones_are_fetched() -> None:
    issuer = Issuer()

    async def run() -> None:
        live = LiveCredentials(issuer.credentials(3600))
        assert await key(live) == "OLD"
        # Ten minutes are left: time for new ones, no hurry.
        live._source._expiry_time = datetime.now(UTC) + timedelta(minutes=10)  # type: ignore[attr-defined]
        issuer.open.clear()
        await second_passes(live)
        assert [await key(live) for _ in range(20)] == ["OLD"] * 20
        await second_passes(live)
        assert await key(live) == "OLD"
        issuer.open.set()
        assert live._renewal is not None
        await live._renewal
        assert await key(live) == "NEW1"

    asyncio.run(run())
    assert issuer.asked == 1


def test_a_renewal_that_fails_in_time_hurts_nobody() -> None:
    issuer = Issuer()
    issuer.fails = True

    async def run() -> None:
        live = LiveCredentials(issuer.credentials(3600))
        assert await key(live) == "OLD"
        live._source._expiry_time = datetime.now(UTC) + timedelta(minutes=5)  # type: ignore[attr-defined]
        await second_passes(live)
        assert await key(live) == "OLD"
        assert live._renewal is not None
        await asyncio.wait([live._renewal])
        assert await key(live) == "OLD"
        issuer.fails = False
        await second_passes(live)
        assert await key(live) == "OLD"
        await live._renewal
        assert await key(live) == "NEW2"

    asyncio.run(run())


def test_without_credentials_that_hold_the_reason_is_told() -> None:
    issuer = Issuer()
    issuer.fails = True

    async def run() -> None:
        live = LiveCredentials(issuer.credentials(30))
        with pytest.raises(CredentialRetrievalError, match="no answer"):
            await key(live)
        issuer.fails = False
        assert await key(live) == "NEW2"

    asyncio.run(run())


def test_a_request_that_gives_up_leaves_the_renewal_to_the_others() -> None:
    issuer = Issuer()
    issuer.open.clear()

    async def run() -> None:
        live = LiveCredentials(issuer.credentials(-1))
        impatient, patient = asyncio.create_task(key(live)), asyncio.create_task(key(live))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        issuer.open.set()
        assert await patient == "NEW1"

    asyncio.run(run())
    assert issuer.asked == 1
