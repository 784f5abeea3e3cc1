"""The app factory: lifespan, errors, routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from service import errors, openapi_document
from service.aws.clients import Clients
from service.aws.readiness import ReadinessProbe
from service.aws.runtime import Runtime
from service.body_limit import BodyLimitMiddleware
from service.domain.breeds import ClassMaps
from service.evaluation.judge import Judge
from service.routes import (
    breeds,
    diagnostics,
    documentation,
    endpoints,
    health,
    job_reports,
    predict,
    training_jobs,
    tuning_jobs,
)
from service.settings import Settings
from service.unread_body import UnreadBodyMiddleware


class State(TypedDict):
    """What lives as long as the app; routes get it through service.dependencies."""

    settings: Settings
    clients: Clients
    runtime: Runtime
    readiness: ReadinessProbe
    class_maps: ClassMaps
    judge: Judge


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app. Nothing is connected before the lifespan begins, and no AWS client before its first use."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        judge = Judge(settings.region)
        try:
            async with Runtime.open(settings) as runtime:
                yield {
                    "settings": settings,
                    "clients": Clients(settings),
                    "runtime": runtime,
                    "readiness": ReadinessProbe(settings.region),
                    "class_maps": ClassMaps(),
                    "judge": judge,
                }
        finally:
            await asyncio.to_thread(judge.close)

    app = FastAPI(
        title=openapi_document.TITLE,
        version=openapi_document.VERSION,
        lifespan=lifespan,
        openapi_url=None,  # service.routes.documentation serves the document, and Swagger UI with no CDN
    )
    app.state.leaving = asyncio.Event()  # streams end with the service; see service.__main__
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(UnreadBodyMiddleware)  # the outer one: it lets the inner one answer early
    errors.install(app)
    for module in (
        tuning_jobs,
        training_jobs,
        diagnostics,
        job_reports,
        endpoints,
        predict,
        breeds,
        health,
        documentation,
    ):
        app.include_router(module.router)
    return app
