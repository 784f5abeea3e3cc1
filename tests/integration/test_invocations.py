"""Streamed, asynchronous and captured invocations through boto3 against a real server and real model servers."""

import base64
import io
import json
import os
import tarfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.local_server import LocalServer, boto_client, running_server
from tests.waiting import wait_for

BUCKET = "invocations"
DEADLINE_SECONDS = 60.0
# Commands: "stream" answers in parts, the second of which only once the file of the third word is there.
CODE = """
import json, os, time
from pathlib import Path
def model_fn(model_dir): return "model"
def transform_fn(model, body, content_type, accept, context):
    text = body if isinstance(body, str) else bytes(body[:1000]).decode("latin-1")
    command, _, argument = text.partition(" ")
    if command == "stream": return parts(argument), "text/plain"
    if command == "early": return broken(), "text/plain"
    if command == "fail": raise ValueError("no such dog")
    if command == "sleep": time.sleep(float(argument))
    if command == "wait": wait_for(argument)
    if command == "die":
        with open(argument, "a") as file: file.write("x")
        os._exit(3)
    context.set_response_header(0, "X-Amzn-SageMaker-Custom-Attributes", "seen")
    properties = context.request_processor[0].get_request_properties()
    answer = {"bytes": len(body), "content_type": content_type, "accept": accept, "pid": os.getpid(),
        "inference_id": properties.get("x-amzn-sagemaker-inference-id")}
    return json.dumps(answer), "application/json"
def wait_for(path):
    while not Path(path).exists(): time.sleep(0.01)
def parts(path):
    yield "first "
    if path: wait_for(path)
    yield b"second "
    if path == "": raise RuntimeError("broke off")
    yield "third"
def broken():
    raise ValueError("before the first part")
    yield b""
"""


