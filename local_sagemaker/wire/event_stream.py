"""AWS's event streams (application/vnd.amazon.eventstream): an answer as a sequence of frames, sent as they come.

An operation answers an asynchronous iterator of events, {name: members} each. An AwsError that it raises on the way is
the last frame: the status was sent long before.
"""

import logging
import struct
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Protocol

from botocore.model import StructureShape

from local_sagemaker.errors import AwsError
from local_sagemaker.wire.encoding import compile_encode
from local_sagemaker.wire.json_protocol import dump_json

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7  # the type of a header's value

logger = logging.getLogger(__name__)


class Events(Protocol):
    """The events of a stream, {name: members} each. It holds something until it is closed, also when never begun."""

    def __aiter__(self) -> AsyncIterator[Mapping[str, Mapping[str, Any]]]:
        """The events."""

    async def aclose(self) -> None:
        """Let go of what it holds. Repeatable."""


class EventFrames:
    """The frames of a sequence of events, by the shape of botocore's model."""

    def __init__(self, shape: StructureShape, events: Events) -> None:
        self._shape = shape
        self._events = events
        self._frames = self._encoded()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._frames

    async def aclose(self) -> None:
        """Close the events."""
        await self._frames.aclose()
        await self._events.aclose()

    async def _encoded(self) -> AsyncGenerator[bytes, None]:
        try:
            async for event in self._events:
                for name, members in event.items():
                    yield event_frame(self._shape, name, members)
        except AwsError as error:
            yield exception_frame(error.code, error.message, **error.members)
        except Exception:
            logger.exception("an event stream broke off")
            yield exception_frame("InternalStreamFailure", "local_sagemaker failed in mid-answer; its log tells more.")


def event_frame(shape: StructureShape, name: str, members: Mapping[str, Any]) -> bytes:
    """One event: its payload is the blob that the model calls so, else all members as JSON."""
    headers = {":message-type": "event", ":event-type": name}
    event_shape: StructureShape = shape.members[name]  # type: ignore[assignment]  # every event is a structure
    for member, member_shape in event_shape.members.items():
        if member_shape.serialization.get("eventpayload") and member_shape.type_name == "blob":
            return frame({**headers, ":content-type": "application/octet-stream"}, members[member])
    body = dump_json(compile_encode(event_shape)(dict(members)))
    return frame({**headers, ":content-type": "application/json"}, body)


def exception_frame(code: str, message: str, **members: Any) -> bytes:
    """The last frame of a stream that ends in an error."""
    headers = {":message-type": "exception", ":exception-type": code, ":content-type": "application/json"}
    return frame(headers, dump_json({"Message": message, **members}))


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Lengths, their checksum, headers, payload, the checksum of it all; integers are big-endian."""
    encoded = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack(">II", len(encoded) + len(payload) + 16, len(encoded))
    checked = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded
    checksum = zlib.crc32(payload, zlib.crc32(checked))
    return b"".join((checked, payload, struct.pack(">I", checksum)))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", _STRING, len(value)) + value
