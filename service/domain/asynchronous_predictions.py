"""Predictions through SageMaker's queue: all that the service knows of one lies in S3, in the prediction's own folder.

First the image is written, then SageMaker is asked, then the record is written, and then the client hears of it: who
crashes in between, or never hears the answer, sends it again under the same id. The model may be asked twice then.
"""

import contextlib
import hashlib
import json
import uuid
from datetime import UTC, datetime

from service import request_id
from service.aws import asynchronous_invocations, endpoint_configs, s3
from service.aws.asynchronous_invocations import Asked
from service.aws.clients import Clients
from service.domain import deployments, prediction_records
from service.domain.asynchronous_answers import answer_of, in_progress
from service.domain.prediction_folders import PredictionFolders
from service.domain.prediction_records import PredictionRecord
from service.domain.received_image import ReceivedImage
from service.errors import (
    AwsUnavailable,
    BadRequest,
    EndpointNotInService,
    NameConflict,
    PredictionNotFound,
    Problem,
    StateConflict,
    WrongEndpointKind,
)
from service.schemas.asynchronous_prediction import AsynchronousPrediction, PredictionStatus
from service.schemas.endpoint import EndpointStatus

ANSWERING = frozenset(
    {
        EndpointStatus.IN_SERVICE,
        EndpointStatus.UPDATING,
        EndpointStatus.SYSTEM_UPDATING,
        EndpointStatus.ROLLING_BACK,
    }
)


def submit(
    clients: Clients, endpoint: str, prediction_id: str, image: ReceivedImage, top_k: int
) -> tuple[AsynchronousPrediction, bool]:
    """Queue the image for the endpoint's model. False, and what became of it, when the same request did so before.

    Raises NameConflict when another image or top_k has this id, WrongEndpointKind for an endpoint that is not
    asynchronous, EndpointNotFound and EndpointNotInService.
    """
    folders = _folders(clients, endpoint)
    digest = hashlib.sha256(json.dumps([image.sha256, top_k]).encode()).hexdigest()
    earlier = prediction_records.find(clients, folders, prediction_id)
    if earlier is None:
        record = _ask(clients, folders, prediction_id, image, top_k=top_k, digest=digest)
        if prediction_records.create(clients, folders, record):
            return in_progress(record), True
        earlier = prediction_records.find(clients, folders, prediction_id)  # another request was faster
    if earlier is None:
        raise AwsUnavailable(f"The prediction {prediction_id!r} was deleted meanwhile.", "Send the image again.")
    if earlier.digest != digest:
        raise NameConflict(
            f"The prediction {prediction_id!r} of {endpoint!r} was asked for with another image or top_k.",
            "Take another id, or leave it out.",
        )
    return answer_of(clients, earlier), False


def get(clients: Clients, endpoint: str, prediction_id: str) -> AsynchronousPrediction:
    """How far it is, and the answer or the reason once there is one. Raises PredictionNotFound."""
    record = prediction_records.find(clients, _folders(clients, endpoint), prediction_id)
    if record is None:
        raise _not_found(endpoint, prediction_id)
    return answer_of(clients, record)


def delete(clients: Clients, endpoint: str, prediction_id: str) -> None:
    """Delete image, answer and record. Raises PredictionNotFound, and StateConflict while it is in progress.

    The record goes first: without it there is no prediction, and what a crash leaves of its folder goes next time.
    """
    folders = _folders(clients, endpoint)
    record = prediction_records.find(clients, folders, prediction_id)
    places = s3.uris_below(clients, folders.bucket, folders.key(prediction_id))
    if record is None and not places:
        raise _not_found(endpoint, prediction_id)
    if record is not None:
        if answer_of(clients, record).status is PredictionStatus.IN_PROGRESS:
            raise StateConflict(
                f"The prediction {prediction_id!r} is InProgress, and SageMaker takes nothing out of its queue.",
                f"Wait until GET {record.location} says Completed or Failed, then send this again.",
            )
        first = prediction_records.uri(folders, prediction_id)
        places = [first, *filter(None, (record.failure_uri, record.output_uri)), *places]
    for place in dict.fromkeys(places):
        s3.delete(clients, place)


def _ask(
    clients: Clients, folders: PredictionFolders, prediction_id: str, image: ReceivedImage, *, top_k: int, digest: str
) -> PredictionRecord:
    # A name of its own for every attempt: the image of another one is never written over, nor deleted below.
    key = folders.key(prediction_id, f"input-{uuid.uuid4().hex}")
    input_uri = s3.upload(clients, folders.bucket, key, image.file, image.content_type)
    accepted_at = datetime.now(UTC)
    try:
        queued = asynchronous_invocations.invoke(
            clients,
            Asked(
                endpoint=folders.endpoint,
                input_uri=input_uri,
                content_type=image.content_type,
                accept=f"application/json; top_k={top_k}",
                inference_id=request_id.current.get() or prediction_id,
                output_folder=prediction_id,
            ),
        )
    except Problem as problem:
        with contextlib.suppress(Problem):  # the first problem is the answer
            s3.delete(clients, input_uri)
        if isinstance(problem, BadRequest):
            _explain(clients, folders.endpoint)
        raise
    return PredictionRecord(
        id=prediction_id,
        endpoint=folders.endpoint,
        digest=digest,
        content_type=image.content_type,
        top_k=top_k,
        input_uri=input_uri,
        output_uri=queued.output_uri,
        failure_uri=queued.failure_uri,
        accepted_at=accepted_at,
    )


def _explain(clients: Clients, endpoint: str) -> None:
    """Raise what keeps the endpoint from taking the request, where it can be seen."""
    state = deployments.get(clients, endpoint)
    config = endpoint_configs.describe(clients, state.config_name) if state.config_name else None
    if config is not None and config.asynchronous is None:
        raise WrongEndpointKind(
            f"The endpoint {endpoint!r} is not asynchronous.",
            f"Send the image to POST /endpoints/{endpoint}/predict, or deploy an endpoint with "
            '"asynchronous": {} and ask that one.',
        )
    if state.status not in ANSWERING:
        raise EndpointNotInService(
            f"The endpoint {endpoint!r} is {state.status}.", f"Wait until GET /endpoints/{endpoint} says InService."
        )


def _folders(clients: Clients, endpoint: str) -> PredictionFolders:
    return PredictionFolders(clients.bucket(), clients.settings.prefix, endpoint)


def _not_found(endpoint: str, prediction_id: str) -> PredictionNotFound:
    return PredictionNotFound(
        f"The endpoint {endpoint!r} has no asynchronous prediction {prediction_id!r}.",
        f"Send the image: POST /endpoints/{endpoint}/predictions answers where its prediction will be.",
    )
