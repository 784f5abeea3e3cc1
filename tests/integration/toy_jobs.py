"""Toy training jobs for tests: scripts of a few lines, packed as the SDK packs them, over a real server."""

import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tests.local_server import LocalServer, boto_client

BUCKET = "toy"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311"
DEADLINE_SECONDS = 60.0


class Toy:
    """Clients of a server, and short ways to make jobs."""

    def __init__(self, server: LocalServer) -> None:
        self.s3 = boto_client(server, "s3", s3={"addressing_style": "path"})
        self.sagemaker = boto_client(server, "sagemaker")
        self.logs = boto_client(server, "logs")
        self.s3.create_bucket(Bucket=BUCKET)

    def put(self, key: str, body: bytes | str) -> str:
        """Put an object; answers its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def source(self, key: str, **files: str) -> str:
        """Pack files (`train="..."` becomes train.py; `requirements_txt` requirements.txt) and upload them."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo("requirements.txt" if name == "requirements_txt" else f"{name}.py")
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return self.put(f"{key}/sourcedir.tar.gz", packed.getvalue())

    def request(
        self, name: str, script: str, hyperparameters: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """CreateTrainingJob's members for a script; `requirements` becomes requirements.txt."""
        requirements = more.pop("requirements", None)
        files = {"train": script, **({"requirements_txt": requirements} if requirements else {})}
        metric_definitions = more.pop("metric_definitions", [{"Name": "loss", "Regex": "loss=([0-9.a-z+-]+)"}])
        return {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": metric_definitions,
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "HyperParameters": self.hyperparameters(name, hyperparameters or {}, **files),
            **more,
        }

    def hyperparameters(self, key: str, values: dict[str, Any], **files: str) -> dict[str, str]:
        """HyperParameters as the SDK's version 2 encodes them."""
        own = {"sagemaker_program": "train.py", "sagemaker_submit_directory": self.source(key, **files)}
        return {name: json.dumps(value) for name, value in {**values, **own}.items()}

    def train(self, name: str, script: str, hyperparameters: dict[str, Any] | None = None, **more: Any) -> None:
        """CreateTrainingJob."""
        self.sagemaker.create_training_job(**self.request(name, script, hyperparameters, **more))

    def tuning_request(self, name: str, script: str, *, jobs: int, parallel: int, **config: Any) -> dict[str, Any]:
        """CreateHyperParameterTuningJob's members: lr and batch-size, minimising `loss`."""
        definition = self.request(name, script)
        for member in ("TrainingJobName", "HyperParameters"):
            del definition[member]
        limits = {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel}
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "ResourceLimits": limits,
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "RandomSeed": 7,
                "ParameterRanges": {
                    "ContinuousParameterRanges": [
                        {"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
                    ],
                    "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ['"32"', '"64"']}],
                },
                **config,
            },
            "TrainingJobDefinition": {
                **definition,
                "StaticHyperParameters": self.hyperparameters(name, {"epochs": 2}, train=script),
            },
        }

    def describe(self, name: str) -> dict[str, Any]:
        """DescribeTrainingJob."""
        answer: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return answer

    def describe_tuning(self, name: str) -> dict[str, Any]:
        """DescribeHyperParameterTuningJob."""
        answer: dict[str, Any] = self.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return answer

    def ended(self, name: str) -> dict[str, Any]:
        """The job's description once it has ended."""
        return until(
            lambda: self.describe(name), lambda job: job["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"}
        )

    def tuning_ended(self, name: str) -> dict[str, Any]:
        """The tuning job's description once it has ended."""
        return until(
            lambda: self.describe_tuning(name),
            lambda job: job["HyperParameterTuningJobStatus"] in {"Completed", "Failed", "Stopped"},
        )

    def phase(self, name: str, secondary_status: str) -> dict[str, Any]:
        """The job's description once it has reached a secondary status; it may have passed it since."""
        return until(
            lambda: self.describe(name),
            lambda job: secondary_status in [t["Status"] for t in job["SecondaryStatusTransitions"]],
        )

    def log(self, name: str) -> list[str]:
        """All lines of a job's log."""
        found = self.logs.describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
        )
        if not found["logStreams"]:  # the script has not started
            return []
        [stream] = found["logStreams"]
        events = self.logs.get_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream["logStreamName"], startFromHead=True
        )
        return [event["message"] for event in events["events"]]

    def tar_members(self, key: str) -> dict[str, bytes]:
        """What a tar.gz object holds."""
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return {m.name: f.read() for m in tar if (f := tar.extractfile(m)) is not None}

    def keys(self, prefix: str) -> list[str]:
        """Keys that start with a prefix."""
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], reached: Callable[[Seen], bool]) -> Seen:
    """Look until it is reached; fail when it takes too long."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not reached(seen := look()):
        assert time.monotonic() < deadline, f"not reached within {DEADLINE_SECONDS:.0f} s: {seen}"
        time.sleep(0.05)
    return seen
