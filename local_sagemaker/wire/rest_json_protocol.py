"""AWS's REST-JSON protocol: members in the path, the query string, headers, and a payload or JSON body."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.model import OperationModel, Shape, StructureShape

from local_sagemaker.errors import AwsError, ValidationError, ValidationException
from local_sagemaker.wire.constraints import compile_check, validate
from local_sagemaker.wire.decoding import Decode, compile_decode, unknown_member
from local_sagemaker.wire.encoding import Encode, compile_encode
from local_sagemaker.wire.event_stream import CONTENT_TYPE as EVENT_STREAM
from local_sagemaker.wire.event_stream import EventFrames
from local_sagemaker.wire.json_protocol import dump_json, parse_json
from local_sagemaker.wire.messages import Request, Response
from local_sagemaker.wire.models import uri_pattern
from local_sagemaker.wire.text_values import from_text, to_text

CONTENT_TYPE = "application/json"


class RestJsonProtocol:
    """How one operation's requests and responses are written."""

    invalid: type[AwsError] = ValidationError

    def __init__(self, model: OperationModel) -> None:
        self._status = int(model.http.get("responseCode", 200))
        self._uri = uri_pattern(model)
        self._input = _Locations(model.input_shape)
        self._output = _Locations(model.output_shape)
        # How large a payload may be is a setting, not the model's constraint.
        unchecked = {self._input.payload[1].name: None} if self._input.payload else {}
        self._check = compile_check(model.input_shape, dict(unchecked)) if model.input_shape else None

    def decode(self, request: Request) -> dict[str, Any]:
        """The request's members. Raises SerializationException and ValidationError."""
        try:
            members = self._members(request)
            validate(self._check, members)
        except ValidationException as error:
            raise self.invalid(error.message) from None
        return members

    def _members(self, request: Request) -> dict[str, Any]:
        members: dict[str, Any] = dict(self._texts(request))
        if self._input.payload is None:
            return members | self._input.decode_body(parse_json(request.body)) if self._input.body else members
        name, shape = self._input.payload
        if shape.type_name == "blob":
            if request.body or name in self._input.required:  # an empty one is none where there need not be one
                members[name] = request.body
        elif request.body:
            members[name] = compile_decode(shape)(parse_json(request.body), name)
        return members

    def _texts(self, request: Request) -> Iterator[tuple[str, Any]]:
        """The members that stand in the path, the query string and headers."""
        uri = self._uri.fullmatch(request.path)
        if uri is not None:
            for wire_name, name, shape in self._input.uri:
                yield name, from_text(shape, unquote(uri[wire_name]), name)
        query = parse_qs(request.query, keep_blank_values=True) if self._input.query else {}
        for wire_name, name, shape in self._input.query:
            if wire_name in query:
                yield name, from_text(shape, query[wire_name][-1], name)
        for wire_name, name, shape in self._input.headers:
            text = request.headers.get(wire_name.lower())
            if text is not None:
                yield name, from_text(shape, text, name)

    def encode(self, members: dict[str, Any], request_id: str) -> Response:  # noqa: ARG002 - in the header alone
        """The response of an operation's members."""
        members = {name: value for name, value in members.items() if value is not None}
        unknown = members.keys() - self._output.names
        if unknown:
            raise TypeError(f"no members of this operation's output: {', '.join(sorted(unknown))}")
        headers = [
            (wire_name, _header(to_text(shape, members[name], "rfc822")))
            for wire_name, name, shape in self._output.headers
            if name in members
        ]
        if not self._output.payload:
            body = {
                wire_name: encode(members[name])
                for wire_name, (name, _, encode) in self._output.body.items()
                if name in members
            }
            return Response(self._status, dump_json(body), [("content-type", CONTENT_TYPE), *headers])
        name, shape = self._output.payload
        if isinstance(shape, StructureShape) and shape.serialization.get("eventstream"):
            headers.append(("content-type", EVENT_STREAM))
            return Response(self._status, b"", headers, EventFrames(shape, members[name]))
        value = members.get(name, b"")
        if shape.type_name != "blob":
            return Response(
                self._status, dump_json(compile_encode(shape)(value)), [("content-type", CONTENT_TYPE), *headers]
            )
        return Response(self._status, value, headers)

    @staticmethod
    def encode_error(error: AwsError, request_id: str) -> Response:  # noqa: ARG004 - in the header alone
        """The response of an error: its code in a header, its members in the body."""
        headers = [("content-type", CONTENT_TYPE), ("x-amzn-errortype", error.code)]
        return Response(error.status, dump_json({"Message": error.message, **error.members}), headers)


def _header(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{text!r} cannot stand in a header")
    return text


class _Locations:
    """Where the members of an input or output stand: (name on the wire, name, shape) each."""

    def __init__(self, shape: StructureShape | None) -> None:
        self.uri: list[tuple[str, str, Shape]] = []
        self.headers: list[tuple[str, str, Shape]] = []
        self.query: list[tuple[str, str, Shape]] = []
        self.payload: tuple[str, Shape] | None = None
        self.body: dict[str, tuple[str, Decode, Encode]] = {}
        members: dict[str, Shape] = dict(shape.members) if shape is not None else {}
        self.names = members.keys()
        self.required = shape.required_members if shape is not None else []
        self._shape_name = shape.name if shape is not None else ""
        places = {"uri": self.uri, "header": self.headers, "querystring": self.query}
        for name, member in members.items():
            wire_name, location = member.serialization.get("name", name), member.serialization.get("location")
            if name == (shape.serialization.get("payload") if shape is not None else None):
                self.payload = (name, member)
            elif location is None:
                self.body[wire_name] = (name, compile_decode(member), compile_encode(member))
            elif location in places and member.type_name not in ("structure", "list", "map"):
                places[location].append((wire_name, name, member))
            else:
                raise NotImplementedError(f"{self._shape_name}.{name}: a {member.type_name} in {location}")

    def decode_body(self, body: Any) -> dict[str, Any]:
        """The members of a JSON body."""
        members = {}
        for wire_name, item in body.items():
            if wire_name not in self.body:
                raise unknown_member(wire_name, self._shape_name, "", list(self.body))
            name, decode, _ = self.body[wire_name]
            if item is not None:
                members[name] = decode(item, name)
        return members
