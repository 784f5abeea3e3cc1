"""An error answer of InvokeEndpoint as a Problem. Pure: status, headers and body in, Problem out."""

import json
import re
from collections.abc import Mapping
from typing import Any

from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    EndpointNotFound,
    EndpointNotInService,
    ModelFailed,
    NotAnImage,
    PayloadTooLarge,
    Problem,
    Throttled,
    UnreadableImage,
)

ACCESS_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
THROTTLE_CODES = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "ModelNotReadyException"})
ACCEPT_CODES = frozenset({"InvalidAccept", "NotAcceptable"})  # inference/: what was asked for, not the image, is wrong
RETRY_AFTER = {"Retry-After": "1"}
MODEL_MESSAGE_CHARACTERS = 2000


def problem_of(endpoint: str, status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """The Problem that stands for an error answer of the runtime.

    The code is x-amzn-ErrorType's (or the body's __type), the members are those of botocore's shapes ModelError,
    ValidationError, ServiceUnavailable, InternalFailure, InternalDependencyException and ModelNotReadyException.
    """
    members = _object(body)
    code = _code(headers, members)
    message = str(members.get("Message") or members.get("message") or f"HTTP {status} without a message")
    if code == "ModelError" or status == 424:
        return _model_error(endpoint, message, members)
    if code in THROTTLE_CODES or status == 429:
        return Throttled(message, "Send the request again after a second.", headers=RETRY_AFTER)
    if code in ACCESS_CODES or status in {401, 403}:
        return AccessDenied(
            f"InvokeEndpoint of {endpoint!r} was refused: {message}",
            "Give the service credentials that allow sagemaker:InvokeEndpoint on this endpoint.",
        )
    if status >= 500:
        return AwsUnavailable(
            f"InvokeEndpoint of {endpoint!r} answered {status} {code}: {message}",
            "Send the request again; if it stays, look at the endpoint's status and log.",
            headers=RETRY_AFTER,
        )
    return _validation_error(endpoint, status, message)


def _validation_error(endpoint: str, status: int, message: str) -> Problem:
    if re.search(r"not in ?service|must be in ?service|in ?service (state|status)", message, re.IGNORECASE):
        return EndpointNotInService(message, f"Wait until GET /endpoints/{endpoint} says InService.")
    if status == 404 or re.search(r"not found|could not find|does not exist", message, re.IGNORECASE):
        return EndpointNotFound(message, "GET /endpoints lists the endpoints; POST /endpoints makes one.")
    if status == 413 or re.search(r"less than or equal to|too large|exceed", message, re.IGNORECASE):
        return PayloadTooLarge(message, "Send a smaller image.")
    return BadRequest(message, "Correct the request and send it again.")


def _model_error(endpoint: str, message: str, members: Mapping[str, Any]) -> Problem:
    """4xx of the model is the image's fault, told in the model's words; everything else is the model's."""
    status = _integer(members.get("OriginalStatusCode"))
    code, detail = _model_error_of(members.get("OriginalMessage"))
    detail = detail or message
    log = {"log_stream_arn": members["LogStreamArn"]} if members.get("LogStreamArn") else {}
    if status == 406 or code in ACCEPT_CODES:
        return BadRequest(detail, "Correct top_k, or leave it out.")
    if status == 413:
        return PayloadTooLarge(detail, "Send a smaller image.")
    if status == 415:
        return NotAnImage(detail, "Send a JPEG, PNG, WebP, BMP or GIF file.")
    if status == 429:
        return Throttled(detail, "Send the request again after a second.", headers=RETRY_AFTER)
    if status is not None and 400 <= status < 500:
        return UnreadableImage(detail, "Send the image again, or another one; it may be damaged.", model_status=status)
    return ModelFailed(
        f"The model behind {endpoint!r} answered {status or 'no status'}: {detail}",
        "Read the endpoint's log; the model raised, whatever the image.",
        model_status=status,
        **log,
    )


def _model_error_of(original: object) -> tuple[str, str]:
    """Code and text for people in what the model server answered: `code` and `message` of its JSON, or all of it."""
    if not isinstance(original, str):
        return "", ""
    answer = _object(original.encode())
    text = answer.get("message") or answer.get("detail") or original
    return str(answer.get("code", "")), str(text)[:MODEL_MESSAGE_CHARACTERS]


def _code(headers: Mapping[str, str], members: Mapping[str, Any]) -> str:
    raw = headers.get("x-amzn-ErrorType") or members.get("__type") or members.get("code") or ""
    return str(raw).partition(":")[0].rpartition("#")[2]


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else int(value) if isinstance(value, str) and value.isdecimal() else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
