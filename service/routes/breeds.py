"""GET /breeds: the classes of a deployed model."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.dependencies import ClassMapsDep, ClientsDep, SettingsDep
from service.errors import (
    AccessDenied,
    AwsUnavailable,
    BadRequest,
    EndpointNotFound,
    InvalidRequest,
    StateConflict,
    Throttled,
)
from service.routes.problem_examples import CORRECT_MEMBERS, refused
from service.schemas.breed import BreedList, BreedQuery
from service.schemas.endpoint import NAME_PATTERN
from service.schemas.problem import problem_responses

router = APIRouter(tags=["breeds"])

TOLD = {
    BadRequest: (
        "There is no object s3://my-bucket/models/model.tar.gz.",
        "Deploy the endpoint again from a model artifact that exists.",
    ),
    StateConflict: (
        "classes.json of the model 'dog-breeds-0f3a2b4c5d' cannot be read: its indices are not 0, 1, 2, ....",
        "Deploy a model of this service's training jobs.",
    ),
    InvalidRequest: (f"#/query/endpoint: String should match pattern '{NAME_PATTERN}'", CORRECT_MEMBERS),
    AccessDenied: refused("DescribeEndpoint"),
}


@router.get(
    "/breeds",
    summary="List the breeds that a model knows",
    responses=problem_responses(
        BadRequest,
        EndpointNotFound,
        StateConflict,
        InvalidRequest,
        Throttled,
        AccessDenied,
        AwsUnavailable,
        instance="/breeds",
        told=TOLD,
    ),
)
def list_breeds(
    clients: ClientsDep,
    settings: SettingsDep,
    class_maps: ClassMapsDep,
    query: Annotated[BreedQuery, Query()],
) -> BreedList:
    """Class index, training folder and breed, read from the model artifact behind the endpoint."""
    return class_maps.of_endpoint(clients, query.endpoint or settings.default_endpoint)
