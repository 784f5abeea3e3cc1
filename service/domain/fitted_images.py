"""Images that are too large for the endpoint, made to fit: each in a process of its own (service.image_fitting)."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from service.errors import PayloadTooLarge, Problem, Throttled, UnreadableImage
from service.settings import REPOSITORY_DIR

PROGRAM = "service.image_fitting"
AT_ONCE = 2
WAITING = 8  # each holds its upload in memory
SECONDS = 20.0
TURN_SECONDS = 30.0
SHRINK_YOURSELF = "Shrink the image before you send it; the model sees only a few hundred pixels of each side."


@dataclass(frozen=True, slots=True)
class FittedImage:
    """A JPEG below the limit, and its size in pixels."""

    body: bytes
    width: int
    height: int


class ImageFitter:
    """Shrinks a few images at once. For one event loop."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def fit(self, image: bytes, limit_bytes: int) -> FittedImage:
        """The image with at most `limit_bytes`.

        Raises PayloadTooLarge when it has too many pixels or takes too long, UnreadableImage when it cannot be decoded,
        and Throttled when too many others wait.
        """
        if self._waiting >= WAITING:
            raise _busy(f"{self._waiting} large images wait to be shrunk already.")
        self._waiting += 1
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise _busy(f"Other large images were shrunk for {TURN_SECONDS:g} s.") from None
        finally:
            self._waiting -= 1
        try:
            return await asyncio.to_thread(_fitted, image, limit_bytes)
        finally:
            self._slots.release()


def _fitted(image: bytes, limit_bytes: int) -> FittedImage:
    try:
        run = subprocess.run(
            [sys.executable, "-P", "-m", PROGRAM, str(limit_bytes)],
            input=image,
            stdout=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY_DIR)},
        )
    except subprocess.TimeoutExpired:
        raise PayloadTooLarge(f"To shrink the image takes longer than {SECONDS:g} s.", SHRINK_YOURSELF) from None
    answer, _, body = run.stdout.partition(b"\n")
    if run.returncode < 0:  # a signal: the kernel's, for its memory or its CPU time
        raise PayloadTooLarge("The image needs more memory or time to be shrunk than it is allowed.", SHRINK_YOURSELF)
    if run.returncode > 0:
        raise RuntimeError(f"{PROGRAM} ended with status {run.returncode}; its traceback is in the log")
    members = json.loads(answer)
    if "refused" in members:
        raise _problem(members["refused"], members["detail"])
    return FittedImage(body, members["width"], members["height"])


def _busy(detail: str) -> Throttled:
    action = "Send the image again later, or shrink it yourself."
    return Throttled(detail, action, headers={"Retry-After": "5"})


def _problem(kind: str, detail: str) -> Problem:
    if kind == "size":
        return PayloadTooLarge(detail, SHRINK_YOURSELF)
    return UnreadableImage(detail, "Send the image again, or another one; it may be damaged.")
