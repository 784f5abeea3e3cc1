"""`aws sagemaker`, `aws sagemaker-runtime` and what goes with them, of the AWS CLI, version 1."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.aws_cli import AwsCli
from tests.integration.toy_jobs import until

CLI = Path(__file__).parent / "cli"
GROUP = "/aws/sagemaker/TrainingJobs"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311"
TRAIN_CHANNEL = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/rows"}},
}
JOB = {
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "validation:loss", "Regex": "validation:loss=([0-9.]+)"}],
    },
    "RoleArn": ROLE,
    "InputDataConfig": [TRAIN_CHANNEL],
    "OutputDataConfig": {"S3OutputPath": "s3://jobs/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 300},
}
OWN = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://jobs/code/sourcedir.tar.gz"}


@pytest.fixture(scope="module", autouse=True)
def _folder(aws: AwsCli) -> None:
    """The user's folder, and a bucket with data, source and model."""
    shutil.copytree(CLI, aws.cwd, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.make_archive(str(aws.cwd / "sourcedir"), "gztar", aws.cwd, "train.py")
    shutil.make_archive(str(aws.cwd / "model"), "gztar", aws.cwd / "model")
    (aws.cwd / "rows.txt").write_text("1\n2\n3\n")
    aws.ok("s3", "mb", "s3://jobs")
    aws.ok("s3", "cp", "sourcedir.tar.gz", "s3://jobs/code/", "--quiet")
    aws.ok("s3", "cp", "model.tar.gz", "s3://jobs/models/", "--quiet")
    aws.ok("s3", "cp", "rows.txt", "s3://jobs/rows/", "--quiet")


def written(aws: AwsCli, name: str, request: dict[str, Any]) -> str:
    """The request as a file; what --cli-input-json takes."""
    (aws.cwd / name).write_text(json.dumps(request, indent=2))
    return f"file://{name}"


def job(aws: AwsCli, name: str, **hyperparameters: str) -> str:
    """CreateTrainingJob's request as a file."""
    return written(
        aws,
        f"{name}.json",
        {"TrainingJobName": name, **JOB, "HyperParameters": {**OWN, "lr": "0.5", **hyperparameters}},
    )


def test_a_training_job(aws: AwsCli) -> None:
    """Create from a file, wait, describe with --query, logs, metrics, tags, the model."""
    created = aws.json(
        "sagemaker", "create-training-job", "--cli-input-json", job(aws, "dogs-1"), "--tags", "Key=team,Value=dogs"
    )
    arn = created["TrainingJobArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:training-job/dogs-1"
    waited = aws.wait("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "dogs-1")
    assert (waited.code, waited.stderr) == (0, "")

    described = ("sagemaker", "describe-training-job", "--training-job-name", "dogs-1")
    assert aws.ok(*described, "--query", "[TrainingJobStatus, ResourceConfig.InstanceType]", "--output", "text") == (
        "Completed\tml.m5.large\n"
    )
    assert aws.json(*described, "--query", "FinalMetricDataList[?MetricName=='validation:loss'].Value") == [0.125]
    assert "| DescribeTrainingJob |" in " ".join(aws.ok(*described, "--output", "table").split())
    assert aws.json("sagemaker", "list-tags", "--resource-arn", arn)["Tags"] == [{"Key": "team", "Value": "dogs"}]

    stream = aws.ok(
        "logs", "describe-log-streams", "--log-group-name", GROUP, "--log-stream-name-prefix", "dogs-1/",
        "--query", "logStreams[0].logStreamName", "--output", "text",
    ).strip()  # fmt: skip
    assert stream.startswith("dogs-1/algo-1-")
    lines = ["training on 3 rows with lr=0.5"]
    lines += [f"epoch={epoch} validation:loss={0.5**epoch:.6f}" for epoch in (1, 2, 3)]
    events = aws.json(
        "logs", "get-log-events", "--log-group-name", GROUP, "--log-stream-name", stream, "--start-from-head"
    )
    assert [event["message"] for event in events["events"]] == lines
    uri = aws.ok(*described, "--query", "ModelArtifacts.S3ModelArtifacts", "--output", "text").strip()
    aws.ok("s3", "cp", uri, "trained.tar.gz", "--quiet")
    shutil.unpack_archive(aws.cwd / "trained.tar.gz", aws.cwd / "trained", filter="data")
    assert json.loads((aws.cwd / "trained/model.json").read_text()) == {"loss": 0.125}


def test_logs_and_metrics_of_a_job(aws: AwsCli) -> None:
    """filter-log-events with a pattern and over all streams; get-metric-statistics."""
    aws.ok("sagemaker", "create-training-job", "--cli-input-json", job(aws, "watched", epochs="5"))
    assert (
        aws.wait("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "watched").code == 0
    )
    of_the_job = ("logs", "filter-log-events", "--log-group-name", GROUP, "--log-stream-name-prefix", "watched/")
    assert len(aws.json(*of_the_job)["events"]) == 6
    messages = aws.json(*of_the_job, "--filter-pattern", "validation", "--query", "events[].message")
    assert messages[-1] == "epoch=5 validation:loss=0.031250"
    assert len(messages) == 5
    assert GROUP in aws.json("logs", "describe-log-groups", "--query", "logGroups[].logGroupName")
    times = "[TrainingStartTime, TrainingEndTime]"
    start, end = aws.json("sagemaker", "describe-training-job", "--training-job-name", "watched", "--query", times)
    metric = (
        "--namespace",
        GROUP,
        "--metric-name",
        "validation:loss",
        "--dimensions",
        "Name=TrainingJobName,Value=watched",
    )
    span = ("--start-time", str(int(start) - 60), "--end-time", str(int(end) + 60), "--period", "60")
    get = ("cloudwatch", "get-metric-statistics", *metric, *span, "--statistics", "Minimum", "SampleCount")
    statistics = aws.json(*get)
    assert statistics["Label"] == "validation:loss"
    assert min(point["Minimum"] for point in statistics["Datapoints"]) == 0.03125
    assert sum(point["SampleCount"] for point in statistics["Datapoints"]) == 5


def test_lists_take_turns(aws: AwsCli) -> None:
    """--max-items, --page-size and --starting-token; the service's own filters and sorting."""
    names = [f"many-{number}" for number in range(5)]
    for name in names:
        aws.ok("sagemaker", "create-training-job", "--cli-input-json", job(aws, name))
    listing = (
        "sagemaker",
        "list-training-jobs",
        "--name-contains",
        "many",
        "--sort-by",
        "Name",
        "--sort-order",
        "Ascending",
    )
    first = aws.json(*listing, "--page-size", "2", "--max-items", "3")
    rest = aws.json(*listing, "--page-size", "2", "--starting-token", first["NextToken"])
    assert [entry["TrainingJobName"] for entry in first["TrainingJobSummaries"]] == names[:3]
    assert [entry["TrainingJobName"] for entry in rest["TrainingJobSummaries"]] == names[3:]
    assert "NextToken" not in rest
    assert aws.ok(*listing, "--query", "TrainingJobSummaries[].TrainingJobName", "--output", "text").split() == names
    for name in names:
        assert aws.wait("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name).code == 0
    assert aws.json(*listing, "--status-equals", "Failed")["TrainingJobSummaries"] == []
    assert len(aws.json(*listing, "--status-equals", "Completed")["TrainingJobSummaries"]) == 5


def test_a_tuning_job(aws: AwsCli) -> None:
    """Create, follow to its end, its training jobs, the best."""
    request = {
        "HyperParameterTuningJobName": "tuned",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.1", "MaxValue": "0.9"}]},
        },
        "TrainingJobDefinition": {**JOB, "StaticHyperParameters": OWN},
    }
    aws.ok("sagemaker", "create-hyper-parameter-tuning-job", "--cli-input-json", written(aws, "tuning.json", request))
    named = ("--hyper-parameter-tuning-job-name", "tuned")
    described = ("sagemaker", "describe-hyper-parameter-tuning-job", *named)
    children = ("sagemaker", "list-training-jobs-for-hyper-parameter-tuning-job", *named)
    # The CLI has no waiter for tuning jobs.
    done = until(lambda: aws.json(*described), lambda tuning: tuning["HyperParameterTuningJobStatus"] != "InProgress")
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    assert done["TrainingJobStatusCounters"]["Completed"] == 3
    by_objective = (*children, "--sort-by", "FinalObjectiveMetricValue", "--sort-order", "Ascending")
    summaries = aws.json(*by_objective)["TrainingJobSummaries"]
    assert len(summaries) == 3
    assert summaries[0]["TrainingJobName"] == done["BestTrainingJob"]["TrainingJobName"]
    rates = [float(summary["TunedHyperParameters"]["lr"]) for summary in summaries]
    assert rates == sorted(rates, reverse=True)  # the script's loss falls with lr
    assert len(aws.json(*children, "--max-items", "2")["TrainingJobSummaries"]) == 2


def test_an_endpoint(aws: AwsCli) -> None:
    """Model, configuration, endpoint, wait, invoke, a model's error, asynchronous invocation, logs, delete, wait."""
    container = {
        "Image": IMAGE,
        "ModelDataUrl": "s3://jobs/models/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }
    model = ("--model-name", "double", "--execution-role-arn", ROLE, "--primary-container", json.dumps(container))
    aws.ok("sagemaker", "create-model", *model)
    variants = "VariantName=AllTraffic,ModelName=double,InitialInstanceCount=1,InstanceType=ml.m5.large"
    results = json.dumps({"OutputConfig": {"S3OutputPath": "s3://jobs/answers/"}})
    for name, more in (("double", ()), ("double-async", ("--async-inference-config", results))):
        config = ("--endpoint-config-name", name, "--production-variants", variants, *more)
        aws.ok("sagemaker", "create-endpoint-config", *config)
        aws.ok("sagemaker", "create-endpoint", "--endpoint-name", name, "--endpoint-config-name", name)
    for name in ("double", "double-async"):
        waited = aws.wait("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", name)
        assert (waited.code, waited.stderr) == (0, "")

    (aws.cwd / "numbers.json").write_text("[1, 2.5]")
    invocation = ("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "double", "--body", "fileb://numbers.json")
    answer = aws.json(*invocation, "--content-type", "application/json", "answer.json")
    assert answer == {"ContentType": "application/json", "InvokedProductionVariant": "AllTraffic"}
    assert json.loads((aws.cwd / "answer.json").read_text()) == [2, 5.0]
    refused = aws(*invocation, "--content-type", "text/csv", "answer.json")
    assert refused.code == 255
    assert (
        "An error occurred (ModelError) when calling the InvokeEndpoint operation: Received server error (500)"
        in refused.stderr
    )
    assert "this model reads application/json, not text/csv" in refused.stderr
    logs = (
        "logs",
        "filter-log-events",
        "--log-group-name",
        "/aws/sagemaker/Endpoints/double",
        "--query",
        "events[].message",
    )
    assert any("this model reads application/json, not text/csv" in line for line in aws.json(*logs))

    aws.ok("s3", "cp", "numbers.json", "s3://jobs/questions/", "--quiet", "--content-type", "application/json")
    location = ("--endpoint-name", "double-async", "--input-location", "s3://jobs/questions/numbers.json")
    queued = aws.json("sagemaker-runtime", "invoke-endpoint-async", *location)
    assert queued["InferenceId"]
    bucket, key = queued["OutputLocation"].removeprefix("s3://").split("/", 1)
    assert bucket == "jobs"
    waited = aws.wait("s3api", "wait", "object-exists", "--bucket", bucket, "--key", key)
    assert (waited.code, waited.stderr) == (0, "")
    assert json.loads(aws.ok("s3", "cp", queued["OutputLocation"], "-")) == [2, 5.0]

    for name in ("double", "double-async"):
        aws.ok("sagemaker", "delete-endpoint", "--endpoint-name", name)
        assert aws.wait("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", name).code == 0
        aws.ok("sagemaker", "delete-endpoint-config", "--endpoint-config-name", name)
    aws.ok("sagemaker", "delete-model", "--model-name", "double")
    assert aws.json("sagemaker", "list-endpoints")["Endpoints"] == []
    missing = aws.wait("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "double")
    assert missing.code == 255
    assert "Waiter EndpointInService failed: " in missing.stderr
    assert "ValidationException" in missing.stderr


def test_who_i_am_and_what_i_may(aws: AwsCli) -> None:
    """STS and IAM, as scripts ask before they start."""
    identity = aws.json("sts", "get-caller-identity")
    assert identity["Account"] == "123456789012"
    role = aws.json("iam", "get-role", "--role-name", "SageMakerRole")["Role"]
    assert role["Arn"] == ROLE
    assert "sagemaker.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])


def test_errors_and_their_codes(aws: AwsCli) -> None:
    """What a script reads: the exit code and the error's text; a failed job fails its waiter."""
    aws.ok("sagemaker", "create-training-job", "--cli-input-json", job(aws, "broken", fail="out of dogs"))
    twice = aws("sagemaker", "create-training-job", "--cli-input-json", job(aws, "broken"))
    assert (twice.code, "(ResourceInUse) when calling the CreateTrainingJob operation: " in twice.stderr) == (255, True)
    waited = aws.wait("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "broken")
    assert (waited.code, "Waiter TrainingJobCompletedOrStopped failed: " in waited.stderr) == (255, True)
    described = ("sagemaker", "describe-training-job", "--training-job-name")
    assert "out of dogs" in aws.ok(*described, "broken", "--query", "FailureReason")
    unknown = aws(*described, "none")
    assert (unknown.code, "(ValidationException)" in unknown.stderr) == (255, True)
    assert "Requested resource not found." in unknown.stderr
    named = aws(*described, "bad_name")
    assert named.code == 255
    assert "Value 'bad_name' at 'trainingJobName' failed to satisfy constraint" in named.stderr
    stopped = aws("sagemaker", "stop-training-job", "--training-job-name", "broken")
    assert (stopped.code, "(ValidationException)" in stopped.stderr) == (255, True)
    usage = aws("sagemaker", "create-training-job", "--training-job-name", "x")
    assert (usage.code, "the following arguments are required" in usage.stderr) == (2, True)
    typed = aws("sagemaker", "list-training-jobs", "--max-items", "many")
    assert (typed.code, "argument --max-items: invalid int value: 'many'" in typed.stderr) == (2, True)
