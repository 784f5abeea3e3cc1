"""A line of JSON on stdout for each invocation."""

import contextlib
import json
import os
import stat
from datetime import UTC, datetime

from model_server.request import Request

MAX_ID_CHARACTERS = 64  # of an InferenceId; a line is written whole or not at all
CLIENT_LEFT = 499  # status of a request whose client did not wait for an answer


class AccessLog:
    """Writes lines without ever waiting: where stdout is a pipe that nobody reads, they are dropped and counted."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor, self._own = descriptor, False
        self._dropped = 0
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            # Opened anew, it can be non-blocking for this writer alone: the model prints into the same pipe.
            with contextlib.suppress(OSError):
                path = f"/proc/self/fd/{descriptor}"
                self._descriptor, self._own = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC), True

    def write(self, request: Request, inference_id: str | None, status: int, ended: float) -> None:
        """The request was answered `status` at `ended`, in the event loop's time."""
        queue_seconds = (request.started if request.started is not None else ended) - request.arrived
        model_seconds = request.model_seconds
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "inference_id": inference_id and inference_id[:MAX_ID_CHARACTERS],
            "status": status,
            "queue_ms": round(queue_seconds * 1000, 2),
            "model_ms": None if model_seconds is None else round(model_seconds * 1000, 2),
            "bytes": request.body_bytes,
            "worker": request.worker,
        }
        if self._dropped:
            line["lines_dropped_before"] = self._dropped
        try:
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")
        except BlockingIOError:
            self._dropped += 1
        except BrokenPipeError:  # nobody will ever read it
            return
        else:
            self._dropped = 0

    def close(self) -> None:
        """Let the descriptor go."""
        if self._own:
            os.close(self._descriptor)
