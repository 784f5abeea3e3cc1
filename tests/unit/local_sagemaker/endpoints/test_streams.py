"""Answers in parts, from the model's generator to the operation's events."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_sagemaker.errors import ModelError, ModelStreamError, ServerlessThrottled, ValidationError
from local_sagemaker.operations.hosting import invocations
from tests.unit.local_sagemaker.endpoints.harness import Local, archive, running
from tests.waiting import wait_for

MODEL = """
import os, time
def model_fn(model_dir): return None
def transform_fn(model, body, content_type, accept):
    text = bytes(body).decode()
    if text == "slow": time.sleep(2); return "slow"
    return parts(text)
def parts(text):
    try:
        for number in range(10_000_000 if text == "endless" else 3):
            yield f"{number} "
            if text == "hang" and number: time.sleep(600)
            if text == "large": yield bytes(3_000_000)
    finally:
        print("the generator was closed", flush=True)
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with running(tmp_path, invocation_timeout_seconds=0.5) as found:
        found.deploy("parts", {"code/inference.py": MODEL})
        yield found


def stream(local: Local, command: bytes, most: int = 100) -> list[bytes]:
    """The parts of an answer, `most` at most; then it is closed."""

    async def read() -> list[bytes]:
        members = {"EndpointName": "parts", "Body": command}
        answer = await invocations.invoke_endpoint_with_response_stream(local.context, members)
        found: list[bytes] = []
        try:
            async for event in answer["Body"]:
                found.append(event["PayloadPart"]["Bytes"])
                if len(found) == most:
                    break
        finally:
            await answer["Body"].aclose()
        return found

    return asyncio.run_coroutine_threadsafe(read(), local._loop).result(60)


def test_parts_of_any_size_pass_through(local: Local) -> None:
    assert b"".join(stream(local, b"")) == b"0 1 2 "
    content = b"".join(stream(local, b"large", most=100_000))
    assert (len(content), content[:3], content[-3_000_000:]) == (9_000_006, b"0 \x00", bytes(3_000_000))
    with pytest.raises(ModelError, match="larger than 6291456 bytes"):
        local.invoke("parts", b"large")


def test_who_stops_reading_ends_the_generator_and_frees_the_server(local: Local) -> None:
    assert stream(local, b"endless", most=2)[0].startswith(b"0 ")
    wait_for(lambda: b"".join(stream(local, b"")) == b"0 1 2 ", "answer of the server")
    (log,) = local.settings.endpoints_dir.glob("parts/logs/*/*")
    wait_for(lambda: log.read_text().count("the generator was closed") >= 2, "end of both generators")
    route = local.context.routes.route("parts")
    assert route is not None
    assert [server.outstanding for server in route.variants[0].servers] == [0]


def test_a_stream_that_takes_too_long_is_cut_off_and_its_worker_replaced(local: Local) -> None:
    started = time.monotonic()
    with pytest.raises(ModelStreamError, match="timed out") as raised:
        stream(local, b"hang")
    assert raised.value.members == {"ErrorCode": "ModelInvocationTimeExceeded"}
    assert time.monotonic() - started >= 8 * 0.5  # an eightfold time
    (log,) = local.settings.endpoints_dir.glob("parts/logs/*/*")
    wait_for(lambda: "was ended by SIGKILL; another one is started" in log.read_text(), "end of the hung worker")
    assert b"".join(stream(local, b"")) == b"0 1 2 "


def test_a_serverless_endpoint_starts_on_demand_and_has_its_limits(tmp_path: Path) -> None:
    with running(tmp_path, invocation_timeout_seconds=30) as local:
        local.create_model("sparse", archive(tmp_path / "model.tar.gz", {"code/inference.py": MODEL}))
        serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
        local.create_config("sparse", {"ModelName": "sparse", "ServerlessConfig": serverless})
        local.create_endpoint("sparse", "sparse")
        assert local.settled("sparse")["EndpointStatus"] == "InService"
        with pytest.raises(ValidationError, match="at most 4194304"):
            local.invoke("sparse", bytes(4_194_305))
        members = {"EndpointName": "sparse", "Body": b"slow"}
        first = asyncio.run_coroutine_threadsafe(invocations.invoke_endpoint(local.context, members), local._loop)
        wait_for(lambda: local.context.routes.take_demand("sparse").current == 1, "first invocation")
        with pytest.raises(ServerlessThrottled) as raised:
            local.invoke("sparse", b"")
        assert (raised.value.status, raised.value.code) == (429, "ThrottlingException")
        assert first.result(60)["Body"] == b"slow"
        assert local.invoke("sparse", b"")["Body"] == b"0 1 2 "
