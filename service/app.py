"""The app factory: lifespan, errors, routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from service import errors
from service.aws.clients import Clients
from service.aws.runtime import Runtime
from service.routes import breeds, documentation, endpoints, health, predict, training_jobs, tuning_jobs
from service.settings import Settings


class State(TypedDict):
    """What lives as long as the app; routes get it through service.dependencies."""

    settings: Settings
    clients: Clients
    runtime: Runtime


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app. Nothing is connected before the lifespan begins, and no AWS client before its first use."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with Runtime.open(settings) as runtime:
            yield {"settings": settings, "clients": Clients(settings), "runtime": runtime}

    app = FastAPI(
        title="Sagehound",
        version="0.1.0",
        summary="Tune, train, debug, profile, deploy and ask a dog-breed classifier on Amazon SageMaker.",
        lifespan=lifespan,
        docs_url=None,  # service.routes.documentation serves Swagger UI from this process, with no CDN
        redoc_url=None,
    )
    errors.install(app)
    for module in (tuning_jobs, training_jobs, endpoints, predict, breeds, health, documentation):
        app.include_router(module.router)
    return app
