"""Typed dependencies of the routes: what the lifespan opened."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request

from service.aws.clients import Clients
from service.aws.readiness import ReadinessProbe
from service.aws.runtime import Runtime
from service.domain.breeds import ClassMaps
from service.domain.fitted_images import ImageFitter
from service.evaluation.judge import Judge
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


def get_image_fitter(request: Request) -> ImageFitter:
    """What shrinks images that are too large."""
    return request.state.image_fitter  # type: ignore[no-any-return]


def get_readiness(request: Request) -> ReadinessProbe:
    """The client that GET /readyz asks with."""
    return request.state.readiness  # type: ignore[no-any-return]


def get_class_maps(request: Request) -> ClassMaps:
    """The class maps of deployed models that were read before."""
    return request.state.class_maps  # type: ignore[no-any-return]


def get_judge(request: Request) -> Judge:
    """The process that judges jobs."""
    return request.state.judge  # type: ignore[no-any-return]


def get_leaving(request: Request) -> asyncio.Event:
    """Set once the service begins to end."""
    return request.app.state.leaving  # type: ignore[no-any-return]


SettingsDep = Annotated[Settings, Depends(get_settings)]
ClientsDep = Annotated[Clients, Depends(get_clients)]
ReadinessDep = Annotated[ReadinessProbe, Depends(get_readiness)]
JudgeDep = Annotated[Judge, Depends(get_judge)]
LeavingDep = Annotated[asyncio.Event, Depends(get_leaving)]
ClassMapsDep = Annotated[ClassMaps, Depends(get_class_maps)]
