"""What the routes of jobs answer alike."""

from typing import Any

from fastapi import Response, status

from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    InvalidRequest,
    NameConflict,
    Problem,
    QuotaExceeded,
    Throttled,
)
from service.schemas.job import JobReference
from service.schemas.problem import Told, problem_responses

AWS_PROBLEMS = (InvalidRequest, Throttled, AccessDenied, AwsUnavailable)
_LOCATION = {"Location": {"description": "Where to watch the status.", "schema": {"type": "string"}}}


def referring(example: dict[str, str], description: str) -> dict[str, Any]:
    """An answer that names a job; its Location is the job."""
    return {
        "model": JobReference,
        "description": description,
        "headers": _LOCATION,
        "content": {"application/json": {"example": example}},
    }


def created_or_found(
    instance: str, *problems: type[Problem], example: dict[str, str], told: Told
) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that makes a job once a name."""
    return {
        200: referring(example, "The same body made this job before."),
        202: referring(example, "The job was made."),
        **problem_responses(
            BadRequest, NameConflict, QuotaExceeded, *problems, *AWS_PROBLEMS, instance=instance, told=told
        ),
    }


def answer_created(response: Response, path: str, *, created: bool) -> None:
    """202 for what was made, 200 for what was there; Location in both."""
    response.status_code = status.HTTP_202_ACCEPTED if created else status.HTTP_200_OK
    response.headers["Location"] = path
