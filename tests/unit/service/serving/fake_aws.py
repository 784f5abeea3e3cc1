"""SageMaker's models, configs, endpoints, queue and training jobs, and S3 in memory, behind boto3's own method names.

It refuses what AWS refuses (unknown and taken names, changes under way) with AWS's codes and words, and counts calls.
Integration tests ask the same of local_sagemaker over the wire.
"""

import hashlib
import io
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.settings import Settings

ACCOUNT = "123456789012"
BUCKET = f"sagemaker-us-east-1-{ACCOUNT}"


def refusal(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    """The error that boto3 raises for an AWS answer."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class FakeSageMaker:
    """Named things by kind: `model`, `endpoint-config`, `endpoint`, `training-job`."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, dict[str, Any]]] = {
            kind: {} for kind in ("model", "endpoint-config", "endpoint", "training-job")
        }
        self.tags: dict[str, dict[str, str]] = {}
        self.calls: Counter[str] = Counter()
        self.crash_before: str | None = None
        self._now = datetime(2026, 11, 22, tzinfo=UTC)

    def names(self, kind: str) -> list[str]:
        """The names of what is there."""
        return sorted(self.things[kind])

    def set_status(self, endpoint: str, status: str) -> None:
        """What SageMaker does by itself after a while."""
        if status == "Deleted":
            del self.things["endpoint"][endpoint]
        else:
            self.things["endpoint"][endpoint]["EndpointStatus"] = status

    def create_model(self, ModelName: str, Tags: list[dict[str, str]], **members: Any) -> dict[str, Any]:  # noqa: N803
        return self._create("CreateModel", "model", ModelName, Tags, {"ModelName": ModelName, **members})

    def create_endpoint_config(
        self,
        EndpointConfigName: str,  # noqa: N803
        Tags: list[dict[str, str]],  # noqa: N803
        **members: Any,
    ) -> dict[str, Any]:
        content = {"EndpointConfigName": EndpointConfigName, **members}
        return self._create("CreateEndpointConfig", "endpoint-config", EndpointConfigName, Tags, content)

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str, Tags: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self._find("CreateEndpoint", "endpoint-config", EndpointConfigName)
        content = {
            "EndpointName": EndpointName,
            "EndpointConfigName": EndpointConfigName,
            "EndpointStatus": "Creating",
        }
        return self._create("CreateEndpoint", "endpoint", EndpointName, Tags, content)

    def describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        return self._get("DescribeModel", "model", ModelName)

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        return self._get("DescribeEndpointConfig", "endpoint-config", EndpointConfigName)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        return self._get("DescribeEndpoint", "endpoint", EndpointName)

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        jobs = self.things["training-job"]
        if TrainingJobName not in jobs:
            raise refusal("DescribeTrainingJob", "ValidationException", "Requested resource not found.")
        return jobs[TrainingJobName]

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:  # noqa: N803
        endpoint = self._get("UpdateEndpoint", "endpoint", EndpointName)
        self._find("UpdateEndpoint", "endpoint-config", EndpointConfigName)
        self._refuse_under_way("UpdateEndpoint", endpoint)
        endpoint |= {"EndpointConfigName": EndpointConfigName, "EndpointStatus": "Updating"}

    def delete_endpoint(self, EndpointName: str) -> None:  # noqa: N803
        endpoint = self._get("DeleteEndpoint", "endpoint", EndpointName)
        self._refuse_under_way("DeleteEndpoint", endpoint)
        endpoint["EndpointStatus"] = "Deleting"

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:  # noqa: N803
        self._get("DeleteEndpointConfig", "endpoint-config", EndpointConfigName)
        del self.things["endpoint-config"][EndpointConfigName]

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        self._get("DeleteModel", "model", ModelName)
        del self.things["model"][ModelName]

    def add_tags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> None:  # noqa: N803
        self._called("AddTags")
        self.tags[ResourceArn] |= {tag["Key"]: tag["Value"] for tag in Tags}

    def delete_tags(self, ResourceArn: str, TagKeys: list[str]) -> None:  # noqa: N803
        self._called("DeleteTags")
        for key in TagKeys:
            del self.tags[ResourceArn][key]

    def list_endpoints(self, **query: Any) -> dict[str, Any]:
        self._called("ListEndpoints")
        self.last_query = query
        return {"Endpoints": list(self.things["endpoint"].values())}

    def get_paginator(self, operation: str) -> "FakePaginator":
        return FakePaginator(self, operation)

    def _create(
        self, operation: str, kind: str, name: str, tags: list[dict[str, str]], content: dict[str, Any]
    ) -> dict[str, Any]:
        self._called(operation)
        arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:{kind}/{name.lower()}"
        if name in self.things[kind]:
            raise refusal(operation, "ValidationException", f'Cannot create already existing {kind} "{arn}".')
        self._now += timedelta(seconds=1)
        arn_key = {"model": "ModelArn", "endpoint-config": "EndpointConfigArn", "endpoint": "EndpointArn"}[kind]
        self.things[kind][name] = {
            **content,
            arn_key: arn,
            "CreationTime": self._now,
            "LastModifiedTime": self._now,
        }
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in tags}
        return {arn_key: arn}

    def _get(self, operation: str, kind: str, name: str) -> dict[str, Any]:
        self._called(operation)
        return self._find(operation, kind, name)

    def _find(self, operation: str, kind: str, name: str) -> dict[str, Any]:
        if name not in self.things[kind]:
            raise refusal(operation, "ValidationException", f'Could not find {kind} "{name}".')
        return self.things[kind][name]

    def _refuse_under_way(self, operation: str, endpoint: dict[str, Any]) -> None:
        if endpoint["EndpointStatus"] in {"Creating", "Updating", "Deleting"}:
            message = f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".'
            raise refusal(operation, "ValidationException", message)

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        if operation == self.crash_before:
            self.crash_before = None
            raise KeyboardInterrupt


