"""One production variant of a deployment: its model data fetched, its model servers started with all they need."""

import logging
import shutil
import time
from pathlib import Path

from diagnostics.instances import instance_type
from local_sagemaker.engine.endpoints import endpoint as decision
from local_sagemaker.engine.endpoints.endpoint import ModelData
from local_sagemaker.engine.endpoints.routing import Demand, RoutedVariant, RoutingTable
from local_sagemaker.engine.endpoints.serverless import servers_to_prove_it, wanted_servers
from local_sagemaker.engine.endpoints.watched_server import WatchedServer
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime import mount_namespace
from local_sagemaker.runtime.compute_share import ComputeShare, compute_share, host_cores, host_gpus
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.serving import environment as serving
from local_sagemaker.runtime.serving import model as serving_model
from local_sagemaker.runtime.serving.folder import Start
from local_sagemaker.runtime.serving.logs import log_file
from local_sagemaker.runtime.serving.model import ModelDataFailed, ModelSource
from local_sagemaker.settings import Settings
from local_sagemaker.store.deployments import Deployment, Variant
from local_sagemaker.store.endpoints import Endpoint
from model_server.serving import Serving

# As on AWS, a serverless server answers one invocation at a time, with all its CPUs; more servers answer more.
SERVERLESS_WORKERS = 1

logger = logging.getLogger(__name__)


