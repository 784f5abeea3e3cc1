"""AWS's JSON protocols, 1.0 and 1.1: POST / with X-Amz-Target; all members in a JSON body."""

import json
from typing import Any, NoReturn

from botocore.model import OperationModel

from local_sagemaker.errors import AwsError, SerializationException, ValidationException
from local_sagemaker.wire.constraints import compile_check, validate
from local_sagemaker.wire.decoding import compile_decode
from local_sagemaker.wire.encoding import compile_encode
from local_sagemaker.wire.messages import Request, Response

CONTENT_TYPE = "application/x-amz-json-{}"


class JsonProtocol:
    """How one operation's requests and responses are written."""

    invalid: type[AwsError] = ValidationException

    def __init__(self, model: OperationModel) -> None:
        self._content_type = CONTENT_TYPE.format(model.metadata["jsonVersion"])
        self._decode = compile_decode(model.input_shape) if model.input_shape else None
        self._check = compile_check(model.input_shape) if model.input_shape else None
        self._encode = compile_encode(model.output_shape) if model.output_shape else None

    def decode(self, request: Request) -> dict[str, Any]:
        """The request's members. Raises SerializationException and ValidationException."""
        if self._decode is None:
            return {}
        members: dict[str, Any] = self._decode(parse_json(request.body), "")
        validate(self._check, members)
        return members

    def encode(self, members: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - in the header alone
        """The response of an operation's members; without a body where the model has no output."""
        headers = [("content-type", self._content_type)]
        if self._encode is None:
            if members:
                raise TypeError("this operation answers no members")
            return Response(200, b"", headers)
        return Response(200, dump_json(self._encode(members)), headers)

    @staticmethod
    def encode_error(error: AwsError, request_id: str) -> Response:  # noqa: ARG004 - in the header alone
        """The response of an error."""
        body = {"__type": error.code, "message": error.message, **error.members}
        headers = [("content-type", CONTENT_TYPE.format("1.1")), ("x-amzn-errortype", error.code)]
        return Response(error.status, dump_json(body), headers)


def parse_json(body: bytes) -> Any:
    """A JSON body; an empty one counts as no members, as with AWS."""
    if not body:
        return {}
    try:
        text = body.decode()
        value = _DECODER.decode(text)
        if "\\ud" in text.lower():
            dump_json(value)  # half of a surrogate pair cannot be written again: not to be stored
    except (ValueError, RecursionError) as error:
        raise SerializationException(f"The body is no JSON: {error}") from None
    return value


def dump_json(value: Any) -> bytes:
    """JSON as short as it goes."""
    return _ENCODER.encode(value).encode()


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


# Made once: `json.loads` and `json.dumps` make new ones at each call with options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
