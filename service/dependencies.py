"""Typed dependencies of the routes: what the lifespan opened."""

from typing import Annotated

from fastapi import Depends, Request

from service.aws.clients import Clients
from service.aws.runtime import Runtime
from service.settings import Settings


def get_settings(request: Request) -> Settings:
    """The app's settings."""
    return request.state.settings  # type: ignore[no-any-return]


def get_clients(request: Request) -> Clients:
    """The boto3 clients, made at first use."""
    return request.state.clients  # type: ignore[no-any-return]


def get_runtime(request: Request) -> Runtime:
    """The asynchronous client of InvokeEndpoint."""
    return request.state.runtime  # type: ignore[no-any-return]


SettingsDep = Annotated[Settings, Depends(get_settings)]
ClientsDep = Annotated[Clients, Depends(get_clients)]
RuntimeDep = Annotated[Runtime, Depends(get_runtime)]