class FleetVariant:
    """A production variant: one model folder, and the model servers over it."""

    def __init__(
        self,
        endpoint: Endpoint,
        deployment: Deployment,
        variant: Variant,
        *,
        settings: Settings,
        background: Background,
        pings: Background,
        objects: Objects,
    ) -> None:
        self.variant = variant
        self._endpoint_name, self._deployment_id = endpoint.name, deployment.id
        self._folder = deployment_folder(settings, endpoint, deployment) / variant.name
        self._region = endpoint.arn.split(":")[3]
        self._settings = settings
        self._background = background
        self._pings = pings
        self._objects = objects
        self._fetching_since = 0.0
        self._fetch_error = ""
        self._servers_of_all = servers_of_all(deployment)
        found = [int(path.name) for path in (self._folder / "servers").glob("[0-9]*")]
        self.servers = {index: self._server(index) for index in sorted(found)}
        self._wanted = sum(server.runs() for server in self.servers.values())
        self._used_at = time.monotonic()

    def change(self, variant: Variant, deployment: Deployment) -> None:
        """The same variant with another weight, instance count or serverless configuration."""
        self.variant = variant
        self._servers_of_all = servers_of_all(deployment)

    def observe(self, now: float, demand: Demand, *, in_service: bool) -> decision.Variant:
        """What is true of the variant now, and how many servers it shall have at what is asked of its endpoint."""
        model_data = self._observe_model_data()
        self._wanted = self._count(demand, in_service=in_service)
        for index in range(self._wanted):
            if index not in self.servers:
                self.servers[index] = self._server(index)
        servers = [server.observe(now) for server in self.servers.values()] if model_data is ModelData.FETCHED else []
        return decision.Variant(
            self.variant.name,
            model_data,
            tuple(servers),
            wanted=self._wanted,
            startup_timeout_seconds=self.variant.startup_timeout_seconds or self._settings.startup_timeout_seconds,
            fetching_since=self._fetching_since,
            fetch_timeout_seconds=self.variant.download_timeout_seconds,
            fetch_error=self._fetch_error,
        )

    def fetch(self, now: float) -> None:
        """Begin to download the model data."""
        self._fetching_since = now
        variant = self.variant
        source = ModelSource(
            variant.model_data_url, variant.environment, variant.volume_size_gb, variant.model_data_compressed
        )
        cache_dir, log = self._settings.state_dir / "cache", self.log(0)
        self._background.start(
            self._fetch_key, lambda: serving_model.fetch(self._objects, source, self._folder, cache_dir, log)
        )

    def start(self, index: int) -> None:
        """Start one of the model servers."""
        view = serving.view(self._folder, mounted=mount_namespace.is_mounted(self._settings.opt_ml))
        container = self.variant.environment
        model = Serving(
            model_dir=view.model_dir,
            code_dir=serving.code_dir(container, view.model_dir),
            packages_dir=serving_model.packages_dir(self._folder).absolute(),
            program=container.get("SAGEMAKER_PROGRAM"),
        )
        share = self._share()
        what = Start(model, self._settings.invocation_timeout_seconds, share.cpus)
        environment = serving.environment(
            container,
            model_dir=view.model_dir,
            region=self._region,
            share=share,
            workers=None if self.variant.serverless is None else SERVERLESS_WORKERS,
            endpoint_url=self._objects.endpoint_url,
        )
        self.servers[index].start(what, environment, view.mounts)

    def end_server(self, index: int, routes: RoutingTable, now: float) -> None:
        """One step towards the end of one server that is in no route; afterwards it is as if it had never been."""
        if self.servers[index].end(routes, now, drained=False):
            del self.servers[index]
            shutil.rmtree(self._folder / "servers" / str(index), ignore_errors=True)

    def end(self, routes: RoutingTable, now: float, *, drained: bool) -> bool:
        """One step towards the end of everything; whether all of it has ended."""
        ended = [server.end(routes, now, drained=drained) for server in self.servers.values()]
        self._background.poll(self._fetch_key)
        return all(ended) and not self._background.running(self._fetch_key)

    def route(self) -> RoutedVariant:
        """The servers that answer at present, without those that are to end."""
        variant, wanted = self.variant, self._wanted
        return RoutedVariant(
            variant.name,
            variant.weight,
            tuple(server.routed for index, server in self.servers.items() if server.routed and index < wanted),
            variant.least_loaded,
            None if variant.serverless is None else variant.serverless["MaxConcurrency"],
        )

    def is_ending(self) -> bool:
        """Whether servers are there that shall not be."""
        return any(index >= self._wanted for index in self.servers)

    def log(self, index: int) -> Path:
        """The log of a server, there or not."""
        return log_file(self._settings, self._endpoint_name, self._stream(index))

    def _count(self, demand: Demand, *, in_service: bool) -> int:
        """How many servers there shall be; for a serverless variant by what is asked of it."""
        config = self.variant.serverless
        if config is None:
            return server_count(self.variant)
        if not in_service:
            self._used_at = time.monotonic()
            return servers_to_prove_it(config, host_cores())
        if demand.current:
            self._used_at = time.monotonic()
        self._used_at = max(self._used_at, demand.last_at)
        return wanted_servers(
            config,
            self._wanted,
            invocations=demand.peak,
            idle_seconds=time.monotonic() - self._used_at,
            idle_limit=self._settings.serverless_idle_seconds,
            most=host_cores(),
        )

    def _server(self, index: int) -> WatchedServer:
        memory = None if self.variant.serverless is None else self.variant.serverless["MemorySizeInMB"]
        folder = self._folder / "servers" / str(index)
        return WatchedServer(index, folder, self.log(index), self._stream(index), self._pings, memory)

    def _stream(self, index: int) -> str:
        return f"{self.variant.name}/i-{self._deployment_id}{index}"

    def _share(self) -> ComputeShare:
        if self.variant.serverless is not None:  # AWS gives CPU in proportion to memory, and no GPU
            gigabytes = self.variant.serverless["MemorySizeInMB"] // 1024
            return ComputeShare(cpus=max(1, min(gigabytes, host_cores())), gpus=0)
        instance = instance_type(self.variant.instance_type)
        return compute_share(instance, self._servers_of_all, cores=host_cores(), gpus=host_gpus())

    @property
    def _fetch_key(self) -> tuple[str, Path]:
        return ("model data", self._folder)

    def _observe_model_data(self) -> ModelData:
        finished = self._background.poll(self._fetch_key)
        error = finished.exception() if finished else None
        if error is not None:
            if not isinstance(error, ModelDataFailed):
                logger.error("fetching model data failed", exc_info=error)
            self._fetch_error = str(error) or type(error).__name__
        if serving_model.is_fetched(self._folder):
            return ModelData.FETCHED
        if self._fetch_error:
            return ModelData.FAILED
        return ModelData.FETCHING if self._background.running(self._fetch_key) else ModelData.MISSING


def server_count(variant: Variant) -> int:
    """Model servers of a variant with instances: as many, but no more than this machine has cores."""
    return min(variant.instance_count, host_cores())


def servers_of_all(deployment: Deployment) -> int:
    """Model servers of all variants together: they share this machine."""
    return sum(server_count(variant) for variant in deployment.variants)


def deployment_folder(settings: Settings, endpoint: Endpoint, deployment: Deployment) -> Path:
    """Everything of a deployment but its logs."""
    return settings.endpoints_dir / endpoint.name.lower() / "deployments" / deployment.id
