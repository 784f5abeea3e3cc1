"""What became of an asynchronous prediction: told by the objects that SageMaker wrote, or did not write in time."""

from datetime import UTC, datetime, timedelta

from service.aws import asynchronous_failures, s3
from service.aws.asynchronous_invocations import OVERDUE_SECONDS
from service.aws.clients import Clients
from service.aws.runtime import Invocation
from service.domain.prediction_records import PredictionRecord
from service.domain.predictions import prediction_of
from service.errors import ModelFailed, Problem
from service.schemas.asynchronous_prediction import AsynchronousPrediction, PredictionStatus
from service.schemas.problem import ProblemDetails

MAX_BYTES = 1_048_576  # a hundred breeds have 20 KB


def answer_of(clients: Clients, record: PredictionRecord) -> AsynchronousPrediction:
    """The prediction as it stands now."""
    content = s3.read(clients, record.output_uri, MAX_BYTES)
    if content is not None:
        invocation = Invocation(body=content, content_type="something", variant=None)
        try:
            prediction = prediction_of(record.endpoint, invocation, record.top_k)
        except ModelFailed as problem:
            return _failed(record, problem)
        return _told(record, PredictionStatus.COMPLETED, prediction=prediction)
    failure = s3.read(clients, record.failure_uri, MAX_BYTES) if record.failure_uri else None
    if failure is not None:
        return _failed(record, asynchronous_failures.problem_of(record.endpoint, failure.decode(errors="replace")))
    if datetime.now(UTC) > record.accepted_at + timedelta(seconds=OVERDUE_SECONDS):
        return _failed(record, _overdue(record.endpoint))
    return in_progress(record)


def in_progress(record: PredictionRecord) -> AsynchronousPrediction:
    """The prediction before there is an answer."""
    return _told(record, PredictionStatus.IN_PROGRESS)


def _failed(record: PredictionRecord, problem: Problem) -> AsynchronousPrediction:
    return _told(record, PredictionStatus.FAILED, problem=ProblemDetails(**problem.body(record.location)))


def _overdue(endpoint: str) -> ModelFailed:
    return ModelFailed(
        f"SageMaker wrote neither an answer nor a failure within {OVERDUE_SECONDS:,} s, and will not any more.",
        f"Look whether the endpoint {endpoint!r} stands and keeps up, then send the image again under another id.",
    )


def _told(record: PredictionRecord, status: PredictionStatus, **members: object) -> AsynchronousPrediction:
    known = {"id": record.id, "endpoint": record.endpoint, "location": record.location}
    return AsynchronousPrediction.model_validate(
        {**known, "status": status, "accepted_at": record.accepted_at, **members}
    )
