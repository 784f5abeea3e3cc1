"""Models and endpoints through boto3 against a real server, its embedded S3 and real model servers."""

import io
import json
import os
import signal
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_sagemaker.runtime import mount_namespace
from tests.local_server import LocalServer, boto_client, running_server
from tests.waiting import wait_for

BUCKET = "models"
DEADLINE_SECONDS = 60.0
CODE = """
import json, os
class NoDog(Exception):
    status_code = 415
def model_fn(model_dir):
    with open(os.path.join(model_dir, "name.txt")) as file: return file.read()
def input_fn(body, content_type): return bytes(body)
def predict_fn(data, model):
    if data == b"cat": raise NoDog("this is a cat")
    if data == b"crash": raise RuntimeError("out of cheese")
    return {"model": model, "bytes": len(data), "server": os.getppid()}  # a worker's parent
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""


class Cloud:
    """The clients of one server, and the steps that most tests take."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.sagemaker = boto_client(server, "sagemaker")
        self.runtime = boto_client(server, "sagemaker-runtime", max_pool_connections=10)
        self.logs = boto_client(server, "logs")
        self.s3 = boto_client(server, "s3")

    def model(self, name: str, members: dict[str, str]) -> None:
        """Upload model.tar.gz and create a model over it."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            root = tarfile.TarInfo("")  # as the SDKs' repacking writes it
            root.type = tarfile.DIRTYPE
            tar.addfile(root)
            for path, text in members.items():
                info = tarfile.TarInfo(path)
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=stream.getvalue())
        self.model_over(name, f"s3://{BUCKET}/{name}/model.tar.gz")

    def model_over(self, name: str, model_data_url: str) -> None:
        """Create a model as both SDKs do."""
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
            PrimaryContainer={
                "Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.5-cpu-py311",
                "ModelDataUrl": model_data_url,
                "Environment": {
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
                    "SAGEMAKER_REGION": "us-east-1",
                },
            },
        )

    def config(self, name: str, model: str) -> None:
        """Create a configuration with one variant."""
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": 1,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    def endpoint(self, name: str, members: dict[str, str]) -> None:
        """Model, configuration and endpoint of one name, in service."""
        self.model(name, members)
        self.config(name, name)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.wait("endpoint_in_service", name)

    def wait(self, waiter: str, name: str) -> None:
        """boto3's own waiter, in shorter steps."""
        self.sagemaker.get_waiter(waiter).wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": int(DEADLINE_SECONDS)}
        )

    def settled(self, name: str) -> dict[str, Any]:
        """The endpoint's description when nothing is in progress."""

        def described() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            return None if found["EndpointStatus"] in {"Creating", "Updating", "RollingBack"} else found

        found: dict[str, Any] = wait_for(described, f"end of what {name} is at")
        return found

    def predict(self, name: str, body: bytes = b"dog") -> dict[str, Any]:
        """InvokeEndpoint; the parsed answer."""
        found: dict[str, Any] = json.load(self.runtime.invoke_endpoint(EndpointName=name, Body=body)["Body"])
        return found


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_server(tmp_path_factory.mktemp("state"), serverless_idle_seconds=1) as server:
        found = Cloud(server)
        found.s3.create_bucket(Bucket=BUCKET)
        yield found


def members(name: str) -> dict[str, str]:
    return {"name.txt": name, "code/inference.py": CODE}


def test_from_a_model_archive_to_predictions_and_back_to_nothing(cloud: Cloud) -> None:
    cloud.endpoint("dogs", members("first"))
    answer = cloud.runtime.invoke_endpoint(
        EndpointName="dogs", Body=b"\x00" * 3_000_000, ContentType="image/jpeg", Accept="application/json"
    )
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "AllTraffic")
    assert json.load(answer["Body"])["bytes"] == 3_000_000
    described = cloud.sagemaker.describe_endpoint(EndpointName="dogs")
    assert described["EndpointConfigName"] == "dogs"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    listed = cloud.sagemaker.list_endpoints(NameContains="dog", StatusEquals="InService")["Endpoints"]
    assert [item["EndpointName"] for item in listed] == ["dogs"]

    streams = cloud.logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/dogs")["logStreams"]
    assert len(streams) == 1
    assert streams[0]["logStreamName"].startswith("AllTraffic/i-")
    events = cloud.logs.get_log_events(
        logGroupName="/aws/sagemaker/Endpoints/dogs", logStreamName=streams[0]["logStreamName"], startFromHead=True
    )["events"]
    assert events[0]["message"].startswith("model loaded")

    cloud.sagemaker.delete_endpoint(EndpointName="dogs")
    cloud.wait("endpoint_deleted", "dogs")
    cloud.sagemaker.delete_endpoint_config(EndpointConfigName="dogs")
    cloud.sagemaker.delete_model(ModelName="dogs")
    with pytest.raises(
        ClientError, match='Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/dogs"'
    ):
        cloud.sagemaker.describe_endpoint(EndpointName="dogs")
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Endpoint dogs of account 123456789012 not found\."):
        cloud.predict("dogs")


