"""Scalar members as text: in headers, paths, query strings, forms and XML."""

import base64
import binascii
import math
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from botocore.model import Shape
from botocore.utils import parse_timestamp

from local_sagemaker.errors import SerializationException
from local_sagemaker.wire.encoding import epoch_seconds

_BOOLEANS = {"true": True, "false": False}


def from_text(shape: Shape, text: str, path: str) -> Any:
    """The value of a scalar shape. Raises SerializationException."""
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return _BOOLEANS[text.lower()]
            case "timestamp":
                return parse_timestamp(text)
            case "blob":
                return base64.b64decode(text, validate=True)
            case _:
                return text
    except (ValueError, KeyError, binascii.Error):
        raise SerializationException(f"'{text}' can not be converted to {shape.type_name} at '{path}'") from None


def to_text(shape: Shape, value: Any, timestamp_format: str = "iso8601") -> str:
    """The text of a scalar shape's value; `timestamp_format` where the shape names none."""
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "blob":
            return base64.b64encode(value).decode()
        case "float" | "double" if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case "timestamp":
            return _timestamp(epoch_seconds(value), shape.serialization.get("timestampFormat", timestamp_format))
        case _:
            return str(value)


def _timestamp(seconds: float, timestamp_format: str) -> str:
    if timestamp_format == "unixTimestamp":
        return str(seconds)
    time = datetime.fromtimestamp(seconds, UTC)
    if timestamp_format == "rfc822":
        return format_datetime(time, usegmt=True)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
