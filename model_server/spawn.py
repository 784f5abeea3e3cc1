"""Starts a worker's process. It imports little: the first worker is started before the front itself is complete."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_server.serving import Serving

PARENT_OF_PACKAGE = Path(__file__).parents[1]
INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Child:
    """A worker's process, and the front's end of the socket to it."""

    process: "subprocess.Popen[bytes]"
    connection: socket.socket


def spawn(serving: Serving, environment: Mapping[str, str]) -> Child:
    """Start a worker, from the main thread: it is killed when the thread that started it ends."""
    ours, theirs = socket.socketpair()
    with theirs:
        arguments = [str(theirs.fileno()), str(os.getpid()), serving.to_json()]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "model_server.worker", *arguments],
            stdin=subprocess.DEVNULL,
            env=_completed(environment),
            pass_fds=[theirs.fileno()],
        )
    return Child(process, ours)


def _completed(environment: Mapping[str, str]) -> dict[str, str]:
    """What a worker is given: it finds this package, and its output is seen at once."""
    completed = {"PYTHONUNBUFFERED": "1", **environment}
    if PARENT_OF_PACKAGE.name not in INSTALLED:
        own = str(PARENT_OF_PACKAGE)
        others = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", own)]
        completed["PYTHONPATH"] = os.pathsep.join([own, *others])
    return completed