class FakePaginator:
    """Pages of one item."""

    def __init__(self, sagemaker: FakeSageMaker, operation: str) -> None:
        self._sagemaker = sagemaker
        self._operation = operation

    def paginate(self, ResourceArn: str = "", NameContains: str = "") -> list[dict[str, Any]]:  # noqa: N803
        if self._operation == "list_tags":
            return [{"Tags": [{"Key": k, "Value": v}]} for k, v in self._sagemaker.tags[ResourceArn].items()]
        kind, key = {
            "list_models": ("model", "Models"),
            "list_endpoint_configs": ("endpoint-config", "EndpointConfigs"),
        }[self._operation]
        things = self._sagemaker.things[kind]
        return [{key: [things[name]]} for name in sorted(things) if NameContains in name]


class FakeS3:
    """Objects by (bucket, key)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.content_types: dict[tuple[str, str], str] = {}
        self.calls: Counter[str] = Counter()
        self.crash_before: str | None = None
        self.crash_after: str | None = None

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        content = self._content("HeadObject", Bucket, Key)
        return {"ETag": self._etag(content), "ContentLength": len(content)}

    def get_object(self, Bucket: str, Key: str, IfMatch: str | None = None) -> dict[str, Any]:  # noqa: N803
        content = self._content("GetObject", Bucket, Key)
        if IfMatch is not None and self._etag(content) != IfMatch:
            raise refusal("GetObject", "PreconditionFailed", "The object changed.", 412)
        return {"Body": io.BytesIO(content)}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str, IfNoneMatch: str) -> None:  # noqa: N803
        assert IfNoneMatch == "*"
        self._called("PutObject")
        if self.objects.setdefault((Bucket, Key), Body) is not Body:
            raise refusal("PutObject", "PreconditionFailed", "At least one of the pre-conditions did not hold.", 412)
        self.content_types[Bucket, Key] = ContentType

    def upload_fileobj(
        self,
        Fileobj: io.BytesIO,  # noqa: N803
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        ExtraArgs: dict[str, str] | None = None,  # noqa: N803
    ) -> None:
        self._called("Upload")
        self.objects[Bucket, Key] = Fileobj.read()
        self.content_types[Bucket, Key] = (ExtraArgs or {}).get("ContentType", "binary/octet-stream")

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self._called("DeleteObject")
        self.objects.pop((Bucket, Key), None)
        if self.crash_after == "DeleteObject":
            self.crash_after = None
            raise KeyboardInterrupt

    def get_paginator(self, operation: str) -> "FakeS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        """Pages of one key, and an empty one as S3 answers when there is nothing."""
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        return [{"Contents": [{"Key": key}]} for key in keys] or [{}]

    def at(self, s3_uri: str) -> bytes:
        """The object of the URI."""
        bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
        return self.objects[bucket, key]

    def put(self, s3_uri: str, content: bytes) -> str:
        """Write an object; answers its URI."""
        bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
        self.objects[bucket, key] = content
        return s3_uri

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        if operation == self.crash_before:
            self.crash_before = None
            raise KeyboardInterrupt

    def _content(self, operation: str, bucket: str, key: str) -> bytes:
        self.calls[operation] += 1
        if (bucket, key) not in self.objects:
            code = "404" if operation == "HeadObject" else "NoSuchKey"
            raise refusal(operation, code, "Not Found", 404)
        return self.objects[bucket, key]

    def _etag(self, content: bytes) -> str:
        return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


class FakeQueue:
    """InvokeEndpointAsync: remembers what was asked, and writes what the model is said to answer when it is told to."""

    def __init__(self, sagemaker: FakeSageMaker, s3: FakeS3) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self._lock = threading.Lock()
        self.asked: list[dict[str, Any]] = []

    def invoke_endpoint_async(self, EndpointName: str, **members: Any) -> dict[str, str]:  # noqa: N803
        endpoint = self._sagemaker.things["endpoint"].get(EndpointName)
        if endpoint is None:
            message = f"Endpoint {EndpointName} of account {ACCOUNT} not found."
            raise refusal("InvokeEndpointAsync", "ValidationError", message)
        config = self._sagemaker.things["endpoint-config"][endpoint["EndpointConfigName"]]
        if endpoint["EndpointStatus"] != "InService" or "AsyncInferenceConfig" not in config:
            raise refusal("InvokeEndpointAsync", "ValidationError", "The endpoint does not take this.")
        output = config["AsyncInferenceConfig"]["OutputConfig"]
        with self._lock:
            number = len(self.asked)
            self.asked.append({"EndpointName": EndpointName, **members})
        return {
            "OutputLocation": f"{output['S3OutputPath']}/{members['S3OutputPathExtension']}/{number}.out",
            "FailureLocation": f"{output['S3FailurePath']}/{number}-error.out",
        }

    def answer(self, number: int, content: bytes) -> None:
        """The model's answer to the request of this number."""
        asked = self.asked[number]
        folder = asked["InputLocation"].rsplit("/", 1)[0]
        self._s3.put(f"{folder}/{number}.out", content)

    def fail(self, number: int, message: str) -> None:
        """SageMaker's failure object of the request of this number."""
        endpoint = self.asked[number]["EndpointName"]
        self._s3.put(f"s3://{BUCKET}/sagehound/failed-predictions/{endpoint}/{number}-error.out", message.encode())


class FakeClients(Clients):
    """Clients of the fakes."""

    def __init__(self, inference_dir: Path) -> None:
        super().__init__(Settings(inference_source_dir=inference_dir, inference_image="image:1"))
        self.fake_sagemaker = FakeSageMaker()
        self.fake_s3 = FakeS3()
        self.fake_queue = FakeQueue(self.fake_sagemaker, self.fake_s3)

    def _client(self, name: str) -> Any:
        return {"sagemaker": self.fake_sagemaker, "s3": self.fake_s3, "sagemaker-runtime": self.fake_queue}[name]

    def account_id(self) -> str:
        """The fake's account."""
        return ACCOUNT

    def bucket(self) -> str:
        """The fake's bucket."""
        return BUCKET
