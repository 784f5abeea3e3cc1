"""How far a client has followed a training job: the `id` of a server-sent event, which comes back as Last-Event-ID."""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.errors import BadRequest

MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class LogPosition:
    """`told` lines of the page that CloudWatch gives for `token` (None: the first) are known."""

    token: str | None = None
    told: int = 0


@dataclass(frozen=True)
class Position:
    """Transitions seen, the place in each log stream, each rule's last status, and whether `end` was told."""

    transitions: int = 0
    logs: Mapping[str, LogPosition] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False

    def in_log(self, stream: str, place: LogPosition) -> "Position":
        """The same with another place in one stream."""
        return replace(self, logs={**self.logs, stream: place})

    def with_rule(self, rule: str, status: str) -> "Position":
        """The same with another status of one rule."""
        return replace(self, rules={**self.rules, rule: status})

    def encoded(self) -> str:
        """Letters, digits, - and _."""
        logs = {stream: [place.token, place.told] for stream, place in self.logs.items()}
        plain = json.dumps([self.transitions, logs, self.rules, self.ended], separators=(",", ":"))
        return base64.urlsafe_b64encode(zlib.compress(plain.encode())).decode().rstrip("=")


def decoded(text: str | None) -> Position:
    """The position of an `id`; the start without one. Raises BadRequest for what no event had."""
    if not text:
        return Position()
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = zlib.decompressobj().decompress(packed, MAX_BYTES)
        transitions, logs, rules, ended = json.loads(plain)
        places = {str(stream): LogPosition(token and str(token), int(told)) for stream, (token, told) in logs.items()}
        return Position(int(transitions), places, {str(k): str(v) for k, v in rules.items()}, bool(ended))
    except (
        binascii.Error, zlib.error, ValueError, TypeError, AttributeError, OverflowError, RecursionError
    ) as error:  # fmt: skip
        raise BadRequest(
            "The Last-Event-ID is none that this service gave.",
            "Send the id of the last event that you got, or leave the header out to begin at the start.",
        ) from error
