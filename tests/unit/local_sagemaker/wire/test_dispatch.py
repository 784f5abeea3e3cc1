"""Requests over a real socket, to operations that the tests bring."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_sagemaker import errors
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.sts import get_caller_identity
from local_sagemaker.settings import Settings
from tests.local_server import boto_client
from tests.unit.local_sagemaker.wire.conftest import served

NAME = {"TrainingJobName": "dogs-1"}


def describe(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Answers, fails or breaks, as the name says."""
    name = members["TrainingJobName"]
    if name == "missing":
        raise errors.ValidationException("Requested resource not found.")
    if name == "in-use":
        raise errors.ResourceInUse("it is there", ResourceId="x")
    if name == "broken":
        raise ZeroDivisionError
    if name == "unknown-member":
        return {"TrainingJobNam": "typo"}
    return {"TrainingJobName": name, "TrainingJobArn": context.arn("training-job", name), "CreationTime": 1.25}


async def invoke(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Echoes; the content type tells what came in."""
    if members["EndpointName"] == "bad":
        raise errors.ModelError(
            "the model answered 415", OriginalStatusCode=415, OriginalMessage="no image", LogStreamArn="a"
        )
    if members["EndpointName"] == "busy":
        raise errors.ServiceUnavailable("the queue is full", retry_after="3")
    if members["EndpointName"] == "hostile":
        return {"Body": b"", "ContentType": "a\r\nx-other: b"}
    return {
        "Body": members["Body"],
        "ContentType": members.get("ContentType"),
        "InvokedProductionVariant": "AllTraffic",
    }


OPERATIONS = {
    ("sagemaker", "DescribeTrainingJob"): describe,
    ("sagemaker", "DeleteModel"): lambda context, members: {},
    ("sagemaker", "ListTrainingJobs"): lambda context, members: {
        "TrainingJobSummaries": [],
        "NextToken": str(members["CreationTimeAfter"].timestamp()),
    },
    ("sagemaker-runtime", "InvokeEndpoint"): invoke,
    ("cloudwatch", "DeleteAlarms"): lambda context, members: {},
    ("logs", "GetLogEvents"): lambda context, members: {
        "events": [{"timestamp": 1_700_000_000_123, "message": "é", "ingestionTime": 1_700_000_000_124}]
    },
    ("sts", "GetCallerIdentity"): get_caller_identity,
    ("sts", "AssumeRole"): lambda context, members: {"SourceIdentity": json.dumps(members, sort_keys=True)},
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URL."""
    with served(
        Settings(port=0, state_dir=tmp_path_factory.mktemp("state"), account_id="111122223333"), OPERATIONS
    ) as url:
        yield url


def error(call: Any, **members: Any) -> dict[str, Any]:
    """What boto3 makes of the error that a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    response: dict[str, Any] = dict(caught.value.response)
    return response


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """A request by hand."""
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, dict(refused.headers), refused.read()


def test_an_answer(url: str) -> None:
    answer = boto_client(url, "sagemaker").describe_training_job(**NAME)
    assert answer["TrainingJobArn"] == "arn:aws:sagemaker:us-east-1:111122223333:training-job/dogs-1"
    assert answer["CreationTime"].timestamp() == 1.25
    assert answer["ResponseMetadata"]["RequestId"]


def test_the_region_is_the_callers(url: str) -> None:
    import boto3

    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-central-1")
    answer = session.client("sagemaker", endpoint_url=url).describe_training_job(**NAME)
    assert answer["TrainingJobArn"].split(":")[3] == "eu-central-1"


def test_times_in_requests_are_datetimes(url: str) -> None:
    answer = boto_client(url, "sagemaker").list_training_jobs(CreationTimeAfter=1_700_000_000)
    assert answer["NextToken"] == "1700000000.0"


def test_an_operation_without_output(url: str) -> None:
    assert boto_client(url, "sagemaker").delete_model(ModelName="m")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_errors_of_operations(url: str) -> None:
    describe = boto_client(url, "sagemaker").describe_training_job
    assert error(describe, TrainingJobName="missing")["Error"] == {
        "Code": "ValidationException",
        "Message": "Requested resource not found.",
    }
    assert error(describe, TrainingJobName="in-use")["Error"]["Code"] == "ResourceInUse"


@pytest.mark.parametrize("name", ["broken", "unknown-member"])
def test_an_unexpected_exception_is_an_internal_failure_and_logged(
    url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = error(boto_client(url, "sagemaker").describe_training_job, TrainingJobName=name)
    assert told["Error"]["Code"] == "InternalFailure"
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert told["ResponseMetadata"]["RequestId"] in caplog.text
    assert "Traceback" in caplog.text
    assert boto_client(url, "sagemaker").describe_training_job(**NAME)


def test_unknown_operations(url: str) -> None:
    told = error(boto_client(url, "sagemaker").list_apps)["Error"]
    assert told["Code"] == "UnknownOperationException"
    assert "ListApps of sagemaker is not implemented in local_sagemaker; docs/local_sagemaker.md" in told["Message"]
    status, _, body = post(url, b"{}", X_Amz_Target="SageMaker.MakeCoffee")
    assert status == 400
    assert json.loads(body)["__type"] == "UnknownOperationException"
    assert "MakeCoffee" in json.loads(body)["message"]
    metric = {"MetricName": "m", "Timestamp": 1, "Value": 1}
    calls: list[tuple[str, str, dict[str, Any], str]] = [
        ("iam", "get_role", {"RoleName": "r"}, "InvalidAction"),
        ("cloudwatch", "list_metrics", {}, "InvalidAction"),
        (
            "sagemaker-runtime",
            "invoke_endpoint_async",
            {"EndpointName": "e", "InputLocation": "s3://b/k"},
            "UnknownOperationException",
        ),
        (
            "sagemaker-metrics",
            "batch_put_metrics",
            {"TrialComponentName": "t", "MetricData": [metric]},
            "UnknownOperationException",
        ),
        ("sts", "get_session_token", {}, "InvalidAction"),
    ]
    for service, call, members, code in calls:
        assert error(getattr(boto_client(url, service), call), **members)["Error"]["Code"] == code


def test_invocations(url: str) -> None:
    runtime = boto_client(url, "sagemaker-runtime")
    body = bytes(range(256)) * 100
    answer = runtime.invoke_endpoint(EndpointName="dogs", Body=body, ContentType="image/jpeg")
    assert answer["Body"].read() == body
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("image/jpeg", "AllTraffic")
    busy = error(runtime.invoke_endpoint, EndpointName="busy", Body=b"x")
    assert busy["Error"]["Code"] == "ServiceUnavailable"
    assert busy["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"
    told = error(runtime.invoke_endpoint, EndpointName="bad", Body=b"x")
    assert told["Error"]["Code"] == "ModelError"
    assert (told["OriginalStatusCode"], told["OriginalMessage"], told["LogStreamArn"]) == (415, "no image", "a")
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 424
    too_long = {"EndpointName": "dogs", "Body": b"", "InferenceId": "x" * 65}
    told = error(runtime.invoke_endpoint, **too_long)
    assert told["Error"]["Code"] == "ValidationError"
    assert "at 'inferenceId' failed to satisfy constraint" in told["Error"]["Message"]


def test_a_header_that_would_break_the_answer_is_an_internal_failure(url: str) -> None:
    told = error(boto_client(url, "sagemaker-runtime").invoke_endpoint, EndpointName="hostile", Body=b"")
    assert told["Error"]["Code"] == "InternalFailure"


def test_log_times_are_milliseconds(url: str) -> None:
    events = boto_client(url, "logs").get_log_events(logGroupName="g", logStreamName="s")["events"]
    assert events == [{"timestamp": 1_700_000_000_123, "message": "é", "ingestionTime": 1_700_000_000_124}]


def test_the_query_protocol(url: str) -> None:
    sts = boto_client(url, "sts")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/SageMakerRole/local-sagemaker"
    members = {
        "RoleArn": "arn:aws:iam::111122223333:role/r",
        "RoleSessionName": "a-session",
        "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/" + name} for name in ("A", "B")],
        "Tags": [{"Key": "k", "Value": "ü"}],
        "DurationSeconds": 900,
    }
    assert json.loads(sts.assume_role(**members)["SourceIdentity"]) == members
    unchecked = boto_client(url, "sts", parameter_validation=False)
    told = error(unchecked.assume_role, **{**members, "DurationSeconds": 1})["Error"]
    assert told["Code"] == "ValidationError"
    assert "Value '1' at 'durationSeconds' failed" in told["Message"]
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert b"Other" in post(url, b"Action=GetCallerIdentity&Version=2011-06-15&Other=1", **form)[2]
    assert post(url, b"Action=AssumeRole&DurationSeconds=abc", **form)[0] == 400
    assert b"InvalidAction" in post(url, b"Version=1", **form)[2]


def test_bodies_that_are_no_json(url: str) -> None:
    status, headers, body = post(url, b"{nonsense", X_Amz_Target="SageMaker.DescribeTrainingJob")
    assert (status, json.loads(body)["__type"]) == (400, "SerializationException")
    assert headers["x-amzn-requestid"]


def test_health_and_s3_share_the_root(url: str) -> None:
    with urllib.request.urlopen(url) as answer:
        assert json.load(answer) == {"status": "ok"}
    assert boto_client(url, "s3").list_buckets()["Buckets"] == []
    boto_client(url, "s3").create_bucket(Bucket="health")
    assert boto_client(url, "s3").list_objects_v2(Bucket="health")["KeyCount"] == 0


def test_many_at_once(url: str) -> None:
    client = boto_client(url, "sagemaker", max_pool_connections=20)
    with ThreadPoolExecutor(20) as pool:
        names = [f"job-{number}" for number in range(200)]
        answers = pool.map(lambda name: client.describe_training_job(TrainingJobName=name)["TrainingJobName"], names)
        assert list(answers) == names


def test_waiting_operations_do_not_hold_others(tmp_path: Path) -> None:
    import asyncio

    gate = asyncio.Event()

    async def wait(context: Context, members: dict[str, Any]) -> dict[str, Any]:
        await gate.wait()
        return {"Body": b"at last"}

    def opens(context: Context, members: dict[str, Any]) -> dict[str, Any]:
        gate.set()
        return {}

    operations: Any = {("sagemaker-runtime", "InvokeEndpoint"): wait, ("sagemaker", "DeleteModel"): opens}
    with served(Settings(port=0, state_dir=tmp_path), operations) as url, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(boto_client(url, "sagemaker-runtime").invoke_endpoint, EndpointName="e", Body=b"")
        boto_client(url, "sagemaker").delete_model(ModelName="m")
        assert waiting.result(20)["Body"].read() == b"at last"


def test_cloudwatch_of_older_clients_is_a_form_signed_for_monitoring(url: str) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host"
    form = {"Content_Type": "application/x-www-form-urlencoded; charset=utf-8", "Authorization": scope}
    status, _, body = post(url, b"Action=DeleteAlarms&Version=2010-08-01&AlarmNames.member.1=a", **form)
    assert (status, b"<DeleteAlarmsResponse" in body) == (200, True)
