"""The credentials that invocations are signed with, renewed beside them, not in the event loop, and one at a time."""

import asyncio
from contextlib import suppress

from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials

LAST_SECONDS = 60  # so long before they expire, requests go on with the old ones while new ones are fetched
PAUSE_SECONDS = 5.0  # between two renewals, when the first one brought none


class LiveCredentials:
    """What botocore found, as it is now. For one event loop."""

    def __init__(self, source: Credentials) -> None:
        self._source = source
        self._frozen: ReadOnlyCredentials | None = None
        self._look_again = 0.0
        self._renewal: asyncio.Task[None] | None = None

    async def current(self) -> ReadOnlyCredentials:
        """Credentials that are good for a minute at least.

        Waits only for the first ones and when the old ones are about to expire; botocore asks for new ones 15 minutes
        before. Raises BotoCoreError when there are none that still hold.
        """
        now = asyncio.get_running_loop().time()
        if self._frozen is not None and now < self._look_again:
            return self._frozen
        self._look_again = now + 1.0
        if self._frozen is None or self._ends_within(LAST_SECONDS):
            self._look_again = 0.0  # whoever comes next looks as well, and waits for the same renewal
            await asyncio.shield(self._renew())
        elif isinstance(self._source, RefreshableCredentials) and self._source.refresh_needed():
            self._renew()
            self._look_again = now + PAUSE_SECONDS
        if self._frozen is None:
            raise RuntimeError("a renewal ended without credentials and without an error")
        return self._frozen

    async def close(self) -> None:
        """Wait for no renewal any more."""
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._renewal

    def _ends_within(self, seconds: int) -> bool:
        return isinstance(self._source, RefreshableCredentials) and bool(
            self._source.refresh_needed(refresh_in=seconds)
        )

    def _renew(self) -> asyncio.Task[None]:
        """The renewal under way, or a new one."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._fetch())
            self._renewal.add_done_callback(_note_failure)
        return self._renewal

    async def _fetch(self) -> None:
        # Asks STS or the metadata service, where a renewal is due. botocore logs what fails.
        self._frozen = await asyncio.to_thread(self._source.get_frozen_credentials)


def _note_failure(renewal: asyncio.Task[None]) -> None:
    """Whoever waits is told; a renewal that nobody waits for is tried again soon."""
    if not renewal.cancelled():
        renewal.exception()