def test_errors_of_the_model_arrive_with_everything_botocore_parses(cloud: Cloud) -> None:
    cloud.endpoint("errors", members("m"))
    with pytest.raises(cloud.runtime.exceptions.ModelError) as raised:
        cloud.predict("errors", b"cat")
    found = raised.value.response
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert found["OriginalStatusCode"] == 415
    assert json.loads(found["OriginalMessage"]) == {"code": "NoDog", "message": "this is a cat"}
    assert found["LogStreamArn"].startswith(
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/errors"
    )
    assert "Received client error (415) from primary" in found["Error"]["Message"]
    with pytest.raises(ClientError, match=r"Received server error \(500\) from primary with message .*out of cheese"):
        cloud.predict("errors", b"crash")
    with pytest.raises(ClientError, match="ValidationError"):
        cloud.predict("errors", b"x" * 6_291_457)
    assert cloud.predict("errors")["model"] == "m"


def test_an_update_under_load_fails_no_request(cloud: Cloud) -> None:
    cloud.endpoint("busy", members("old"))
    cloud.model("busy-new", members("new"))
    cloud.config("busy-new", "busy-new")
    answers: list[str] = []
    failures: list[Exception] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                answers.append(cloud.predict("busy")["model"])
            except ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        cloud.sagemaker.update_endpoint(EndpointName="busy", EndpointConfigName="busy-new")
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            cloud.sagemaker.delete_endpoint(EndpointName="busy")
        assert cloud.settled("busy")["EndpointConfigName"] == "busy-new"
        count = len(answers)
        wait_for(lambda: len(answers) > count + 50, "answers of the new model")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    switch = answers.index("new")
    assert switch > 0
    assert "old" not in answers[switch + len(threads) :]


def test_an_update_that_cannot_start_is_rolled_back(cloud: Cloud) -> None:
    cloud.endpoint("steady", members("good"))
    cloud.model("steady-bad", {"code/inference.py": "raise ImportError('no weights library')"})
    cloud.config("steady-bad", "steady-bad")
    cloud.sagemaker.update_endpoint(EndpointName="steady", EndpointConfigName="steady-bad")
    found = cloud.settled("steady")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "steady")
    assert found["FailureReason"].endswith("ImportError: no weights library")
    assert cloud.predict("steady")["model"] == "good"


def test_endpoints_whose_models_cannot_be_served_fail_with_the_reason(cloud: Cloud) -> None:
    cloud.s3.put_object(Bucket=BUCKET, Key="text.tar.gz", Body=b"this is no archive")
    cloud.model("raises", {"code/inference.py": "raise ValueError('bad at import')"})
    cloud.model_over("nothing", f"s3://{BUCKET}/none/model.tar.gz")
    cloud.model_over("nowhere", "s3://no-such-bucket/model.tar.gz")
    cloud.model_over("text", f"s3://{BUCKET}/text.tar.gz")
    reasons = {}
    for name in ("raises", "nothing", "nowhere", "text"):
        cloud.config(name, name)
        cloud.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        found = cloud.settled(name)
        assert found["EndpointStatus"] == "Failed"
        reasons[name] = found["FailureReason"]
        with pytest.raises(ClientError, match=r"\(ValidationError\).*status is Failed"):
            cloud.predict(name)
    assert reasons["raises"].endswith("ValueError: bad at import")
    assert reasons["raises"].startswith(
        "The primary container for production variant AllTraffic did not pass the ping health check. Please check"
    )
    assert reasons["nothing"].startswith(f"Could not find model data at s3://{BUCKET}/none/model.tar.gz")
    assert "its bucket does not exist" in reasons["nowhere"] or "does not exist" in reasons["nowhere"]
    assert reasons["text"].startswith("Failed to extract model data archive")


