"""What DataCaptureConfig makes of an invocation: whether it is captured, and its line of JSON in AWS's format."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVENT_VERSION = "0"


@dataclass(frozen=True)
class Observed:
    """One side of an invocation."""

    content_type: str
    data: bytes


@dataclass(frozen=True)
class CapturedInvocation:
    """An invocation that was answered; `answered_at` is epoch seconds."""

    event_id: str
    inference_id: str | None
    custom_attributes: str | None
    answered_at: float
    request: Observed
    response: Observed

    @property
    def size_bytes(self) -> int:
        """What it holds in memory."""
        return len(self.request.data) + len(self.response.data)


def is_sampled(config: Mapping[str, Any], draw: float) -> bool:
    """Whether InitialSamplingPercentage chooses an invocation; `draw` is uniform from 0 to 1, 1 excluded."""
    return draw * 100 < int(config["InitialSamplingPercentage"])


def capture_line(config: Mapping[str, Any], invocation: CapturedInvocation) -> bytes:
    """The record, with its newline. CaptureOptions say which sides are in it."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    captured = {}
    if modes & {"Input", "InputAndOutput"}:
        captured["endpointInput"] = _side(config, "INPUT", invocation.request)
    if modes & {"Output", "InputAndOutput"}:
        captured["endpointOutput"] = _side(config, "OUTPUT", invocation.response)
    metadata: dict[str, Any] = {"eventId": invocation.event_id}
    if invocation.custom_attributes:
        metadata["customAttributes"] = [invocation.custom_attributes]
    if invocation.inference_id:
        metadata["inferenceId"] = invocation.inference_id
    metadata["inferenceTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(invocation.answered_at))
    record = {"captureData": captured, "eventMetadata": metadata, "eventVersion": EVENT_VERSION}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _side(config: Mapping[str, Any], mode: str, observed: Observed) -> dict[str, str]:
    data, encoding = _encoded(config.get("CaptureContentTypeHeader") or {}, observed)
    return {"observedContentType": observed.content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoded(header: Mapping[str, Any], observed: Observed) -> tuple[str, str]:
    """As text where the configuration lists the content type and the body is text, else as base64."""
    kind = observed.content_type.partition(";")[0].strip().lower()
    for encoding, name in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if kind in {listed.lower() for listed in header.get(name, [])}:
            try:
                return observed.data.decode(), encoding
            except UnicodeDecodeError:
                break
    return base64.b64encode(observed.data).decode(), "BASE64"
