"""A second attempt beside a slow first one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from service.aws.runtime_hedging import hedged

AT_ONCE = 0.0
NEVER = 3600.0


def attempts(*endings: str | Exception | None) -> tuple[Callable[[], Coroutine[Any, Any, str]], list[str]]:
    """Attempts that end like this in turn (None: not before they are cancelled), and what became of them."""
    log: list[str] = []

    async def attempt() -> str:
        number = sum(entry.startswith("begun") for entry in log)
        log.append(f"begun {number}")
        ending = endings[number]
        try:
            if ending is None:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append(f"cancelled {number}")
            raise
        if isinstance(ending, Exception):
            raise ending
        return str(ending)

    return attempt, log


def good(answer: str) -> bool:
    """What is no error."""
    return answer != "busy"


def test_a_quick_answer_needs_no_second() -> None:
    attempt, log = attempts("dog")
    assert asyncio.run(hedged(attempt, NEVER, good)) == "dog"
    assert log == ["begun 0"]


def test_the_second_answers_and_the_first_is_cancelled() -> None:
    attempt, log = attempts(None, "dog")
    assert asyncio.run(hedged(attempt, AT_ONCE, good)) == "dog"
    assert log == ["begun 0", "begun 1", "cancelled 0"]


@pytest.mark.parametrize("bad", ["busy", OSError("reset")])
def test_an_error_waits_for_the_other(bad: str | Exception) -> None:
    async def run() -> str:
        release = asyncio.Event()
        count = 0

        async def attempt() -> str:
            nonlocal count
            count += 1
            if count == 1:
                await release.wait()
                return "dog"
            asyncio.get_running_loop().call_soon(release.set)
            if isinstance(bad, Exception):
                raise bad
            return bad

        return await hedged(attempt, AT_ONCE, good)

    assert asyncio.run(run()) == "dog"


def test_without_a_good_answer_there_is_the_bad_one() -> None:
    attempt, _ = attempts("busy")
    assert asyncio.run(hedged(attempt, NEVER, good)) == "busy"
    attempt, _ = attempts(OSError("reset"))
    with pytest.raises(OSError, match="reset"):
        asyncio.run(hedged(attempt, NEVER, good))


def test_whoever_stops_waiting_stops_both() -> None:
    attempt, log = attempts(None, None)

    async def run() -> None:
        task = asyncio.create_task(hedged(attempt, AT_ONCE, good))
        while len(log) < 2:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert sorted(log) == ["begun 0", "begun 1", "cancelled 0", "cancelled 1"]