class Cloud:
    """The clients of one server."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.sagemaker = boto_client(server, "sagemaker")
        self.runtime = boto_client(server, "sagemaker-runtime")
        self.s3 = boto_client(server, "s3")

    def endpoint(self, name: str, **config: Any) -> None:
        """An endpoint over CODE, in service."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            info = tarfile.TarInfo("code/inference.py")
            info.size = len(CODE)
            tar.addfile(info, io.BytesIO(CODE.encode()))
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=stream.getvalue())
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
            PrimaryContainer={"Image": "image:1", "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz"},
        )
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}], **config
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": int(DEADLINE_SECONDS)}
        )

    def async_endpoint(self, name: str) -> None:
        """An asynchronous endpoint, in service."""
        output = {"S3OutputPath": f"s3://{BUCKET}/{name}/out/", "S3FailurePath": f"s3://{BUCKET}/{name}/failed"}
        self.endpoint(
            name,
            AsyncInferenceConfig={
                "OutputConfig": output,
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1},
            },
        )

    def object(self, uri: str) -> dict[str, Any] | None:
        """The object, with its content as "Body"; None while there is none."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            found: dict[str, Any] = self.s3.get_object(Bucket=bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return {**found, "Body": found["Body"].read()}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_server(tmp_path_factory.mktemp("state"), invocation_timeout_seconds=2) as server:
        found = Cloud(server)
        found.s3.create_bucket(Bucket=BUCKET)
        found.async_endpoint("later")
        found.endpoint(
            "now",
            DataCaptureConfig={
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{BUCKET}/captured/",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
            },
        )
        yield found


def streamed(cloud: Cloud, body: bytes, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = cloud.runtime.invoke_endpoint_with_response_stream(EndpointName="now", Body=body, **members)
    return found


def test_parts_arrive_while_the_model_makes_the_next_ones(cloud: Cloud, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answer = streamed(cloud, f"stream {gate}".encode(), CustomAttributes="trace=1", InferenceId="i-1")
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/plain", "AllTraffic")
    events = iter(answer["Body"])
    assert next(events) == {"PayloadPart": {"Bytes": b"first "}}
    gate.touch()  # the model has waited for the reader of its first part
    assert b"".join(event["PayloadPart"]["Bytes"] for event in events) == b"second third"


def test_an_answer_without_parts_is_streamed_all_the_same(cloud: Cloud) -> None:
    answer = streamed(cloud, b"x" * 3_000_000, ContentType="image/png", Accept="application/json")
    assert answer["CustomAttributes"] == "seen"
    content = json.loads(b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"]))
    assert (content["bytes"], content["content_type"], content["accept"]) == (
        3_000_000,
        "image/png",
        "application/json",
    )


def test_a_stream_that_breaks_off_says_so_in_the_stream(cloud: Cloud) -> None:
    parts: list[bytes] = []
    with (
        closing(streamed(cloud, b"stream ")["Body"]) as events,
        pytest.raises(EventStreamError, match=r"\(ModelStreamError\).*broke its answer off"),
    ):
        parts.extend(event["PayloadPart"]["Bytes"] for event in events)
    assert b"".join(parts) == b"first second "
    with pytest.raises(cloud.runtime.exceptions.ModelError, match="before the first part"):
        streamed(cloud, b"early")
    with pytest.raises(cloud.runtime.exceptions.ModelError, match="no such dog"):
        streamed(cloud, b"fail")


def test_a_reader_who_leaves_ends_the_stream(cloud: Cloud, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answer = streamed(cloud, f"stream {gate}".encode())
    next(iter(answer["Body"]))
    answer["Body"].close()
    gate.touch()
    assert b"third" in b"".join(
        event["PayloadPart"]["Bytes"] for event in streamed(cloud, f"stream {gate}".encode())["Body"]
    )


def test_parts_are_one_body_for_who_does_not_stream(cloud: Cloud, tmp_path: Path) -> None:
    answer = cloud.runtime.invoke_endpoint(EndpointName="now", Body=f"stream {tmp_path}".encode())
    assert (answer["Body"].read(), answer["ContentType"]) == (b"first second third", "text/plain")


def test_asynchronous_and_other_endpoints_are_not_mistaken_for_each_other(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=r"\(ValidationError\).*is an asynchronous endpoint; use InvokeEndpointAsync"):
        cloud.runtime.invoke_endpoint(EndpointName="later", Body=b"x")
    with pytest.raises(ClientError, match=r"\(ValidationError\).*is an asynchronous endpoint"):
        cloud.runtime.invoke_endpoint_with_response_stream(EndpointName="later", Body=b"x")
    with pytest.raises(ClientError, match=r"\(ValidationError\).*is not an asynchronous endpoint; use InvokeEndpoint"):
        cloud.runtime.invoke_endpoint_async(EndpointName="now", InputLocation=f"s3://{BUCKET}/x")
    with pytest.raises(ClientError, match=r"Endpoint nobody of account 123456789012 not found"):
        cloud.runtime.invoke_endpoint_async(EndpointName="nobody", InputLocation=f"s3://{BUCKET}/x")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "mutually exclusive. Provide exactly one"),
        ({"Body": b"x", "InputLocation": f"s3://{BUCKET}/x"}, "mutually exclusive. Provide exactly one"),
        ({"Body": b"x" * 128_001}, "at most 128000"),
        ({"InputLocation": f"s3://{BUCKET}"}, "must name an object"),
        ({"InputLocation": "https://example.com/x"}, "neither an s3://"),
        ({"InputLocation": f"s3://{BUCKET}/x", "RequestTTLSeconds": 59}, "requestTTLSeconds"),
    ],
)
def test_asynchronous_requests_that_cannot_be_run_are_refused(
    cloud: Cloud, members: dict[str, Any], message: str
) -> None:
    unchecked = boto_client(cloud.server, "sagemaker-runtime", parameter_validation=False)
    with pytest.raises(ClientError, match=message) as raised:
        unchecked.invoke_endpoint_async(EndpointName="later", **members)
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_a_payload_in_s3_and_its_result(cloud: Cloud) -> None:
    body = os.urandom(9_000_000)  # in parts, both ways
    cloud.s3.put_object(Bucket=BUCKET, Key="in/a", Body=body, ContentType="application/x-thing")
    accepted = cloud.runtime.invoke_endpoint_async(
        EndpointName="later", InputLocation=f"s3://{BUCKET}/in/a", Accept="application/json", InferenceId="mine"
    )
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert accepted["InferenceId"] == "mine"
    assert accepted["OutputLocation"].startswith(f"s3://{BUCKET}/later/out/")
    assert accepted["OutputLocation"].endswith(".out")
    assert accepted["FailureLocation"].startswith(f"s3://{BUCKET}/later/failed/")
    assert accepted["FailureLocation"].endswith("-error.out")
    found = wait_for(lambda: cloud.object(accepted["OutputLocation"]), "result")
    assert found["ContentType"] == "application/json"
    content = json.loads(found["Body"])
    assert content["bytes"] == len(body)
    assert (content["content_type"], content["accept"]) == ("application/x-thing", "application/json")
    assert content["inference_id"] == "mine"


def test_a_payload_in_the_request_and_a_name_for_its_result(cloud: Cloud) -> None:
    accepted = cloud.runtime.invoke_endpoint_async(
        EndpointName="later", Body=b"x", ContentType="text/csv", Filename="a.json", S3OutputPathExtension="by/day/"
    )
    assert accepted["OutputLocation"] == f"s3://{BUCKET}/later/out/by/day/a.json"
    uuid.UUID(accepted["InferenceId"])
    found = wait_for(lambda: cloud.object(accepted["OutputLocation"]), "result")
    assert json.loads(found["Body"])["content_type"] == "text/csv"


def test_a_payload_that_ends_its_worker_every_time_fails(cloud: Cloud, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    accepted = cloud.runtime.invoke_endpoint_async(EndpointName="later", Body=f"die {marks}".encode())
    found = wait_for(lambda: cloud.object(accepted["FailureLocation"]), "failure object")
    assert b"WorkerEnded" in found["Body"]
    assert marks.read_text() == "xx"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Body": b"fail"}, [b"Received server error (500) from primary", b"no such dog"]),
        ({"InputLocation": f"s3://{BUCKET}/nothing"}, [b"s3://invocations/nothing does not exist"]),
        ({"Body": b"sleep 60", "InvocationTimeoutSeconds": 1}, [b"Your invocation timed out", b"may take 1 seconds"]),
    ],
)
def test_a_failure_object_says_what_went_wrong(cloud: Cloud, members: dict[str, Any], words: list[bytes]) -> None:
    accepted = cloud.runtime.invoke_endpoint_async(EndpointName="later", **members)
    found = wait_for(lambda: cloud.object(accepted["FailureLocation"]), "failure object")
    for word in words:
        assert word in found["Body"]
    assert cloud.object(accepted["OutputLocation"]) is None


def test_what_was_accepted_survives_kill_9(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        cloud = Cloud(server)
        cloud.s3.create_bucket(Bucket=BUCKET)
        cloud.async_endpoint("later")
        bodies = [f"wait {gate}".encode(), b"a", b"bb"]
        accepted = [cloud.runtime.invoke_endpoint_async(EndpointName="later", Body=body) for body in bodies]
        server.kill()
        server.start()
        gate.touch()
        results = [wait_for(partial(cloud.object, one["OutputLocation"]), "result") for one in accepted]
        assert [json.loads(result["Body"])["bytes"] for result in results] == [len(body) for body in bodies]

        gate.unlink()
        waiting = [cloud.runtime.invoke_endpoint_async(EndpointName="later", Body=body) for body in bodies]
        cloud.sagemaker.delete_endpoint(EndpointName="later")
        failed = wait_for(lambda: cloud.object(waiting[2]["FailureLocation"]), "failure object")
        assert b"Endpoint later was deleted before it answered" in failed["Body"]
        gate.touch()
    finally:
        server.stop()


def test_captured_invocations_become_lines_of_json(cloud: Cloud) -> None:
    body = json.dumps({"name": "Hündin", "id": str(uuid.uuid4())}, ensure_ascii=False)
    cloud.runtime.invoke_endpoint(
        EndpointName="now",
        Body=body.encode(),
        ContentType="application/json",
        InferenceId="capture-me",
        CustomAttributes="trace=7",
    )

    b"".join(event["PayloadPart"]["Bytes"] for event in streamed(cloud, b"x", InferenceId="capture-stream")["Body"])

    def captured(inference_id: str) -> list[Mapping[str, Any]]:
        listed = cloud.s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/now/AllTraffic/").get("Contents", [])
        lines = [
            line
            for entry in listed
            for line in cloud.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read().splitlines()
        ]
        return [
            record for record in map(json.loads, lines) if record["eventMetadata"].get("inferenceId") == inference_id
        ]

    (record,) = wait_for(partial(captured, "capture-stream"), "captured stream")
    assert base64.b64decode(record["captureData"]["endpointInput"]["data"]) == b"x"
    assert json.loads(record["captureData"]["endpointOutput"]["data"])["bytes"] == 1
    (record,) = wait_for(partial(captured, "capture-me"), "captured data")
    sent, answered = record["captureData"]["endpointInput"], record["captureData"]["endpointOutput"]
    assert sent == {"observedContentType": "application/json", "mode": "INPUT", "data": body, "encoding": "JSON"}
    assert (answered["mode"], answered["encoding"]) == ("OUTPUT", "JSON")
    assert json.loads(answered["data"])["bytes"] == len(body)
    assert record["eventVersion"] == "0"
    assert record["eventMetadata"]["customAttributes"] == ["trace=7"]
    time.strptime(record["eventMetadata"]["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ")
