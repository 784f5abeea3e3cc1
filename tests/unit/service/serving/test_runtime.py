"""The client of SageMaker Runtime: where it goes, how it signs, what it does with credentials that expire."""

import asyncio
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials

from service.aws import runtime_address
from service.aws.runtime import Runtime
from service.errors import AccessDenied, AwsUnavailable
from service.settings import Settings
from tests.unit.service.serving.certificates import Authority
from tests.unit.service.serving.fake_runtime import Answer, Asked, FakeRuntime, error
from tests.unit.service.serving.images import encoded
from tests.unit.service.serving.raw_server import Talk, request, saying, serving


def expected_signature(asked: Asked, secret: str) -> str:
    """SigV4 after AWS's description of it, from the request as it came over the wire."""
    headers = {name.lower(): value.strip() for name, value in asked.headers.items()}
    _, credential, signed, _ = headers["authorization"].replace(",", "").split(" ")
    names = signed.removeprefix("SignedHeaders=").split(";")
    scope = credential.split("/", 1)[1]
    date, region, service, _ = scope.split("/")
    signed_headers = [f"{name}:{headers[name]}" for name in names]
    body_digest = hashlib.sha256(asked.body).hexdigest()
    canonical = "\n".join(["POST", asked.path, "", *signed_headers, "", ";".join(names), body_digest])
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def invoke(settings: Settings, times: int = 1) -> None:
    """Ask the endpoint `dogs`, by one client."""

    async def ask() -> None:
        async with Runtime.open(settings) as runtime:
            for _ in range(times):
                await runtime.invoke("dogs", encoded(), "image/jpeg", "application/json; top_k=5")

    asyncio.run(ask())


