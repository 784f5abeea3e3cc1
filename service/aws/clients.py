"""The boto3 clients, made at first use. Region, retries and timeouts are decided here and nowhere else."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from service.aws.errors import problems

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sts import STSClient

    from service.settings import Settings

USER_AGENT = "sagehound/0.1.0"
CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 20.0
MAX_ATTEMPTS = 3
MAX_CONNECTIONS = 40  # FastAPI's thread pool has as many threads


class Clients:
    """Thread-safe clients of one region. `AWS_ENDPOINT_URL` and the credentials are read by boto3 itself.

    Importing boto3 costs half a second, so it is not imported before a client is asked for.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._clients: dict[str, Any] = {}
        self._account_id: str | None = None

    @property
    def region(self) -> str:
        """The region of every client."""
        return self.settings.region

    @property
    def sagemaker(self) -> SageMakerClient:
        """SageMaker's control plane."""
        return cast("SageMakerClient", self._client("sagemaker"))

    @property
    def sagemaker_runtime(self) -> SageMakerRuntimeClient:
        """Asynchronous invocations; service.aws.runtime has the others."""
        return cast("SageMakerRuntimeClient", self._client("sagemaker-runtime"))

    @property
    def s3(self) -> S3Client:
        """Objects: source, artifacts, outputs."""
        return cast("S3Client", self._client("s3"))

    @property
    def logs(self) -> CloudWatchLogsClient:
        """CloudWatch Logs."""
        return cast("CloudWatchLogsClient", self._client("logs"))

    @property
    def sts(self) -> STSClient:
        """Tells the account."""
        return cast("STSClient", self._client("sts"))

    def account_id(self) -> str:
        """The caller's account, 12 digits; asked once. Raises a Problem when AWS does not answer."""
        if self._account_id is None:
            with problems():
                self._account_id = self.sts.get_caller_identity()["Account"]
        return self._account_id

    def bucket(self) -> str:
        """The name of the service's bucket, which exists when this returns.

        The bucket is looked for at every call, so one that was removed meanwhile is made again.
        Raises a Problem when it can neither be seen nor made.
        """
        named = self.settings.bucket
        name = named or f"sagemaker-{self.region}-{self.account_id()}"
        # Anybody can guess the default name and take it first; naming the owner makes S3 refuse such a bucket.
        head = partial(self.s3.head_bucket, Bucket=name)
        with problems():
            try:
                _ = head() if named else head(ExpectedBucketOwner=self.account_id())
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
                self._create_bucket(name)
        return name

    def _create_bucket(self, name: str) -> None:
        try:
            if self.region == "us-east-1":  # the one region that S3 does not take as a location
                self.s3.create_bucket(Bucket=name)
            else:
                location = cast("Any", {"LocationConstraint": self.region})
                self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=location)
        except self.s3.exceptions.BucketAlreadyOwnedByYou:
            return  # another request made it in the same moment

    def _client(self, name: str) -> Any:
        with self._lock:  # boto3 makes clients of one session in one thread at a time
            if name not in self._clients:
                import boto3  # noqa: PLC0415 - see the class
                from botocore.config import Config  # noqa: PLC0415

                config = Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    read_timeout=READ_TIMEOUT_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
                    max_pool_connections=MAX_CONNECTIONS,
                    user_agent_extra=USER_AGENT,
                )
                with problems():
                    session = boto3.Session(region_name=self.region)
                    self._clients[name] = session.client(cast("Any", name), config=config)
            return self._clients[name]
