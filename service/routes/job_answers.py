"""What the routes of jobs answer alike."""

from typing import Any

from fastapi import Response, status

from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    InvalidRequest,
    NameConflict,
    QuotaExceeded,
    StateConflict,
    Throttled,
)
from service.schemas.job import JobReference
from service.schemas.problem import problem_responses

AWS_PROBLEMS = (InvalidRequest, Throttled, AccessDenied, AwsUnavailable)
_LOCATION = {"Location": {"description": "Where to watch the status.", "schema": {"type": "string"}}}


def created_or_found(instance: str) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that makes a job once a name."""
    return {
        200: {"model": JobReference, "description": "The same body made this job before.", "headers": _LOCATION},
        202: {"model": JobReference, "description": "The job was made.", "headers": _LOCATION},
        **problem_responses(BadRequest, NameConflict, StateConflict, QuotaExceeded, *AWS_PROBLEMS, instance=instance),
    }


def answer_created(response: Response, path: str, *, created: bool) -> None:
    """202 for what was made, 200 for what was there; Location in both."""
    response.status_code = status.HTTP_202_ACCEPTED if created else status.HTTP_200_OK
    response.headers["Location"] = path