def test_the_signature_is_right_and_covers_what_matters(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    invoke(Settings(region="eu-west-1"))
    (asked,) = fake_runtime.asked
    authorization = asked.headers["Authorization"]
    assert "/eu-west-1/sagemaker/aws4_request" in authorization
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(
        authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    )
    assert authorization.endswith(f"Signature={expected_signature(asked, 'secret')}")


def test_it_goes_where_boto3_goes_with_the_same_request(fake_runtime: FakeRuntime) -> None:
    invoke(Settings())
    client = boto3.client(
        "sagemaker-runtime", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1})
    )
    client.invoke_endpoint(
        EndpointName="dogs", Body=encoded(), ContentType="image/jpeg", Accept="application/json; top_k=5"
    )
    ours, boto3s = fake_runtime.asked
    assert (ours.path, ours.body) == (boto3s.path, boto3s.body)
    for name in ("Content-Type", "Accept", "Content-Length", "Host"):
        assert ours.headers[name] == boto3s.headers[name]


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "https://runtime.sagemaker.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4570/"}, "http://127.0.0.1:4570"),
        (
            {"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://b:2"},
            "http://b:2",
        ),
        (
            {"AWS_ENDPOINT_URL": "http://a:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://runtime.sagemaker.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_the_address_is_boto3_s(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    address = runtime_address.resolve("eu-west-1")
    assert address.url == url
    assert (address.tls is None) == url.startswith("http:")
    assert address.url == boto3.client("sagemaker-runtime", region_name="eu-west-1").meta.endpoint_url.rstrip("/")


def test_an_endpoint_url_of_the_profile(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://profile:3\n")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert runtime_address.resolve("eu-west-1").url == "http://profile:3"


def test_other_partitions(fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    url = runtime_address.resolve("cn-north-1").url
    assert url == "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn"
    assert urlsplit(url).scheme == "https"


def test_a_proxy_is_taken_unless_excepted(fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert runtime_address.resolve("us-east-1").proxy is None
    monkeypatch.setenv("NO_PROXY", "elsewhere")
    assert runtime_address.resolve("us-east-1").proxy == "http://proxy:3128"


def test_credentials_that_expire_are_refreshed(fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    refreshed: list[str] = []

    def refresh() -> dict[str, str]:
        refreshed.append("once")
        expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        return {"access_key": "AKIANEW", "secret_key": "new", "token": "t", "expiry_time": expiry}

    stale = RefreshableCredentials("AKIAOLD", "old", "t", datetime.now(UTC) - timedelta(seconds=1), refresh, "test")
    address = runtime_address.RuntimeAddress(fake_runtime.url, "us-east-1", stale, None, None)
    monkeypatch.setattr(runtime_address, "resolve", lambda _: address)
    invoke(Settings(), times=3)
    assert refreshed == ["once"]
    assert all("Credential=AKIANEW/" in asked.headers["Authorization"] for asked in fake_runtime.asked)
    assert fake_runtime.asked[0].headers["Authorization"].endswith(expected_signature(fake_runtime.asked[0], "new"))


def test_credentials_that_cannot_be_found_are_looked_for_again(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def ask() -> None:
        async with Runtime.open(Settings()) as runtime:
            with pytest.raises(AccessDenied, match="credentials"):
                await runtime.invoke("dogs", b"x", "image/jpeg", "application/json")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            await runtime.invoke("dogs", b"x", "image/jpeg", "application/json")

    asyncio.run(ask())
    assert len(fake_runtime.asked) == 1


def test_a_clock_that_is_wrong_is_corrected_once(fake_runtime: FakeRuntime) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    refusal = error(403, "InvalidSignatureException", message="Signature expired")
    skewed = replace(refusal, headers={**refusal.headers, "Date": format_datetime(tomorrow, usegmt=True)})
    fake_runtime.answers = [skewed, Answer()]
    invoke(Settings(), times=2)
    first, second, third = fake_runtime.asked
    today, later = f"{datetime.now(UTC):%Y%m%d}", f"{tomorrow:%Y%m%d}"
    assert first.headers["X-Amz-Date"].startswith(today)
    assert second.headers["X-Amz-Date"].startswith(later)
    assert third.headers["X-Amz-Date"].startswith(later)
    assert second.headers["Authorization"].endswith(expected_signature(second, "secret"))


def test_a_refusal_that_is_not_the_clock_s_fault_stays(fake_runtime: FakeRuntime) -> None:
    refusal = error(403, "InvalidSignatureException", message="The request signature does not match")
    now = format_datetime(datetime.now(UTC), usegmt=True)
    fake_runtime.answers = [replace(refusal, headers={**refusal.headers, "Date": now})]
    with pytest.raises(AccessDenied, match="does not match"):
        invoke(Settings())
    assert len(fake_runtime.asked) == 1


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    ("told", "connections"),
    [
        (saying(b"SSH-2.0-OpenSSH\r\n"), 1),  # would say it again
        (saying(ANSWER[:-1]), 4),
        (saying(b""), 4),
    ],
    ids=["no HTTP", "broken off", "no answer"],
)
def test_only_failures_that_may_pass_are_tried_again(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, told: Talk, connections: int
) -> None:
    tried = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        await told(reader, writer)

    async def ask() -> None:
        async with serving(counted) as port, Runtime.open(Settings()) as runtime:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            with pytest.raises(AwsUnavailable, match=f"SageMaker Runtime at http://127.0.0.1:{port} cannot be reached"):
                await runtime.invoke("dogs", b"x", "image/jpeg", "application/json")

    asyncio.run(ask())
    assert tried == connections


def test_a_connection_that_the_server_closed_costs_no_request(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(ANSWER)
        await request(reader)  # no answer to this one

    async def ask() -> None:
        async with serving(closing) as port, Runtime.open(Settings()) as runtime:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            for _ in range(3):
                answer = await runtime.invoke("dogs", b"x", "image/jpeg", "application/json")
                assert (answer.body, answer.content_type, answer.variant) == (b"{}", "application/json", None)

    asyncio.run(ask())


@pytest.mark.parametrize("known", [True, False])
def test_aws_ca_bundle_says_whom_to_trust(
    fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: bool
) -> None:
    authority = Authority(tmp_path)
    tried = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        await saying(ANSWER)(reader, writer)

    async def ask() -> None:
        async with serving(counted, authority.server("localhost")) as port, Runtime.open(Settings()) as runtime:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{port}")
            if known:
                monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
                await runtime.invoke("dogs", b"x", "image/jpeg", "application/json")
            else:
                with pytest.raises(AwsUnavailable, match="certificate verify failed"):
                    await runtime.invoke("dogs", b"x", "image/jpeg", "application/json")

    asyncio.run(ask())
    assert tried == int(known)


def test_a_proxy_that_cannot_be_used_is_told(fake_runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://me:secret@proxy:1080")
    monkeypatch.setenv("NO_PROXY", "elsewhere")
    with pytest.raises(AwsUnavailable, match="the proxy 'proxy:1080' cannot be used"):
        invoke(Settings())
    assert fake_runtime.asked == []
