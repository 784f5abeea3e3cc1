"""An error answer of InvokeEndpoint: the Problem that it is, and what decides about another attempt. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from service.aws.runtime_retries import THROTTLE_CODES, Failure, retry_after_seconds
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
    WrongEndpointKind,
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
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
ACCEPT_CODES = frozenset({"InvalidAccept", "NotAcceptable"})  # inference/: what was asked for, not the image, is wrong
BUSY_CODES = frozenset({"QueueFull", "NoWorker", "NotReady"})  # model_server/: a later moment would do
RETRY_AFTER = {"Retry-After": "1"}
MODEL_MESSAGE_CHARACTERS = 2000


def failure_of(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Failure:
    """What service.aws.runtime_retries judges of an error answer. `now` is in seconds since the epoch."""
    members = _object(body)
    model_status = _integer(members.get("OriginalStatusCode"))
    return Failure(
        status=status,
        code=_code(headers, members),
        model_status=model_status,
        model_code=_model_error_of(members.get("OriginalMessage"))[0],
        retry_after_seconds=retry_after_seconds(headers.get("Retry-After"), now),
    )


def problem_of(endpoint: str, status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """The Problem that stands for an error answer of the runtime.

    The code is x-amzn-ErrorType's (or the body's __type), the members are those of botocore's shapes ModelError,
    ValidationError, ServiceUnavailable, InternalFailure, InternalDependencyException and ModelNotReadyException.
    """
    members = _object(body)
    code = _code(headers, members)
    message = str(members.get("Message") or members.get("message") or f"HTTP {status} without a message")
    if code == "ModelError" or status == 424:
        return _model_error(endpoint, message, members, _retry_after(headers))
    if code in THROTTLE_CODES or status == 429:
        return Throttled(message, "Send the request again later.", headers=_retry_after(headers))
    if code in ACCESS_CODES or status in {401, 403}:
        return AccessDenied(
            f"InvokeEndpoint of {endpoint!r} was refused: {message}",
            "Give the service credentials that allow sagemaker:InvokeEndpoint on this endpoint.",
        )
    if status >= 500:
        return AwsUnavailable(
            f"InvokeEndpoint of {endpoint!r} answered {status} {code}: {message}",
            "Send the request again; if it stays, look at the endpoint's status and log.",
            headers=_retry_after(headers),
        )
    return _validation_error(endpoint, status, message)


def _validation_error(endpoint: str, status: int, message: str) -> Problem:
    if re.search(r"async", message.replace(endpoint, ""), re.IGNORECASE):
        action = f"Send the image to POST /endpoints/{endpoint}/predictions, and ask its Location for the answer."
        return WrongEndpointKind(message, action)
    if re.search(r"not in ?service|must be in ?service|in ?service (state|status)", message, re.IGNORECASE):
        return EndpointNotInService(message, f"Wait until GET /endpoints/{endpoint} says InService.")
    if status == 404 or re.search(r"not found|could not find|does not exist", message, re.IGNORECASE):
        return EndpointNotFound(message, "GET /endpoints lists the endpoints; POST /endpoints makes one.")
    if status == 413 or re.search(r"less than or equal to|too large|exceed", message, re.IGNORECASE):
        return PayloadTooLarge(message, "Send a smaller image.")
    return BadRequest(message, "Correct the request and send it again.")


def _model_error(endpoint: str, message: str, members: Mapping[str, Any], later: Mapping[str, str]) -> Problem:
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
    if status == 429 or (status == 503 and code in BUSY_CODES):
        return Throttled(detail, "Send the request again later.", headers=later)
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


def _retry_after(headers: Mapping[str, str]) -> Mapping[str, str]:
    """What AWS asks for, passed on; else a second."""
    asked = headers.get("Retry-After")
    return RETRY_AFTER if retry_after_seconds(asked, 0.0) is None else {"Retry-After": str(asked)}


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else int(value) if isinstance(value, str) and value.isdecimal() else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
