"""What the service and the process that judges jobs say to each other: JSON, and after it a page or plot as bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from service import errors
from service.errors import InternalError, Problem


@dataclass(frozen=True)
class Answer:
    """Plain JSON, or the bytes of a page or plot."""

    members: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""


def send(connection: Connection, members: Mapping[str, Any], content: bytes = b"") -> None:
    """Two frames: a JSON object and bytes. Raises OSError when the other side is gone."""
    connection.send_bytes(json.dumps(members, allow_nan=False).encode())
    connection.send_bytes(content)


def receive(connection: Connection) -> tuple[dict[str, Any], bytes]:
    """What `send` sent. Raises EOFError or OSError when the other side is gone."""
    members: dict[str, Any] = json.loads(connection.recv_bytes())
    return members, connection.recv_bytes()


def told(problem: Problem) -> dict[str, Any]:
    """A Problem as JSON."""
    return {
        "kind": type(problem).__name__,
        "detail": problem.detail,
        "action": problem.action,
        "headers": dict(problem.headers or {}),
        "members": problem.members,
    }


def raised(told: Mapping[str, Any]) -> Problem:
    """The Problem that `told` was made from."""
    kind = getattr(errors, told["kind"], InternalError)
    problem: Problem = kind(told["detail"], told["action"], headers=told["headers"] or None, **told["members"])
    return problem
