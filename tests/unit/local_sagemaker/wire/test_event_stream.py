"""wire/event_stream.py, read by botocore's parser."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from local_sagemaker.errors import ModelStreamError
from local_sagemaker.wire.event_stream import frame
from local_sagemaker.wire.models import operation_model
from local_sagemaker.wire.rest_json_protocol import RestJsonProtocol


class Events:
    """Events that end in an error, or not."""

    def __init__(self, *payloads: bytes, error: Exception | None = None) -> None:
        self._payloads = payloads
        self._error = error
        self.closed = False

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        for payload in self._payloads:
            yield {"PayloadPart": {"Bytes": payload}}
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        self.closed = True


def sent(events: Events) -> tuple[dict[str, str], bytes]:
    """The headers and the whole body of an answer with these events."""
    model = operation_model("sagemaker-runtime", "InvokeEndpointWithResponseStream")
    assert model is not None
    response = RestJsonProtocol(model).encode({"Body": events, "ContentType": "text/plain"}, "an-id")

    async def read() -> bytes:
        assert response.parts is not None
        try:
            return b"".join([part async for part in response.parts])
        finally:
            await response.parts.aclose()

    return dict(response.headers), asyncio.run(read())


def parsed(body: bytes) -> list[dict[str, Any]]:
    """What botocore makes of the frames, errors included."""
    model = operation_model("sagemaker-runtime", "InvokeEndpointWithResponseStream")
    assert model is not None
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    parser: Any = create_parser("rest-json")
    shape = model.get_event_stream_output()
    return [parser._event_stream_parser.parse(event.to_response_dict(), shape) for event in buffer]


def test_events_are_frames() -> None:
    events = Events(b"one", b"", b"\x00" * 70_000)
    headers, body = sent(events)
    assert headers["content-type"] == "application/vnd.amazon.eventstream"
    assert headers["X-Amzn-SageMaker-Content-Type"] == "text/plain"
    assert [found["PayloadPart"]["Bytes"] for found in parsed(body)] == [b"one", b"", b"\x00" * 70_000]
    assert events.closed


def test_an_error_is_the_last_frame() -> None:
    error = ModelStreamError("the model was cut off", ErrorCode="StreamBroken")
    first, last = parsed(sent(Events(b"one", error=error))[1])
    assert first["PayloadPart"] == {"Bytes": b"one"}
    assert last["Error"] == {"Code": "ModelStreamError", "Message": "the model was cut off"}


def test_a_fault_of_our_own_does_not_look_like_the_end(caplog: pytest.LogCaptureFixture) -> None:
    (only,) = parsed(sent(Events(error=KeyError("secret")))[1])
    assert only["Error"]["Code"] == "InternalStreamFailure"
    assert "secret" not in only["Error"]["Message"]
    assert "secret" in caplog.text


def test_an_answer_that_nobody_reads_is_closed() -> None:
    events = Events(b"one")
    model = operation_model("sagemaker-runtime", "InvokeEndpointWithResponseStream")
    assert model is not None
    response = RestJsonProtocol(model).encode({"Body": events}, "an-id")
    assert response.parts is not None
    asyncio.run(response.parts.aclose())
    assert events.closed


@given(st.dictionaries(st.text("abc:-", min_size=1, max_size=9), st.text(max_size=9), max_size=3), st.binary())
def test_any_frame_is_read_back(headers: dict[str, str], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(frame(headers, payload))
    (event,) = list[Any](buffer)
    assert (event.headers, event.payload) == (headers, payload)
