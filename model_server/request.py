"""One request in the front, from its first byte until it is answered."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from model_server.messages import Answer
from model_server.part_stream import PartStream

_ids = itertools.count(1)


@dataclass(eq=False, slots=True)
class Request:
    """`arrived`, `started` and `deadline` are in the event loop's time; `parts` are the body.

    `worker` is the index of the worker that has it, None while it waits; `attempts` counts workers that ended with it.
    """

    headers: Mapping[str, str] = field(repr=False)
    parts: Sequence[bytes] = field(repr=False)
    body_bytes: int
    arrived: float
    deadline: float
    answered: "asyncio.Future[Answer]"
    id: int = field(default_factory=_ids.__next__)
    attempts: int = 0
    worker: int | None = None
    started: float | None = None
    model_seconds: float | None = None
    stream: PartStream | None = None

    def answer(self, answer: Answer) -> None:
        """Answer it, unless it is answered."""
        if not self.answered.done():
            self.answered.set_result(answer)
