"""Our SigV4 beside botocore's own."""

import hashlib
import string
from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from service.aws.runtime_signature import UNSIGNED, Signer

LETTERS = string.ascii_letters + string.digits
SECRETS = st.text(string.printable.strip(), min_size=1, max_size=60)
CREDENTIALS = st.builds(
    ReadOnlyCredentials,
    st.text(LETTERS, min_size=1, max_size=30),
    SECRETS,
    st.none() | SECRETS,
)
HOSTS = st.sampled_from(
    ["runtime.sagemaker.eu-west-1.amazonaws.com", "Runtime.Example", "127.0.0.1", "[::1]", "[2001:DB8::7]"]
)
PORTS = st.sampled_from(["", ":80", ":443", ":4570", ":65535"])
SEGMENTS = st.sampled_from(["", ".", "..", "a", "~b", "c%2Fd", "e f", "ü", "g+h", "i:j", "@"])
ENDPOINT_NAMES = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,20}", fullmatch=True)
VALUES = st.text(" \t" + string.printable.strip() + "é", max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Accept", "X-Amzn-SageMaker-Inference-Id", "X-Other", "User-Agent", "traceparent", "x-amz-b"]
    ),
    VALUES,
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    """An address as somebody may have set it, and an endpoint's path below it."""
    base = "".join(f"/{segment}" for segment in draw(st.lists(SEGMENTS, max_size=3)))
    scheme = draw(st.sampled_from(["http", "https"]))
    return f"{scheme}://{draw(HOSTS)}{draw(PORTS)}{base}/endpoints/{draw(ENDPOINT_NAMES)}/invocations"


def signed_by_botocore(
    url: str, body: bytes, headers: dict[str, str], *, credentials: ReadOnlyCredentials, now: float, region: str
) -> dict[str, str]:
    """What botocore makes of the same request at the same time."""
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))
        auth.SigV4Auth(credentials, "sagemaker", region).add_auth(request)
    return dict(request.headers.items())


@hypothesis_settings(max_examples=300, deadline=None)
@given(
    url=urls(),
    body=st.binary(max_size=50),
    headers=HEADERS,
    credentials=CREDENTIALS,
    now=st.integers(0, 4_000_000_000).map(lambda second: second + 0.25),
    region=st.sampled_from(["us-east-1", "cn-north-1"]),
)
def test_the_same_as_botocore(
    url: str, body: bytes, headers: dict[str, str], *, credentials: ReadOnlyCredentials, now: float, region: str
) -> None:
    signer = Signer(region, "sagemaker")
    digest = hashlib.sha256(body).hexdigest()
    expected = signed_by_botocore(url, body, headers, credentials=credentials, now=now, region=region)
    for _ in range(2):  # with a new key and with the kept one
        assert signer.signed(url, digest, headers, credentials, now) == expected


def test_the_key_follows_the_day_and_the_credentials() -> None:
    signer = Signer("us-east-1", "sagemaker")
    url = "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/dogs/invocations"
    digest = hashlib.sha256(b"").hexdigest()
    first, second = ReadOnlyCredentials("A", "one", None), ReadOnlyCredentials("B", "two", "t")
    midnight = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    for credentials, now in [(first, midnight - 1), (first, midnight), (second, midnight), (first, midnight - 1)]:
        expected = signed_by_botocore(url, b"", {}, credentials=credentials, now=now, region="us-east-1")
        assert signer.signed(url, digest, {}, credentials, now) == expected


def test_what_proxies_change_is_what_botocore_leaves_out() -> None:
    assert set(auth.SIGNED_HEADERS_BLACKLIST) == UNSIGNED
