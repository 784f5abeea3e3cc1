"""InvokeEndpointAsync: the request is written down and answered; engine/endpoints/async_invocations.py runs it."""

import uuid
from collections.abc import Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.endpoints.routing import Route
from local_sagemaker.errors import ValidationError
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.hosting.invocations import ATTRIBUTES
from local_sagemaker.operations.hosting.model_calls import route_in_service
from local_sagemaker.runtime.object_location import BadObjectUri, Location
from local_sagemaker.store import async_invocations as store
from local_sagemaker.store.async_invocations import AsyncInvocation

MAX_BODY_BYTES = 128_000
DEFAULT_TTL_SECONDS = 21_600
DEFAULT_TIMEOUT_SECONDS = 900

STRUCTURES = (
    Structure(
        "InvokeEndpointAsyncInput",
        honoured=(
            "EndpointName",
            "ContentType",
            "Accept",
            "CustomAttributes",
            "InferenceId",
            "InputLocation",
            "S3OutputPathExtension",
            "Filename",
            "RequestTTLSeconds",
            "InvocationTimeoutSeconds",
            "Body",
        ),
    ),
)


def invoke_endpoint_async(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Accept a request: once answered, it ends as an object at OutputLocation or FailureLocation."""
    endpoint_name = members["EndpointName"]
    route = route_in_service(context, endpoint_name)
    config = _async_config(context, endpoint_name, route)
    location, body = _payload(members)
    now, id_ = clock.now(), str(uuid.uuid4())
    inference_id = members.get("InferenceId") or id_
    output, failure = _locations(config["OutputConfig"], members, id_)
    headers = {
        "Content-Type": members.get("ContentType"),
        "Accept": members.get("Accept"),
        ATTRIBUTES: members.get("CustomAttributes"),
        "X-Amzn-SageMaker-Inference-Id": inference_id,
    }
    invocation = AsyncInvocation(
        id=id_,
        inference_id=inference_id,
        endpoint_name=endpoint_name,
        region=context.region,
        headers={name: value for name, value in headers.items() if value is not None},
        input_location=location,
        body=body,
        output_location=output,
        failure_location=failure,
        accepted_at=now,
        expires_at=now + members.get("RequestTTLSeconds", DEFAULT_TTL_SECONDS),
        timeout_seconds=members.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT_SECONDS),
    )
    store.insert(context.database, invocation)
    context.wake_engine.set()
    return {"InferenceId": inference_id, "OutputLocation": output, "FailureLocation": failure}


def _async_config(context: Context, endpoint_name: str, route: Route) -> Mapping[str, Any]:
    """AsyncInferenceConfig of the endpoint. Raises ValidationError when it has none."""
    if route.async_inference is None:
        raise ValidationError(
            f"Endpoint {endpoint_name} of account {context.settings.account_id} is not an asynchronous endpoint;"
            " use InvokeEndpoint, or give its endpoint configuration an AsyncInferenceConfig."
        )
    return route.async_inference


def _payload(members: Mapping[str, Any]) -> tuple[str | None, bytes | None]:
    """Where the payload is, or the payload. Raises ValidationError unless it is exactly one of them."""
    location, body = members.get("InputLocation"), members.get("Body") or None
    if (location is None) == (body is None):
        raise ValidationError("Body and InputLocation are mutually exclusive. Provide exactly one of them.")
    if body is not None and len(body) > MAX_BODY_BYTES:
        raise ValidationError(
            f"The body has {len(body)} bytes; an asynchronous invocation takes at most {MAX_BODY_BYTES} in it. Upload"
            " it to S3 and give its InputLocation."
        )
    if location is not None:
        try:
            found = Location.parse(location)
        except BadObjectUri as error:
            raise ValidationError(f"InputLocation {error}") from error
        if not found.bucket or not found.key:
            raise ValidationError(f"InputLocation {location} must name an object: s3://bucket/key")
    return location, body


def _locations(output: Mapping[str, Any], members: Mapping[str, Any], id_: str) -> tuple[str, str | None]:
    """OutputLocation and FailureLocation."""
    folder = output["S3OutputPath"].rstrip("/")
    if "S3OutputPathExtension" in members:
        folder = f"{folder}/{members['S3OutputPathExtension'].strip('/')}"
    failures = output.get("S3FailurePath", "").rstrip("/")
    failure = f"{failures}/{id_}-error.out" if failures else None
    return f"{folder}/{members.get('Filename') or f'{id_}.out'}", failure