def test_traffic_between_variants_is_moved_and_told_of(cloud: Cloud) -> None:
    for name in ("blue", "green"):
        cloud.model(name, members(name))
    variants: list[dict[str, Any]] = [
        {"VariantName": name, "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        for name in ("blue", "green")
    ]
    variants[1]["InitialVariantWeight"] = 0.0
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="both", ProductionVariants=variants)
    cloud.sagemaker.create_endpoint(EndpointName="both", EndpointConfigName="both")
    cloud.wait("endpoint_in_service", "both")
    assert {cloud.predict("both")["model"] for _ in range(5)} == {"blue"}
    desired = [{"VariantName": "blue", "DesiredWeight": 0.0}, {"VariantName": "green", "DesiredWeight": 1.0}]
    changed = cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="both", DesiredWeightsAndCapacities=desired
    )
    assert changed["EndpointArn"].endswith(":endpoint/both")
    cloud.wait("endpoint_in_service", "both")
    assert {cloud.predict("both")["model"] for _ in range(5)} == {"green"}
    described = cloud.sagemaker.describe_endpoint(EndpointName="both")["ProductionVariants"]
    assert [variant["CurrentWeight"] for variant in described] == [0.0, 1.0]

    cloud.config("only-blue", "blue")
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "LINEAR", "WaitIntervalInSeconds": 1, "LinearStepSize": size}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 1}
    deployment = {"BlueGreenUpdatePolicy": policy}
    cloud.sagemaker.update_endpoint(EndpointName="both", EndpointConfigName="only-blue", DeploymentConfig=deployment)
    pending = cloud.sagemaker.describe_endpoint(EndpointName="both")["PendingDeploymentSummary"]
    assert (pending["EndpointConfigName"], len(pending["ProductionVariants"])) == ("only-blue", 1)
    found = cloud.settled("both")
    assert (found["EndpointConfigName"], found["LastDeploymentConfig"]) == ("only-blue", deployment)
    assert cloud.predict("both")["model"] == "blue"


def test_a_serverless_endpoint_rests_and_wakes(cloud: Cloud) -> None:
    cloud.model("rests", members("rests"))
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 3}
    variant = {"VariantName": "AllTraffic", "ModelName": "rests", "ServerlessConfig": serverless}
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="rests", ProductionVariants=[variant])
    cloud.sagemaker.create_endpoint(EndpointName="rests", EndpointConfigName="rests")
    cloud.wait("endpoint_in_service", "rests")
    described = cloud.sagemaker.describe_endpoint(EndpointName="rests")["ProductionVariants"][0]
    assert described["CurrentServerlessConfig"] == serverless
    assert "CurrentInstanceCount" not in described
    first = cloud.predict("rests")["server"]
    wait_for(lambda: not Path(f"/proc/{first}").exists(), "end of the idle model server")
    assert cloud.predict("rests")["server"] != first
    with pytest.raises(ClientError, match=r"\(ValidationError\).*at most 4194304"):
        cloud.predict("rests", b"x" * 4_194_305)


def test_code_that_names_opt_ml_model_finds_its_own(cloud: Cloud) -> None:
    why_not = mount_namespace.available()
    if why_not:
        pytest.skip(why_not)
    code = """
def model_fn(model_dir):
    with open("/opt/ml/model/name.txt") as file: return file.read()
def transform_fn(model, body, content_type, accept): return '{"model": "' + model + '"}', "application/json"
"""
    for name in ("one", "two"):
        cloud.endpoint(name, {"name.txt": name, "code/inference.py": code})
    assert [cloud.predict(name)["model"] for name in ("one", "two")] == ["one", "two"]


def test_kill_9_and_restarts_leave_endpoints_as_they_are(tmp_path: Path) -> None:
    server = LocalServer(tmp_path)
    server.start()
    try:
        cloud = Cloud(server)
        cloud.s3.create_bucket(Bucket=BUCKET)
        cloud.endpoint("lasting", members("m"))
        cloud.endpoint("shot", members("n"))
        lasting, shot = cloud.predict("lasting")["server"], cloud.predict("shot")["server"]

        server.kill()
        os.kill(shot, signal.SIGKILL)
        server.start()
        assert cloud.predict("lasting")["server"] == lasting  # adopted
        assert cloud.predict("shot")["server"] != shot  # started again
        assert cloud.sagemaker.describe_endpoint(EndpointName="shot")["EndpointStatus"] == "InService"

        cloud.model("next", members("next"))
        cloud.config("next", "next")
        cloud.sagemaker.update_endpoint(EndpointName="shot", EndpointConfigName="next")
        change = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2, "DesiredWeight": 4.0}]
        cloud.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="lasting", DesiredWeightsAndCapacities=change
        )
        server.kill()
        server.start()
        assert (cloud.settled("shot")["EndpointConfigName"], cloud.predict("shot")["model"]) == ("next", "next")
        variant = cloud.settled("lasting")["ProductionVariants"][0]
        assert variant["CurrentInstanceCount"] == min(2, len(os.sched_getaffinity(0)))
        assert variant["CurrentWeight"] == 4.0

        server.stop()
        assert not Path(f"/proc/{lasting}").exists()  # a shutdown leaves nothing running
        server.start()
        assert cloud.predict("lasting")["model"] == "m"
    finally:
        server.stop()
