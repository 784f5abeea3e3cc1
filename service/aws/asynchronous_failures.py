"""The object that SageMaker writes when an asynchronous invocation fails, as a Problem. Pure: text in, Problem out."""

import json
import re

from service.aws import runtime_errors
from service.errors import ModelFailed, Problem

MESSAGE_CHARACTERS = 2000
# SageMaker's sentence around what the model answered, the same as InvokeEndpoint's ModelError has.
OF_MODEL = re.compile(
    r"Received (?:client|server) error \((?P<status>\d+)\) from .+? with message "
    r'"(?P<message>.*)"(?:\.\s*See\s|\.?\s*$)',
    re.DOTALL,
)


def problem_of(endpoint: str, failure: str) -> Problem:
    """NotAnImage, UnreadableImage and the like when the image was at fault, as of /predict; otherwise ModelFailed."""
    found = OF_MODEL.search(failure)
    if found is not None:
        status, message = int(found["status"]), found["message"]
        answer = {"Message": failure, "OriginalStatusCode": status, "OriginalMessage": message}
        return runtime_errors.problem_of(endpoint, 424, {}, json.dumps(answer).encode())
    reason = failure.strip()[:MESSAGE_CHARACTERS] or "SageMaker told no reason"
    return ModelFailed(
        f"The asynchronous invocation of {endpoint!r} failed: {reason}",
        "Look at the endpoint's status and log, then send the image again under another id.",
    )
