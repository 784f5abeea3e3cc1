"""AWS's Query protocol: a form with Action= and dotted names (`Tags.member.1.Key`), answered in XML."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl
from xml.sax import saxutils

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local_sagemaker.errors import AwsError, SerializationException, ValidationException
from local_sagemaker.wire.constraints import compile_check, joined, validate
from local_sagemaker.wire.messages import Request, Response
from local_sagemaker.wire.text_values import from_text, to_text

CONTENT_TYPE = "text/xml"

Form = dict[str, str]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class QueryProtocol:
    """How one operation's requests and responses are written."""

    invalid: type[AwsError] = ValidationException

    def __init__(self, model: OperationModel) -> None:
        self._name = model.name
        self._namespace = model.metadata.get("xmlNamespace", "")
        self._input = model.input_shape
        self._output = model.output_shape
        self._check = compile_check(model.input_shape) if model.input_shape else None

    def decode(self, request: Request) -> dict[str, Any]:
        """The request's members. Raises SerializationException and ValidationException."""
        form = parse_form(request.body)
        read: set[str] = {"Action", "Version"}
        members = _read(self._input, "", form, read) if self._input is not None else {}
        unknown = sorted(form.keys() - read)
        if unknown:
            raise ValidationException(
                joined([f"Value at '{name}' is not a member of {self._name}'s request" for name in unknown])
            )
        validate(self._check, members)
        return members

    def encode(self, members: dict[str, Any], request_id: str) -> Response:
        """The response of an operation's members."""
        wrapper = f"{self._name}Response"
        result = ""
        if self._output is not None:
            result_name = self._output.serialization.get("resultWrapper", f"{self._name}Result")
            result = f"<{result_name}>{_inner_xml(self._output, members)}</{result_name}>"
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        xml = f'<{wrapper} xmlns="{escape(self._namespace)}">{result}{metadata}</{wrapper}>'
        return Response(200, xml.encode(), [("content-type", CONTENT_TYPE)])

    @staticmethod
    def encode_error(error: AwsError, request_id: str) -> Response:
        """The response of an error."""
        fault = "Sender" if error.status < 500 else "Receiver"
        xml = (
            f"<ErrorResponse><Error><Type>{fault}</Type><Code>{error.query_code}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(error.status, xml.encode(), [("content-type", CONTENT_TYPE)])


def escape(text: str) -> str:
    """Text in XML; what XML cannot carry (control characters) becomes U+FFFD."""
    return saxutils.escape(_NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})  # which readers would take for a newline


def parse_form(body: bytes) -> Form:
    """A form's fields. Raises SerializationException."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=10_000))
    except ValueError as error:
        raise SerializationException(f"The body is no form: {error}") from None


def _read(shape: Shape, prefix: str, form: Form, read: set[str]) -> Any:
    """The value at `prefix`; the names of the fields it was made of are added to `read`."""
    if isinstance(shape, StructureShape):
        members = {}
        for name, member in shape.members.items():
            wire_name = f"{prefix}.{_wire_name(member, name)}".lstrip(".")
            if _present(wire_name, form):
                members[name] = _read(member, wire_name, form, read)
        return members
    if isinstance(shape, ListShape):
        if prefix in form:  # an empty list is an empty field
            read.add(prefix)
            return []
        item = prefix if shape.serialization.get("flattened") else f"{prefix}.{_wire_name(shape.member, 'member')}"
        return [_read(shape.member, name, form, read) for name in _numbered(item, form)]
    if isinstance(shape, MapShape):
        entry = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
        key, value = _wire_name(shape.key, "key"), _wire_name(shape.value, "value")
        return {
            _read(shape.key, f"{name}.{key}", form, read): _read(shape.value, f"{name}.{value}", form, read)
            for name in _numbered(entry, form)
        }
    read.add(prefix)
    return from_text(shape, form.get(prefix, ""), prefix)


def _wire_name(member: Shape, name: str) -> str:
    return str(member.serialization.get("name", name))


def _present(name: str, form: Form) -> bool:
    return name in form or any(field.startswith(f"{name}.") for field in form)


def _numbered(prefix: str, form: Form) -> Iterable[str]:
    position = 1
    while _present(f"{prefix}.{position}", form):
        yield f"{prefix}.{position}"
        position += 1


def _inner_xml(shape: Shape, value: Any) -> str:
    """The XML between a value's own tags."""
    if isinstance(shape, StructureShape):
        unknown = value.keys() - shape.members.keys()
        if unknown:
            raise TypeError(f"no members of {shape.name}: {', '.join(sorted(unknown))}")
        return "".join(
            _element(member, _wire_name(member, name), value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if isinstance(shape, ListShape):
        name = _wire_name(shape.member, "member")
        return "".join(f"<{name}>{_inner_xml(shape.member, item)}</{name}>" for item in value)
    if isinstance(shape, MapShape):
        return "".join(f"<entry>{entry}</entry>" for entry in _entries(shape, value))
    return escape(to_text(shape, value))


def _element(shape: Shape, name: str, value: Any) -> str:
    """A member's elements: one, or, of a flattened list or map, as many as it has parts."""
    if shape.serialization.get("flattened") and isinstance(shape, ListShape):
        name = _wire_name(shape.member, name)
        return "".join(f"<{name}>{_inner_xml(shape.member, item)}</{name}>" for item in value)
    if shape.serialization.get("flattened") and isinstance(shape, MapShape):
        return "".join(f"<{name}>{entry}</{name}>" for entry in _entries(shape, value))
    return f"<{name}>{_inner_xml(shape, value)}</{name}>"


def _entries(shape: MapShape, value: dict[str, Any]) -> Iterable[str]:
    key_name, value_name = _wire_name(shape.key, "key"), _wire_name(shape.value, "value")
    for key, item in value.items():
        yield f"<{key_name}>{escape(key)}</{key_name}><{value_name}>{_inner_xml(shape.value, item)}</{value_name}>"
