"""From an HTTP request to an operation and back: finds the operation, decodes, validates, calls, encodes.

It knows protocols, and no operation by name: operations come as a table, from (service, name) to a function.
"""

import asyncio
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from botocore.model import OperationModel

from local_sagemaker.errors import AwsError, InternalFailure, UnknownOperationException
from local_sagemaker.faults import Faults
from local_sagemaker.operations.context import Context
from local_sagemaker.wire import fault_control
from local_sagemaker.wire.connection import BodyTooLarge, Connection, Disconnected, Receive, Scope, Send
from local_sagemaker.wire.json_protocol import JsonProtocol, dump_json
from local_sagemaker.wire.messages import Parts, Request, Response
from local_sagemaker.wire.models import operation_model, protocol_name, service_model
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

    def __init__(
        self,
        operations: Mapping[tuple[str, str], Operation],
        context: Context,
        s3: App,
        faults: Faults | None = None,
    ) -> None:
        self._operations = operations
        self._faults = faults or Faults()
        self._wake_engine = context.wake_engine
        self._s3 = s3
        self._router = Router(dict.fromkeys(service for service, _ in operations))
        self._max_body_bytes = {"rest-json": context.settings.max_invocation_bytes}
        self._compiled: dict[tuple[str, str, str], tuple[Protocol, Operation]] = {}
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
            await self._answer_s3(scope, connection, path)
        elif target is Elsewhere.FAULTS:
            await self._control_faults(scope["method"], connection)
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

    async def _answer_s3(self, scope: Scope, connection: Connection, path: str) -> None:
        if self._faults.active:
            fault = self._faults.of_request("s3")
            await asyncio.sleep(fault.latency_seconds)
            if fault.error is not None:
                request_id = _request_id()
                await _send(connection, fault_control.s3_error(fault.error, path, request_id), request_id)
                return
        await self._s3(scope, connection.receive, connection.send)

    async def _control_faults(self, method: str, connection: Connection) -> None:
        try:
            body = await connection.read(MAX_CONTROL_BYTES)
        except Disconnected:
            return
        except BodyTooLarge:
            response = Response(413, b"", [])
        else:
            response = fault_control.answer(self._faults, method, body)
            self._wake_engine.set()
        await _send(connection, response, _request_id())

    async def _answer(self, request: Request, target: Target, signed_for: Signature, request_id: str) -> Response:
        try:
            if target.protocol == "query":
                target = self._named_in_form(request, target, signed_for)
            protocol, operation = self._operation(target)
            if self._faults.active:
                await self._misbehave(target)
            result = operation(self._context_in(signed_for.region), protocol.decode(request))
            members = await result if inspect.isawaitable(result) else result
            return protocol.encode(members, request_id)
        except AwsError as error:
            return _refusal(request, target, error, request_id)
        except Exception:
            logger.exception("%s failed, request id %s", target.told, request_id)
            message = f"local_sagemaker failed at this request; its log tells more (request id {request_id})."
            return _refusal(request, target, InternalFailure(message), request_id)

    async def _misbehave(self, target: Target) -> None:
        fault = self._faults.of_request(target.service or "", target.name)
        await asyncio.sleep(fault.latency_seconds)
        if fault.error is not None:
            raise fault.error

    def _named_in_form(self, request: Request, target: Target, signed_for: Signature) -> Target:
        name = parse_form(request.body).get("Action", "")
        for service in self._router.query_services:
            signing_name = service_model(service).signing_name  # cloudwatch signs as monitoring
            if signed_for.service in (None, signing_name) and operation_model(service, name) is not None:
                return replace(target, service=service, name=name)
        return replace(target, name=name, told=f"{name or 'a form without Action'} of {target.told}")

    def _operation(self, target: Target) -> tuple[Protocol, Operation]:
        """The operation's protocol, compiled at its first request, and its function."""
        if target.service is None:
            raise UnknownOperationException(f"{target.told} is not implemented in local_sagemaker; {_LISTED}")
        compiled = self._compiled.get((target.protocol, target.service, target.name))
        if compiled is None:
            key = (target.service, target.name)
            model = operation_model(*key)
            if model is None:
                raise UnknownOperationException(f"{target.service} has no operation {target.name}; {_LISTED}")
            if key not in self._operations:
                raise UnknownOperationException(
                    f"{target.name} of {target.service} is not implemented in local_sagemaker; {_LISTED}"
                )
            compiled = protocol_of(model, target.protocol), self._operations[key]
            self._compiled[target.protocol, *key] = compiled
        return compiled


def protocol_of(model: OperationModel, protocol: str = "") -> Protocol:
    """How requests and responses of an operation are written, by default in its service's own protocol."""
    return _PROTOCOLS[protocol or protocol_name(model.service_model)](model)


def _refusal(request: Request, target: Target, error: AwsError, request_id: str) -> Response:
    response = _PROTOCOLS[target.protocol].encode_error(error, request_id)
    response.headers.extend(error.headers.items())
    if "x-amzn-query-mode" in request.headers:  # clients that go on showing the codes of the service's Query days
        fault = "Sender" if error.status < 500 else "Receiver"
        response.headers.append(("x-amzn-query-error", f"{error.query_code};{fault}"))
    return response


async def _send(connection: Connection, response: Response, request_id: str) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"x-amzn-requestid", request_id.encode()))
    if response.parts is not None:
        await _send_parts(connection, response.status, headers, response.parts)
        return
    headers.append((b"content-length", str(len(response.body)).encode()))
    await connection.send({"type": "http.response.start", "status": response.status, "headers": headers})
    await connection.send({"type": "http.response.body", "body": response.body, "more_body": False})


async def _send_parts(connection: Connection, status: int, headers: list[tuple[bytes, bytes]], parts: Parts) -> None:
    """Send the parts as they come, and let go of their source as soon as the client goes away."""

    async def send_all() -> None:
        await connection.send({"type": "http.response.start", "status": status, "headers": headers})
        async for part in parts:
            await connection.send({"type": "http.response.body", "body": part, "more_body": True})
        await connection.send({"type": "http.response.body", "body": b"", "more_body": False})

    sending = asyncio.ensure_future(send_all())
    gone = asyncio.ensure_future(connection.gone())
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        sending.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)
        await parts.aclose()
    if not sending.cancelled():
        sending.result()


def _request_id() -> str:
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
