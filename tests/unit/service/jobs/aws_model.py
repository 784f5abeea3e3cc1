"""botocore's own judgement of a request."""

from typing import Any

import boto3
from botocore.validate import ParamValidator

SERVICE_MODEL = boto3.Session(
    aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
).client("sagemaker").meta.service_model  # fmt: skip


def assert_request(operation: str, members: dict[str, Any]) -> None:
    """Fails when botocore would not send it: an unknown member, a missing one, a wrong type, a bad length."""
    shape = SERVICE_MODEL.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(members, shape)
    assert not report.has_errors(), report.generate_report()
