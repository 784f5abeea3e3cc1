"""The operations on endpoints over a real engine and real model servers, without the wire."""

import asyncio
import contextlib
import glob
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from local_sagemaker.engine.endpoints.endpoints import EndpointReconciler
from local_sagemaker.engine.loop import Background, Engine
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting import endpoint_configs, endpoints, invocations, models
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database
from tests.waiting import wait_for

ECHO = """
import os
def model_fn(model_dir): return open(os.path.join(model_dir, "name.txt")).read()
def input_fn(body, content_type): return body
def predict_fn(data, model): return model.encode() + b":" + bytes(data)
def output_fn(prediction, accept): return prediction, "application/octet-stream"
"""
DEADLINE_SECONDS = 60.0


def archive(path: Path, members: Mapping[str, str | bytes]) -> str:
    """Write a tar.gz of these members; its file:// URI."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return f"file://{path}"


class Local:
    """Operations, the engine over endpoints, and an HTTP session in an event loop of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings(state_dir=folder / "state", **settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Start the engine on what is in the state folder."""
        wake = threading.Event()
        database = Database(self.settings.database_path)
        self.background = Background(wake.set)
        self.reconciler = EndpointReconciler(
            self.settings, database, self.background, Objects("", self.settings.buckets_dir)
        )
        self.engine = Engine(wake, [self.reconciler])
        http = asyncio.run_coroutine_threadsafe(_session(), self._loop).result()
        self.context = Context(self.settings, database, wake, http, "us-east-1", routes=self.reconciler.routes)
        self.engine.start()

    def abandon(self) -> None:
        """As kill -9 would leave it: the engine stops, the model servers go on."""
        self.engine.stop()
        self.background.close()
        asyncio.run_coroutine_threadsafe(self.context.http.close(), self._loop).result()

    def close(self) -> None:
        """A shutdown in order."""
        self.engine.stop()
        self.reconciler.close()
        self.background.close()
        asyncio.run_coroutine_threadsafe(self.context.http.close(), self._loop).result()

    def finish(self) -> None:
        """End the event loop too."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def create_model(
        self, name: str, model_data_url: str, source: Mapping[str, str] | None = None, **environment: str
    ) -> None:
        """CreateModel, over a URL or an S3DataSource."""
        container: dict[str, Any] = {"Image": "image:1", "ModelDataUrl": model_data_url, "Environment": environment}
        if source is not None:
            container["ModelDataSource"] = {"S3DataSource": source}
        models.create_model(self.context, {"ModelName": name, "PrimaryContainer": container})

    def create_config(self, name: str, *variants: Mapping[str, Any]) -> None:
        """CreateEndpointConfig; each variant is completed with defaults."""
        instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        full = [
            {
                "VariantName": "AllTraffic",
                "InitialVariantWeight": 1.0,
                **({} if "ServerlessConfig" in variant else instances),
                **variant,
            }
            for variant in variants
        ]
        endpoint_configs.create_endpoint_config(self.context, {"EndpointConfigName": name, "ProductionVariants": full})

    def create_endpoint(self, name: str, config: str) -> None:
        """CreateEndpoint."""
        endpoints.create_endpoint(self.context, {"EndpointName": name, "EndpointConfigName": config})

    def deploy(self, name: str, members: Mapping[str, str | bytes], **variant: Any) -> dict[str, Any]:
        """Model, configuration and endpoint of one name; its description when it has left Creating."""
        self.create_model(name, archive(self.folder / f"{name}.tar.gz", members))
        self.create_config(name, {"ModelName": name, **variant})
        self.create_endpoint(name, name)
        return self.settled(name)

    def update(self, name: str, config: str, **members: Any) -> None:
        """UpdateEndpoint."""
        endpoints.update_endpoint(self.context, {"EndpointName": name, "EndpointConfigName": config, **members})

    def change(self, name: str, **variants: Mapping[str, Any]) -> None:
        """UpdateEndpointWeightsAndCapacities; the members of each variant by its name."""
        changes = [{"VariantName": variant, **members} for variant, members in variants.items()]
        endpoints.update_endpoint_weights_and_capacities(
            self.context, {"EndpointName": name, "DesiredWeightsAndCapacities": changes}
        )

    def delete(self, name: str) -> None:
        """DeleteEndpoint."""
        endpoints.delete_endpoint(self.context, {"EndpointName": name})

    def describe(self, name: str) -> dict[str, Any]:
        """DescribeEndpoint."""
        return endpoints.describe_endpoint(self.context, {"EndpointName": name})

    def settled(self, name: str) -> dict[str, Any]:
        """The description as soon as nothing is in progress."""

        def described() -> dict[str, Any] | None:
            found = self.describe(name)
            return None if found["EndpointStatus"] in {"Creating", "Updating", "RollingBack"} else found

        found: dict[str, Any] = wait_for(described, f"end of what {name} is at")
        return found

    def invoke(self, name: str, body: bytes = b"x", region: str = "us-east-1", **members: Any) -> dict[str, Any]:
        """InvokeEndpoint."""
        return self.begin_to_invoke(name, body, region, **members).result(DEADLINE_SECONDS)

    def begin_to_invoke(
        self, name: str, body: bytes = b"x", region: str = "us-east-1", **members: Any
    ) -> Future[dict[str, Any]]:
        """InvokeEndpoint, whose answer is waited for by whoever wants it."""
        call = invocations.invoke_endpoint(
            replace(self.context, region=region), {"EndpointName": name, "Body": body, **members}
        )
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    def server_pids(self, name: str) -> list[int]:
        """The living model servers' process ids (their fronts'), from folders that may go while they are looked at."""
        pattern = self.settings.endpoints_dir / name / "deployments" / "*" / "*" / "servers" / "*" / "*"
        found = (_living_pid(Path(folder)) for folder in sorted(glob.glob(str(pattern))))
        return [pid for pid in found if pid is not None]


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Local]:
    """A started Local, shut down at the end, after which none of its model servers runs."""
    local = Local(folder, **settings)
    local.start()
    try:
        yield local
    finally:
        local.close()
        local.finish()
        # A shim ends a moment after its last record.
        wait_for(lambda: not living_commands(folder), "end of all model servers")


def living_commands(folder: Path) -> list[str]:
    """The command lines that name this folder."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in commands if str(folder) in command]


def _living_pid(folder: Path) -> int | None:
    if (folder / "exit.json").exists():
        return None
    try:
        return int(json.loads((folder / "process.json").read_bytes())["pid"])
    except FileNotFoundError:
        return None


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
