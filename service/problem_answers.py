"""Every error of the app as RFC 9457 problem+json: its own problems, and what FastAPI and Starlette raise."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service import request_id, schema_faults
from service.errors import (
    MEDIA_TYPE,
    BadRequest,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    PayloadTooLarge,
    Problem,
    RouteNotFound,
)

UNPARSED = "There was an error parsing the body"  # FastAPI's words when Python's parser gives up


def response(problem: Problem, request: Request) -> JSONResponse:
    """The HTTP answer of a problem, which the access log finds in the scope."""
    request.scope["problem"] = problem
    return JSONResponse(
        problem.body(request.url.path), problem.status, headers=dict(problem.headers or {}), media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Make every error of the app a problem+json answer."""

    @app.exception_handler(Problem)
    async def problem_raised(request: Request, problem: Problem) -> JSONResponse:
        return response(problem, request)

    @app.exception_handler(RequestValidationError)
    async def schema_broken(request: Request, error: RequestValidationError) -> JSONResponse:
        places = schema_faults.places(error.errors(), request.headers.get("content-type", ""))
        detail = "; ".join(f"{place['pointer']}: {place['detail']}" for place in places)
        return response(
            InvalidRequest(detail, "Correct the named members; /docs shows the schema.", errors=places), request
        )

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return response(RouteNotFound(f"No route {request.url.path}.", "See /docs for the routes."), request)
        if error.status_code == 405:
            detail = f"{request.method} is not a method of {request.url.path}."
            return response(MethodNotAllowed(detail, "See /docs for the methods.", headers=error.headers), request)
        if error.status_code == 413:
            return response(PayloadTooLarge(str(error.detail), "Data goes to S3, images to /predict."), request)
        if error.detail == UNPARSED:
            detail = "The body is no JSON that can be read: it nests too deeply, or a number has too many digits."
            return response(BadRequest(detail, "Send a plain JSON object; /docs shows the schema."), request)
        problem = BadRequest(str(error.detail), "Correct the request and send it again.", headers=error.headers)
        return response(problem, request)

    @app.exception_handler(Exception)
    async def fault(request: Request, _: Exception) -> JSONResponse:
        # Starlette re-raises after answering, and service.observability.middleware logs the traceback with the id.
        action = "Try again; if it stays, read the service's log, where lines of this request carry its request_id."
        return response(InternalError("The service failed.", action, request_id=request_id.current.get()), request)
