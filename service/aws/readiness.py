"""Whether AWS answers now: asked with short timeouts and no second try, by a client of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws.errors import is_not_found, problems

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
NOT_FOUND = "NotFound"


class ReadinessProbe:
    """Asks for one endpoint's status. Thread-safe; blocks for at most a few seconds."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._client: SageMakerClient | None = None

    @problems()
    def endpoint_status(self, name: str) -> str:
        """The endpoint's status, or NotFound. Raises AwsUnavailable, AccessDenied, Throttled."""
        try:
            return self._sagemaker().describe_endpoint(EndpointName=name)["EndpointStatus"]
        except ClientError as error:
            if is_not_found(error):
                return NOT_FOUND
            raise

    def _sagemaker(self) -> SageMakerClient:
        with self._lock:
            if self._client is None:
                # Half a second together: not before they are needed.
                import boto3  # noqa: PLC0415
                from botocore.config import Config  # noqa: PLC0415

                config = Config(
                    connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}
                )
                session = boto3.Session(region_name=self._region)
                self._client = session.client("sagemaker", config=config)
            return self._client
