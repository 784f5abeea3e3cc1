"""A second attempt beside a slow first one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def hedged(
    attempt: Callable[[], Coroutine[Any, Any, Answer]], after_seconds: float, good: Callable[[Answer], bool]
) -> Answer:
    """The first good answer of one attempt, or of two when the first takes longer than `after_seconds`.

    The other attempt is cancelled. Without a good answer, the one that came last, or its exception.
    """
    running = {asyncio.create_task(attempt())}
    try:
        done, _ = await asyncio.wait(running, timeout=after_seconds)
        if not done:
            running.add(asyncio.create_task(attempt()))
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                running.discard(task)
                if not running or (task.exception() is None and good(task.result())):
                    return task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
