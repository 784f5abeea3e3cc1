"""Endpoints as deployments: POST, GET, PUT and DELETE of model, config and endpoint together."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.openapi.models import Example

from service.dependencies import ClientsDep
from service.domain import deployments, endpoint_views
from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    EndpointNotFound,
    InvalidRequest,
    NameConflict,
    QuotaExceeded,
    StateConflict,
    Throttled,
    TrainingJobNotFound,
)
from service.routes.problem_examples import BUSY_ENDPOINT, of_deployment, of_list, of_name
from service.schemas.endpoint import (
    NAME_PATTERN,
    Deployment,
    Endpoint,
    EndpointFilter,
    EndpointRequest,
    EndpointSummary,
)
from service.schemas.page import Page
from service.schemas.problem import problem_responses

router = APIRouter(prefix="/endpoints", tags=["endpoints"])

AWS_PROBLEMS = (InvalidRequest, Throttled, AccessDenied, AwsUnavailable)
LOCATION = {"Location": {"description": "Where to watch the status.", "schema": {"type": "string"}}}
Name = Annotated[
    str, Path(pattern=NAME_PATTERN, max_length=63, description="The endpoint's name.", examples=["dog-breeds"])
]
FROM_JOB = {"training_job": "dogs-1", "instance_type": "ml.m5.large", "instance_count": 1}
FROM_DATA = {
    "model_data": "s3://sagemaker-us-east-1-123456789012/sagehound/jobs/dogs-1/output/model.tar.gz",
    "instance_type": "ml.c6i.xlarge",
    "tags": {"team": "zoo"},
}
SERVERLESS = {
    "training_job": "dogs-1",
    "serverless": {"memory_size_mb": 2048, "max_concurrency": 5},
    "container": "own",
}
ASYNCHRONOUS = {"training_job": "dogs-1", "asynchronous": {}, "precision": "fp32"}


def _bodies(**more: str) -> dict[str, Example]:
    """Examples of a body by what they show; `more` are members of each."""
    shown: dict[str, dict[str, Any]] = {
        "from a training job": FROM_JOB,
        "from a model artifact in S3": FROM_DATA,
        "serverless, in the own container": SERVERLESS,
        "asynchronous": ASYNCHRONOUS,
    }
    return {name: {"summary": name.capitalize(), "value": {**more, **body}} for name, body in shown.items()}


def _accepted(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": description, "model": Endpoint, "headers": LOCATION}}


@router.post(
    "",
    status_code=202,
    summary="Deploy a model",
    response_model=Endpoint,
    responses={
        202: {"description": "The endpoint is being created.", "headers": LOCATION},
        **_accepted(200, "The same request made this endpoint before; here it is."),
        **problem_responses(
            BadRequest,
            TrainingJobNotFound,
            NameConflict,
            StateConflict,
            QuotaExceeded,
            *AWS_PROBLEMS,
            instance="/endpoints",
            told=of_deployment("CreateEndpoint"),
        ),
    },
)
def create_endpoint(
    clients: ClientsDep,
    response: Response,
    request: Annotated[
        EndpointRequest,
        Body(openapi_examples=_bodies(name="dog-breeds")),
    ],
) -> Endpoint:
    """Makes model, endpoint config and endpoint from a training job or a model artifact.

    **On AWS an endpoint costs money from now until it is deleted**, whether anybody asks it or not: DELETE it when you
    are done. `serverless` costs only while it is asked, and starts slowly after a rest; with `asynchronous` predictions
    wait in a queue (POST /endpoints/{name}/predictions) and images may be big.

    The inference code of this service is put into the artifact. Takes minutes on AWS: watch `status` at Location. The
    name is the key: the same body again answers the same endpoint (200) and completes what an interruption left half
    made; another body is a conflict (409), PUT changes an endpoint.
    """
    created = deployments.create(clients, request)
    response.status_code = 202 if created else 200
    response.headers["Location"] = f"/endpoints/{request.name}"
    return endpoint_views.describe(clients, request.name)


@router.get(
    "",
    summary="List endpoints",
    responses=problem_responses(BadRequest, *AWS_PROBLEMS, instance="/endpoints", told=of_list("ListEndpoints")),
)
def list_endpoints(asked: Annotated[EndpointFilter, Query()], clients: ClientsDep) -> Page[EndpointSummary]:
    """All endpoints of the account and region, also those that this service did not make; the newest first."""
    return endpoint_views.page(clients, asked)


@router.get(
    "/{name}",
    summary="Describe an endpoint",
    responses=problem_responses(
        EndpointNotFound, *AWS_PROBLEMS, instance="/endpoints/dog-breeds", told=of_name("DescribeEndpoint")
    ),
)
def describe_endpoint(name: Name, clients: ClientsDep) -> Endpoint:
    """Status, variants, and what it was made from. `failure_reason` tells why it is Failed."""
    return endpoint_views.describe(clients, name)


@router.put(
    "/{name}",
    status_code=202,
    summary="Change what an endpoint serves",
    response_model=Endpoint,
    responses={
        202: {"description": "The endpoint is being updated; it serves on meanwhile.", "headers": LOCATION},
        **_accepted(200, "The endpoint is as asked for already, or on its way there."),
        **problem_responses(
            BadRequest,
            EndpointNotFound,
            TrainingJobNotFound,
            StateConflict,
            QuotaExceeded,
            *AWS_PROBLEMS,
            instance="/endpoints/dog-breeds",
            told=of_deployment("UpdateEndpoint"),
        ),
    },
)
def update_endpoint(
    name: Name,
    clients: ClientsDep,
    response: Response,
    wanted: Annotated[
        Deployment,
        Body(openapi_examples=_bodies()),
    ],
) -> Endpoint:
    """Another model, instance type, count or kind, without an interruption: SageMaker starts the new one before it ends
    the old one. The body replaces all that POST gave. Models and configs of earlier changes are deleted by the way.
    """
    changes = deployments.update(clients, name, wanted)
    response.status_code = 202 if changes else 200
    response.headers["Location"] = f"/endpoints/{name}"
    return endpoint_views.describe(clients, name)


@router.delete(
    "/{name}",
    status_code=202,
    response_class=Response,
    summary="Delete an endpoint",
    responses={
        202: {
            "description": "The endpoint is being deleted; its Location answers 404 when it is gone.",
            "headers": LOCATION,
        },
        204: {"description": "Only models or configs of an interrupted deployment were left; they are deleted."},
        **problem_responses(
            BadRequest,
            EndpointNotFound,
            StateConflict,
            *AWS_PROBLEMS,
            instance="/endpoints/dog-breeds",
            told=BUSY_ENDPOINT,
        ),
    },
)
def delete_endpoint(name: Name, clients: ClientsDep) -> Response:
    """Deletes the endpoint, and the models and configs that this service made for it; nothing of it costs money then.

    May be repeated: 202 while SageMaker deletes, 404 once nothing of the name is there. Model artifacts in S3 stay.
    """
    if deployments.delete(clients, name):
        return Response(status_code=202, headers={"Location": f"/endpoints/{name}"})
    return Response(status_code=204)
