"""What breaks the schema of a request, in words for people. Pure: pydantic's faults in, pointers and details out."""

from collections.abc import Mapping, Sequence
from typing import Any

RESOURCE_NAME = "^[a-zA-Z0-9](-*[a-zA-Z0-9])"  # how SageMaker's patterns of names begin
SHOWN_CHARACTERS = 80


def places(faults: Sequence[Mapping[str, Any]], content_type: str) -> list[dict[str, str]]:
    """`{"pointer": "#/body/name", "detail": ...}` for each fault. `content_type` is the request's, "" for none."""
    return [{"pointer": _pointer(fault["loc"]), "detail": _words(fault, content_type)} for fault in faults]


def _pointer(loc: Sequence[str | int]) -> str:
    return "#/" + "/".join(_shortened(str(part)).replace("~", "~0").replace("/", "~1") for part in loc)


def _words(fault: Mapping[str, Any], content_type: str) -> str:  # noqa: PLR0911 - one return a kind of fault
    context = fault.get("ctx", {})
    match fault["type"]:
        case "json_invalid":
            return f"the body is no JSON, at character {fault['loc'][-1]}: {context.get('error', 'it cannot be read')}"
        case "missing" if tuple(fault["loc"]) == ("body",):
            return "the request has no body; send a JSON object"
        case "model_attributes_type" if isinstance(fault.get("input"), bytes):
            came = f"as {_shortened(content_type)}" if content_type else "without a Content-Type"
            return f"the body came {came}; send a JSON object with Content-Type: application/json"
        case "model_attributes_type":
            return "the body must be a JSON object"
        case "extra_forbidden":
            return "there is no member or parameter of this name"
        case "string_pattern_mismatch" if str(context.get("pattern", "")).startswith(RESOURCE_NAME):
            return f"{_shortened(fault['input'])!r} is no legal name: letters and digits, hyphens only between them"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
    return str(fault["msg"])


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
