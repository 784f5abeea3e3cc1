"""Which service a request is for."""

import pytest

from local_sagemaker.wire.routing import Elsewhere, Router, Signature, Target, signature

ROUTER = Router(["sagemaker", "sagemaker-runtime", "logs", "sts"])
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
UNSIGNED = Signature(signed=False)


def signed(service: str) -> Signature:
    """A signature for a service."""
    return Signature(signed=True, region="eu-west-1", service=service)


@pytest.mark.parametrize(
    ("method", "path", "headers", "signed_for", "found"),
    [
        ("POST", "/", {"x-amz-target": "SageMaker.CreateModel"}, signed("sagemaker"), ("sagemaker", "CreateModel")),
        ("POST", "/", {"x-amz-target": "Logs_20140328.GetLogEvents"}, UNSIGNED, ("logs", "GetLogEvents")),
        ("POST", "/", {"x-amz-target": "Other.Thing"}, signed("other"), (None, "Thing")),
        ("POST", "/endpoints/a%20b/invocations", {}, signed("sagemaker"), ("sagemaker-runtime", "InvokeEndpoint")),
        ("POST", "/endpoints/a/async-invocations", {}, UNSIGNED, ("sagemaker-runtime", "InvokeEndpointAsync")),
        ("POST", "/", FORM, signed("sts"), (None, "")),
        ("PUT", "/BatchPutMetrics", {}, signed("sagemaker"), (None, "")),
    ],
)
def test_operations(
    method: str, path: str, headers: dict[str, str], signed_for: Signature, found: tuple[str | None, str]
) -> None:
    target = ROUTER.route(method, path, headers, signed_for)
    assert isinstance(target, Target)
    assert (target.service, target.name) == found


@pytest.mark.parametrize(
    ("method", "path", "signed_for", "expected"),
    [
        ("GET", "/", UNSIGNED, Elsewhere.HEALTH),
        ("HEAD", "/health", UNSIGNED, Elsewhere.HEALTH),
        ("GET", "/", signed("s3"), Elsewhere.S3),
        ("GET", "/health", signed("s3"), Elsewhere.S3),
        ("PUT", "/faults", UNSIGNED, Elsewhere.FAULTS),
        ("PUT", "/faults", signed("s3"), Elsewhere.S3),
        ("POST", "/endpoints/a/invocations", signed("s3"), Elsewhere.S3),
        ("GET", "/bucket/key", UNSIGNED, Elsewhere.S3),
        ("PUT", "/endpoints/a/invocations", UNSIGNED, Elsewhere.S3),
    ],
)
def test_what_is_no_operation(method: str, path: str, signed_for: Signature, expected: Elsewhere) -> None:
    assert ROUTER.route(method, path, {}, signed_for) is expected


@pytest.mark.parametrize(
    ("authorization", "query", "expected"),
    [
        (
            "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-west-2/s3/aws4_request, SignedHeaders=a",
            "",
            ("us-west-2", "s3"),
        ),
        ("", "X-Amz-Algorithm=A&X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fs3%2Faws4_request", ("eu-west-1", "s3")),
        ("AWS test:signature", "", ("us-east-1", None)),
        ("AWS4-HMAC-SHA256 Credential=AKID/20260101/<script>/s3/aws4_request", "", ("us-east-1", None)),
    ],
)
def test_signatures(authorization: str, query: str, expected: tuple[str, str | None]) -> None:
    found = signature({"authorization": authorization} if authorization else {}, query)
    assert found.signed
    assert (found.region, found.service) == expected


def test_no_signature() -> None:
    assert signature({}, "prefix=a") == UNSIGNED
