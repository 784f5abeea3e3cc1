"""Unsigned GET and PUT /faults: which faults are in force, and others in their place. S3's faults in S3's own words."""

from local_sagemaker.errors import AwsError, ThrottlingException
from local_sagemaker.faults import BadFaults, Faults
from local_sagemaker.wire.messages import Response
from local_sagemaker.wire.query_protocol import escape

TEXT = [("content-type", "text/plain; charset=utf-8")]


def answer(faults: Faults, method: str, body: bytes) -> Response:
    """The rules as text, changed to the body's when it is a PUT; 400 says what is wrong with them."""
    if method == "PUT":
        try:
            faults.change(body.decode())
        except UnicodeDecodeError:
            return Response(400, b"The rules are not UTF-8.\n", list(TEXT))
        except BadFaults as error:
            return Response(400, f"{error}\n".encode(), list(TEXT))
    return Response(200, f"{faults.text}\n".encode() if faults.text else b"", list(TEXT))


def s3_error(error: AwsError, path: str, request_id: str) -> Response:
    """A fault as S3 tells it."""
    throttled = isinstance(error, ThrottlingException)
    status, code = (503, "SlowDown") if throttled else (500, "InternalError")
    message = "Please reduce your request rate." if throttled else error.message
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{escape(message)}</Message>'
        f"<Resource>{escape(path)}</Resource><RequestId>{request_id}</RequestId></Error>"
    )
    return Response(status, xml.encode(), [("content-type", "application/xml")])
