"""JSON bodies are small: a larger one is refused before it is read, or as soon as it has grown too large."""

import re

from fastapi import HTTPException, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import problem_answers
from service.errors import PayloadTooLarge

TAKES_IMAGES = re.compile(r"(?!/endpoints/[^/]+$).*/predict(ions)?")  # an endpoint may have such a name
MAX_BODY_BYTES = 1_048_576  # the largest SageMaker request is a small part of it
DETAIL = f"The body is larger than {MAX_BODY_BYTES:,} bytes."
ACTION = "Data goes to S3, images to /predict."


class BodyLimitMiddleware:
    """Bounds every body but an image's, which has its own limit (service.routes.uploads and streamed_upload)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand requests on; one that announces too much is answered here."""
        if scope["type"] != "http" or TAKES_IMAGES.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            await problem_answers.response(PayloadTooLarge(DETAIL, ACTION), Request(scope))(scope, receive, send)
            return
        read_bytes = 0

        async def counted() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > MAX_BODY_BYTES:
                # FastAPI lets only an HTTPException through while it reads a body; service.errors knows this one.
                raise HTTPException(413, DETAIL)
            return message

        await self.app(scope, counted, send)
