"""From an HTTP request to an operation and back: finds the operation, decodes, validates, calls, encodes.

It knows protocols, and no operation by name: operations come as a table, from (service, name) to a function.
"""

import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from botocore.model import OperationModel

from local_sagemaker.errors import AwsError, InternalFailure, UnknownOperationException
from local_sagemaker.operations.context import Context
from local_sagemaker.wire.connection import BodyTooLarge, Connection, Disconnected, Receive, Scope, Send
from local_sagemaker.wire.json_protocol import JsonProtocol, dump_json
from local_sagemaker.wire.messages import Request, Response
from local_sagemaker.wire.models import operation_model
from local_sagemaker.wire.query_protocol import QueryProtocol, parse_form
from local_sagemaker.wire.rest_json_protocol import RestJsonProtocol
from local_sagemaker.wire.routing import Elsewhere, Router, Signature, Target, signature

logger = logging.getLogger(__name__)

Members = dict[str, Any]
Operation = Callable[[Context, Members], Members | Awaitable[Members]]
Protocol = JsonProtocol | QueryProtocol | RestJsonProtocol
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_CONTROL_BYTES = 2 * 1024 * 1024  # far above the largest request that the limits of its members allow
_PROTOCOLS: dict[str, type[Protocol]] = {"json": JsonProtocol, "query": QueryProtocol, "rest-json": RestJsonProtocol}
_LISTED = "docs/local_sagemaker.md lists the operations of local_sagemaker"


HEALTHY = Response(200, dump_json({"status": "ok"}), [("content-type", "application/json")])


class Dispatcher:
    """The ASGI application of all services on one port."""

    def __init__(self, operations: Mapping[tuple[str, str], Operation], context: Context, s3: App) -> None:
        self._operations = operations
        self._s3 = s3
        self._router = Router(dict.fromkeys(service for service, _ in operations))
        self._max_body_bytes = {"rest-json": context.settings.max_invocation_bytes}
        self._compiled: dict[tuple[str, str], tuple[Protocol, Operation]] = {}
        self._context_in = lru_cache(maxsize=64)(lambda region: replace(context, region=region))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query: str = scope["query_string"].decode("latin-1")
        path: str = scope["raw_path"].decode("latin-1")
        connection = Connection(headers, receive, send)
        signed_for = signature(headers, query)
        target = self._router.route(scope["method"], path, headers, signed_for)
        if target is Elsewhere.S3:
            await self._s3(scope, connection.receive, connection.send)
        elif target is Elsewhere.HEALTH:
            await _send(connection, HEALTHY, _request_id())
        else:
            request_id = _request_id()
            try:
                body = await connection.read(self._max_body_bytes.get(target.protocol, MAX_CONTROL_BYTES))
            except Disconnected:
                return
            except BodyTooLarge as error:
                protocol = _PROTOCOLS[target.protocol]
                message = f"The request's body is larger than {error.limit_bytes} bytes, which is the limit here."
                response = protocol.encode_error(protocol.invalid(message), request_id)
            else:
                request = Request(scope["method"], path, query, headers, body)
                response = await self._answer(request, target, signed_for, request_id)
            await _send(connection, response, request_id)

    async def _answer(self, request: Request, target: Target, signed_for: Signature, request_id: str) -> Response:
        try:
            if target.protocol == "query":
                target = self._named_in_form(request, target, signed_for)
            protocol, operation = self._operation(target)
            result = operation(self._context_in(signed_for.region), protocol.decode(request))
            members = await result if inspect.isawaitable(result) else result
            return protocol.encode(members, request_id)
        except AwsError as error:
            return _PROTOCOLS[target.protocol].encode_error(error, request_id)
        except Exception:
            logger.exception("%s failed, request id %s", target.told, request_id)
            message = f"local_sagemaker failed at this request; its log tells more (request id {request_id})."
            return _PROTOCOLS[target.protocol].encode_error(InternalFailure(message), request_id)

    def _named_in_form(self, request: Request, target: Target, signed_for: Signature) -> Target:
        name = parse_form(request.body).get("Action", "")
        for service in self._router.query_services:
            if signed_for.service in (None, service) and operation_model(service, name) is not None:
                return replace(target, service=service, name=name)
        return replace(target, name=name, told=f"{name or 'a form without Action'} of {target.told}")

    def _operation(self, target: Target) -> tuple[Protocol, Operation]:
        """The operation's protocol, compiled at its first request, and its function."""
        if target.service is None:
            raise UnknownOperationException(f"{target.told} is not implemented in local_sagemaker; {_LISTED}")
        key = (target.service, target.name)
        if key not in self._compiled:
            model = operation_model(*key)
            if model is None:
                raise UnknownOperationException(f"{target.service} has no operation {target.name}; {_LISTED}")
            if key not in self._operations:
                raise UnknownOperationException(
                    f"{target.name} of {target.service} is not implemented in local_sagemaker; {_LISTED}"
                )
            self._compiled[key] = protocol_of(model), self._operations[key]
        return self._compiled[key]


def protocol_of(model: OperationModel) -> Protocol:
    """How requests and responses of an operation are written."""
    return _PROTOCOLS[model.metadata["protocol"]](model)


async def _send(connection: Connection, response: Response, request_id: str) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    headers.append((b"x-amzn-requestid", request_id.encode()))
    await connection.send({"type": "http.response.start", "status": response.status, "headers": headers})
    await connection.send({"type": "http.response.body", "body": response.body, "more_body": False})


def _request_id() -> str:
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
