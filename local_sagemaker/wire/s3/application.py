"""The ASGI application of S3: decides for each request whether it is refused, our own, or nanio's."""

import asyncio
import errno
import logging
import secrets
from pathlib import Path
from typing import Any

from nanio.auth.credentials import StaticCredentialResolver
from nanio.config import Settings as NanioSettings
from nanio.errors import InternalError, S3Error
from nanio.handlers.bucket import dispatch_bucket
from nanio.handlers.object import dispatch_object
from nanio.handlers.service import list_buckets
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from local_sagemaker.settings import Settings
from local_sagemaker.wire.connection import Message, Receive, Scope, Send
from local_sagemaker.wire.s3 import writing
from local_sagemaker.wire.s3.conditions import forward_range, not_modified
from local_sagemaker.wire.s3.listing import list_objects
from local_sagemaker.wire.s3.storage import FolderStorage
from local_sagemaker.wire.s3.unsupported import refusal

logger = logging.getLogger(__name__)

METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST"]


class S3:
    """Buckets are the folders in `buckets_dir`. Credentials are not checked."""

    def __init__(self, buckets_dir: Path, account_id: str) -> None:
        self._root = buckets_dir.resolve()
        self._account_id = account_id
        self._storage = FolderStorage(self._root)
        self._app = Starlette(
            routes=[
                Route("/", list_buckets, methods=["GET", "HEAD"]),
                Route("/{bucket}", self._bucket, methods=METHODS),
                Route("/{bucket}/", self._bucket, methods=METHODS),
                Route("/{bucket}/{key:path}", self._object, methods=METHODS),
            ],
            exception_handlers={
                S3Error: _answer_s3_error,
                ClientDisconnect: _answer_nobody,
                OSError: _answer_full_disk,
                Exception: _answer_failure,
            },
        )
        self._app.router.redirect_slashes = False
        # What nanio's own handlers look up; its settings insist on credentials, which nothing here reads.
        self._app.state.storage = self._storage
        self._app.state.settings = NanioSettings(
            data_dir=self._root, auth_disabled=True, credentials=StaticCredentialResolver({"unread": "unread"})
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = secrets.token_hex(8).upper().encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                ids = [(b"x-amz-request-id", request_id), (b"x-amzn-requestid", request_id)]
                message["headers"] = [*message.get("headers", ()), *ids]
            await send(message)

        await self._app(scope, receive, send_with_id)

    async def _bucket(self, request: Request) -> Response:
        bucket = request.path_params["bucket"]
        self._refuse(request, "")
        if request.method == "GET" and not {"location", "uploads"} & request.query_params.keys():
            folder = self._storage.require_bucket(bucket)
            query = dict(request.query_params)
            xml = await asyncio.to_thread(
                list_objects, bucket, folder, query, lambda key: self._storage.describe(bucket, key)
            )
            return Response(xml, media_type="application/xml")
        response: Response = await dispatch_bucket(request)
        return response

    async def _object(self, request: Request) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        self._refuse(request, key)
        upload_id = request.query_params.get("uploadId")
        if upload_id is not None:
            writing.checked_upload_id(upload_id)
        if request.method == "PUT":
            return await self._put(request, bucket, key)
        if request.method == "POST" and upload_id is not None:
            return await writing.complete_multipart_upload(request, self._storage, self._root)
        if request.method == "POST":
            self._storage.check_key(bucket, key)
        if request.method in ("GET", "HEAD") and upload_id is None:
            info = self._storage.head_object(bucket, key)
            if not_modified(request.headers, info):
                return Response(status_code=304, headers={"ETag": info.etag})
            request = _with_forward_range(request, info.size)
        response: Response = await dispatch_object(request)
        return response

    async def _put(self, request: Request, bucket: str, key: str) -> Response:
        is_copy = "x-amz-copy-source" in request.headers
        if "uploadId" in request.query_params and "partNumber" in request.query_params:
            part = writing.upload_part_copy if is_copy else writing.upload_part
            return await part(request, self._storage, self._root)
        whole = writing.copy_object if is_copy else writing.put_object
        return await whole(request, self._storage, bucket, key)

    def _refuse(self, request: Request, key: str) -> None:
        error = refusal(request.method, key, request.query_params, request.headers, self._account_id)
        if error is not None:
            raise error


def create_s3(settings: Settings) -> S3:
    """S3 over the settings' buckets folder, which is made when it is not there."""
    return S3(settings.buckets_dir, settings.account_id)


def _with_forward_range(request: Request, size: int) -> Request:
    if "range" not in request.headers:
        return request
    headers = request.headers.mutablecopy()
    headers["range"] = forward_range(headers["range"], size)
    return Request({**request.scope, "headers": headers.raw}, request.receive)


async def _answer_s3_error(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    return _error_response(error)


async def _answer_full_disk(request: Request, error: Exception) -> Response:
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return await _answer_failure(request, error)
    folder = request.app.state.settings.data_dir
    return _error_response(InternalError(f"The disk of {folder} is full. Free some space there and try again."))


async def _answer_failure(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error_response(InternalError())


def _error_response(error: Any) -> Response:
    return Response(error.to_xml(), error.http_status, media_type="application/xml")


async def _answer_nobody(request: Request, error: Exception) -> Response:  # noqa: ARG001 - nobody is there any more
    return Response(status_code=400, headers={"connection": "close"})
