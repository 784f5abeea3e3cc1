"""Every operation's requests and responses against botocore's own serializer, validator and parser."""

import math
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from local_sagemaker import errors
from local_sagemaker.operations.table import OPERATIONS
from local_sagemaker.wire.dispatch import protocol_of
from local_sagemaker.wire.messages import Request, Response
from local_sagemaker.wire.models import operation_model, protocol_name
from tests.contract.shapes import members

KEYS = sorted(OPERATIONS)
IDS = [f"{service}.{name}" for service, name in KEYS]
some = settings(
    max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def model_of(key: tuple[str, str]) -> OperationModel:
    """The model of an operation of the table."""
    model = operation_model(*key)
    assert model is not None, f"botocore does not know {key}"
    return model


def serialized(model: OperationModel, sent: dict[str, Any]) -> Request:
    """What boto3 sends for these members."""
    prepared = create_serializer(protocol_name(model.service_model)).serialize_to_request(sent, model)
    body = prepared["body"]
    if isinstance(body, dict):  # a form, which botocore encodes later
        body = urlencode(body).encode()
    if isinstance(body, str):
        body = body.encode()
    headers = {name.lower(): value for name, value in prepared["headers"].items()}
    return Request(prepared["method"], prepared["url_path"], "", headers, body)


def parsed(model: OperationModel, response: Response) -> dict[str, Any]:
    """What boto3 makes of a response, but for its metadata."""
    parser = create_parser(protocol_name(model.service_model))
    streams = model.has_streaming_output and response.status < 300
    body: Any = BytesIO(response.body) if streams else response.body
    shape: Any = model.output_shape if response.status < 300 else None
    answer = {"status_code": response.status, "headers": dict(response.headers), "body": body}
    result: dict[str, Any] = parser.parse(answer, shape)
    result.pop("ResponseMetadata", None)
    return {name: value.read() if value is body else value for name, value in result.items()}


def same(one: Any, other: Any) -> bool:
    """Equality but for the last bits of floats in text."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return math.isclose(one, other)
    return bool(one == other)


def holds_nothing_somewhere(value: Any) -> bool:
    """Whether there is an empty structure in it, which a form cannot tell from none."""
    if isinstance(value, dict):
        return not value or any(map(holds_nothing_somewhere, value.values()))
    return isinstance(value, list) and any(map(holds_nothing_somewhere, value))


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_requests(key: tuple[str, str]) -> None:
    model = model_of(key)
    protocol = protocol_of(model)

    @some
    @given(members(model.input_shape))
    def check(sent: dict[str, Any]) -> None:
        assume(protocol_name(model.service_model) != "query" or not any(map(holds_nothing_somewhere, sent.values())))
        if model.input_shape is not None:
            assume(sent.get("Body") != b"" or "Body" in model.input_shape.required_members)
            assert not ParamValidator().validate(sent, model.input_shape).has_errors()
        assert same(protocol.decode(serialized(model, sent)), sent)

    check()


@pytest.mark.parametrize("key", [key for key in KEYS if not model_of(key).has_event_stream_output])
def test_responses(key: tuple[str, str]) -> None:
    model = model_of(key)
    protocol = protocol_of(model)

    @some
    @given(members(model.output_shape))
    def check(answered: dict[str, Any]) -> None:
        got = parsed(model, protocol.encode(answered, "an-id"))
        assert same(got, {"Body": b"", **answered} if model.has_streaming_output else answered)

    check()


@pytest.mark.parametrize("key", KEYS, ids=IDS)
@given(message=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=200))
@some
def test_errors(key: tuple[str, str], message: str) -> None:
    model = model_of(key)
    error = parsed(model, protocol_of(model).encode_error(errors.ValidationException(message), "an-id"))["Error"]
    code = "ValidationError" if protocol_name(model.service_model) == "query" else "ValidationException"
    assert (error["Code"], error["Message"]) == (code, message)


def test_a_model_error_with_all_its_members() -> None:
    model = model_of(("sagemaker-runtime", "InvokeEndpoint"))
    members = {"OriginalStatusCode": 415, "OriginalMessage": "no image", "LogStreamArn": "arn:aws:logs:x"}
    response = protocol_of(model).encode_error(errors.ModelError("the model answered 415", **members), "an-id")
    assert response.status == 424
    parser = create_parser("rest-json")
    answer = {"status_code": response.status, "headers": dict(response.headers), "body": response.body}
    shape: Any = next(shape for shape in model.error_shapes if shape.name == "ModelError")
    unmodelled: Any = None
    assert parser.parse(answer, unmodelled)["Error"] == {"Code": "ModelError", "Message": "the model answered 415"}
    assert {name: parser.parse(answer, shape)[name] for name in members} == members


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_an_empty_request_is_refused_where_members_are_required(key: tuple[str, str]) -> None:
    model = model_of(key)
    required = model.input_shape.required_members if model.input_shape is not None else []
    protocol = protocol_of(model)
    if not required or protocol_name(model.service_model) != "json":
        pytest.skip("nothing is required, or it stands in the path")
    with pytest.raises(errors.ValidationException) as caught:
        protocol.decode(Request("POST", "/", "", {}, b"{}"))
    plural = "s" if len(required) > 1 else ""
    assert caught.value.message.startswith(f"{len(required)} validation error{plural} detected: Value null at '")
