"""The app factory: lifespan, errors, routes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TypedDict

from fastapi import FastAPI

from service import openapi_document, problem_answers
from service.aws.clients import Clients
from service.aws.readiness import ReadinessProbe
from service.aws.runtime import Runtime
from service.body_limit import BodyLimitMiddleware
from service.domain.breeds import ClassMaps
from service.domain.fitted_images import ImageFitter
from service.evaluation.judge import Judge
from service.observability import tracing
from service.observability.observed_app import ObservedApp
from service.routes import (
    asynchronous_predictions,
    breeds,
    diagnostics,
    documentation,
    endpoints,
    health,
    job_reports,
    metrics,
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
    image_fitter: ImageFitter
    judge: Judge


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app. Nothing is connected before the lifespan begins, and no AWS client before its first use.

    Raises TracingNotSupported where OTEL_* variables ask for what cannot be done.
    """
    settings = settings or Settings()
    traced = tracing.from_environment(os.environ)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        judge = Judge(settings.region)
        try:
            async with traced.exporting() if traced else nullcontext(), Runtime.open(settings) as runtime:
                yield {
                    "settings": settings,
                    "clients": Clients(settings),
                    "runtime": runtime,
                    "readiness": ReadinessProbe(settings.region),
                    "class_maps": ClassMaps(),
                    "image_fitter": ImageFitter(),
                    "judge": judge,
                }
        finally:
            await asyncio.to_thread(judge.close)

    app = ObservedApp(
        traced,
        title=openapi_document.TITLE,
        version=openapi_document.VERSION,
        lifespan=lifespan,
        openapi_url=None,  # service.routes.documentation serves the document, and Swagger UI with no CDN
    )
    app.state.leaving = asyncio.Event()  # streams end with the service; see service.__main__
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(UnreadBodyMiddleware)  # the outer one: it lets the inner one answer early
    problem_answers.install(app)
    app.router.routes.extend(predict.router.routes)  # first: most requests are for them (service.routes.lean_route)
    for module in (
        tuning_jobs,
        training_jobs,
        diagnostics,
        job_reports,
        endpoints,
        asynchronous_predictions,
        breeds,
        health,
        metrics,
        documentation,
    ):
        app.include_router(module.router)
    return app
