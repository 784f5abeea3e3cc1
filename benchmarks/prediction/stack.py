"""Sagehound as it is run: `python -m service` -> local_sagemaker -> its endpoint, each a process of its own."""

import os
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.prediction import processes
from benchmarks.prediction.processes import Part
from tests.local_server import boto_client, running_server
from tests.service_process import running_service

ENDPOINT = "dog-breeds"  # that POST /predict asks by default
INSTANCE_TYPE = "ml.m5.large"  # two vCPUs
IN_SERVICE_SECONDS = 180.0
BUCKET = "benchmark"


@dataclass(frozen=True)
class Stack:
    """A running stack: where the service listens, where local_sagemaker keeps its state, and the processes."""

    url: str
    state_dir: Path
    parts: Sequence[Part]

    @property
    def predict_url(self) -> str:
        """What a load asks."""
        return f"{self.url}/predict"

    def put(self, version: str, precision: str | None) -> None:
        """Have the endpoint serve another version of the model; returns as soon as that is under way."""
        body = self._deployment(version, precision)
        httpx.put(f"{self.url}/endpoints/{ENDPOINT}", json=body, trust_env=False, timeout=60).raise_for_status()

    def create(self, version: str, precision: str | None) -> None:
        """Make the endpoint and wait for it."""
        body = {"name": ENDPOINT, **self._deployment(version, precision)}
        answer = httpx.post(f"{self.url}/endpoints", json=body, trust_env=False, timeout=60)
        if answer.status_code != 202:
            raise RuntimeError(f"POST /endpoints answers {answer.status_code}: {answer.text}")
        self.wait_until_settled()

    def wait_until_settled(self) -> dict[str, Any]:
        """The endpoint, in service. Raises RuntimeError when it is not."""
        deadline = time.monotonic() + IN_SERVICE_SECONDS
        while True:
            answer = httpx.get(f"{self.url}/endpoints/{ENDPOINT}", trust_env=False, timeout=60)
            endpoint: dict[str, Any] = answer.raise_for_status().json()
            if endpoint["status"] == "InService":
                return endpoint
            if endpoint["status"] == "Failed" or time.monotonic() > deadline:
                raise RuntimeError(f"the endpoint is {endpoint['status']}: {endpoint['failure_reason']}")
            time.sleep(0.1)

    @staticmethod
    def _deployment(version: str, precision: str | None) -> dict[str, Any]:
        chosen = {} if precision is None else {"precision": precision}
        return {"model_data": f"s3://{BUCKET}/{version}/model.tar.gz", "instance_type": INSTANCE_TYPE, **chosen}


@contextmanager
def running_stack(
    artifact: Path, precision: str | None = None, versions: Sequence[str] = ("first",)
) -> Iterator[Stack]:
    """A stack whose endpoint serves the first of `versions`; the artifact's folder is uploaded once a version."""
    with tempfile.TemporaryDirectory(prefix="predict-") as name:
        folder = Path(name)
        with running_server(folder / "state") as server:
            s3 = boto_client(server, "s3")
            s3.create_bucket(Bucket=BUCKET)
            packed = _packed(artifact, folder / "model.tar.gz")
            for version in versions:
                s3.upload_file(str(packed), BUCKET, f"{version}/model.tar.gz")
            log = folder / "service.log"
            with running_service(log, _environment(server.base_url)) as url:
                service_pid = _listener(url)
                state = server.state_dir
                stack = Stack(
                    url,
                    state,
                    [
                        Part("service", lambda: {service_pid}),
                        Part("local_sagemaker", lambda: {server.pid}),
                        Part("model server", lambda: processes.model_servers(state)),
                    ],
                )
                stack.create(versions[0], precision)
                yield stack


def _environment(endpoint_url: str) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEHOUND_PORT": "0",
        "SAGEHOUND_TRAINING_IMAGE": "training",  # spares the SDK's import
        "SAGEHOUND_INFERENCE_IMAGE": "inference",
    }


def _packed(artifact: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(artifact.iterdir()):
            tar.add(path, path.name)
    return archive


def _listener(url: str) -> int:
    """The process of ours that listens at `url`."""
    port = int(url.rsplit(":", 1)[1])
    for pid in processes.trees([os.getpid()]):
        if port in processes.listening_ports(pid):
            return pid
    raise RuntimeError(f"no process of this benchmark listens at {url}")
