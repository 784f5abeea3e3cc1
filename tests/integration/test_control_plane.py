"""What clients ask beside SageMaker - logs, metrics, roles - and faults, over boto3 on a server with a real job."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tests.integration.toy_jobs import Toy
from tests.local_server import LocalServer, boto_client, running_server

GROUP = "/aws/sagemaker/TrainingJobs"
SCRIPT = """
for epoch in range(5):
    print(f"epoch={epoch} loss={8 / 2 ** epoch}")
print("ERROR: not really", flush=True)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of this module's own."""
    with running_server(tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest.fixture(scope="module")
def toy(server: LocalServer) -> Toy:
    """Its clients, with the training job `talker`, which has ended."""
    toy = Toy(server)
    toy.train("talker", SCRIPT)
    assert toy.ended("talker")["TrainingJobStatus"] == "Completed"
    return toy


def test_events_are_filtered_page_by_page(toy: Toy) -> None:
    def messages(**asked: Any) -> list[str]:
        pages = toy.logs.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, logStreamNamePrefix="talker/", PaginationConfig={"PageSize": 2}, **asked
        )
        return [event["message"] for page in pages for event in page["events"]]

    losses = [f"epoch={epoch} loss={8 / 2**epoch}" for epoch in range(5)]
    assert [line for line in messages() if "loss=" in line] == losses
    assert messages(filterPattern="ERROR") == ["ERROR: not really"]
    assert messages(filterPattern='"loss=" -epoch') == []
    names = [group["logGroupName"] for group in toy.logs.describe_log_groups()["logGroups"]]
    assert GROUP in names


def statistics_request(toy: Toy, **more: Any) -> dict[str, Any]:
    job = toy.describe("talker")
    return {
        "Namespace": GROUP,
        "MetricName": "loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": "talker"}],
        "StartTime": job["TrainingStartTime"],
        "EndTime": job["TrainingEndTime"] + timedelta(minutes=1),
        "Period": 3600,
        "Statistics": ["Average", "SampleCount", "Minimum"],
        **more,
    }


def test_metrics(server: LocalServer, toy: Toy) -> None:
    cloudwatch = boto_client(server, "cloudwatch")
    answer = cloudwatch.get_metric_statistics(**statistics_request(toy))
    [point] = answer["Datapoints"]
    assert (answer["Label"], point["Average"], point["SampleCount"], point["Minimum"]) == ("loss", 3.1, 5.0, 0.5)
    assert datetime.now(UTC) - point["Timestamp"] < timedelta(hours=1)
    [metric] = [metric for page in cloudwatch.get_paginator("list_metrics").paginate() for metric in page["Metrics"]]
    assert (metric["MetricName"], metric["Dimensions"][0]["Value"]) == ("loss", "talker")
    with pytest.raises(ClientError) as caught:
        cloudwatch.get_metric_statistics(**statistics_request(toy, EndTime=datetime(2000, 1, 1, tzinfo=UTC)))
    assert caught.value.response["Error"]["Code"] == "InvalidParameterCombination"
    with pytest.raises(ClientError, match=r"ValidationError.*: 1 validation error detected: Value 'Parsecs' at 'unit'"):
        cloudwatch.get_metric_statistics(**statistics_request(toy, Unit="Parsecs"))


def test_metrics_in_the_query_protocol_of_older_clients(server: LocalServer, toy: Toy) -> None:
    model = botocore.session.get_session().get_service_model("cloudwatch").operation_model("GetMetricStatistics")
    sent = create_serializer("query").serialize_to_request(statistics_request(toy), model)
    request = urllib.request.Request(str(server), urlencode(sent["body"]).encode(), method="POST")
    for name, value in sent["headers"].items():
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.read()}
    assert model.output_shape is not None
    parsed = create_parser("query").parse(body, model.output_shape)
    assert [point["Average"] for point in parsed["Datapoints"]] == [3.1]


def test_roles(server: LocalServer) -> None:
    caller = boto_client(server, "sts").get_caller_identity()
    assert caller["Arn"].startswith(f"arn:aws:sts::{caller['Account']}:assumed-role/SageMakerRole/")
    iam = boto_client(server, "iam")
    role = iam.get_role(RoleName="SageMakerRole")["Role"]
    assert role["Arn"] == f"arn:aws:iam::{caller['Account']}:role/SageMakerRole"
    # botocore has decoded the policy.
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] == "sagemaker.amazonaws.com"
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role["Arn"], ActionNames=["s3:PutObject", "s3:GetObject"], PaginationConfig={"PageSize": 1}
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    assert {result["EvalActionName"]: result["EvalDecision"] for result in results} == {
        "s3:PutObject": "allowed",
        "s3:GetObject": "allowed",
    }


def test_lists_go_through_all_pages(toy: Toy) -> None:
    for number in range(3):
        toy.train(f"paged-{number}", "pass")
    pages = toy.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="paged", PaginationConfig={"PageSize": 1}
    )
    assert [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]] == [
        "paged-0",
        "paged-1",
        "paged-2",
    ]
    for number in range(3):
        toy.ended(f"paged-{number}")
    newest = toy.sagemaker.list_training_jobs(SortOrder="Descending", MaxResults=1, StatusEquals="Completed")
    assert [job["TrainingJobName"] for job in newest["TrainingJobSummaries"]] == ["paged-2"]
    with pytest.raises(ClientError, match="does not support TrainingPlanArnEquals"):
        toy.sagemaker.list_training_jobs(
            TrainingPlanArnEquals="arn:aws:sagemaker:us-east-1:123456789012:training-plan/x"
        )


def test_tags_of_jobs(toy: Toy) -> None:
    arn = toy.describe("talker")["TrainingJobArn"]
    toy.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "dogs"}])
    pages = toy.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    assert [tag for page in pages for tag in page["Tags"]] == [{"Key": "team", "Value": "dogs"}]


def test_a_killed_training_process_fails_its_job(server: LocalServer, toy: Toy) -> None:
    def put(rules: str) -> None:
        urllib.request.urlopen(
            urllib.request.Request(f"{server}/faults", rules.encode(), method="PUT"), timeout=30
        ).close()

    put("training.kill=1")
    try:
        toy.train("killed", "import time; time.sleep(60)")
        job = toy.ended("killed")
    finally:
        put("")
    assert job["TrainingJobStatus"] == "Failed"
    assert "-9" in job["FailureReason"] or "137" in job["FailureReason"], json.dumps(job["FailureReason"])
