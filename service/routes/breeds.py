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
from service.schemas.breed import BreedList
from service.schemas.endpoint import NAME_PATTERN
from service.schemas.problem import problem_responses

router = APIRouter(tags=["predictions"])


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
    ),
)
def list_breeds(
    clients: ClientsDep,
    settings: SettingsDep,
    class_maps: ClassMapsDep,
    endpoint: Annotated[
        str | None,
        Query(
            pattern=NAME_PATTERN, max_length=63, description="Which endpoint's model; default: that of POST /predict."
        ),
    ] = None,
) -> BreedList:
    """Class index, training folder and breed, read from the model artifact behind the endpoint."""
    return class_maps.of_endpoint(clients, endpoint or settings.default_endpoint)
