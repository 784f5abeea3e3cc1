"""One production variant of a deployment: its model data fetched, its model servers started with all they need."""

import logging
from pathlib import Path

from diagnostics.instances import instance_type
from local_sagemaker.engine import endpoint as decision
from local_sagemaker.engine.endpoint import ModelData
from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.routing import RoutedVariant, RoutingTable
from local_sagemaker.engine.watched_server import WatchedServer
from local_sagemaker.runtime import serving, serving_model
from local_sagemaker.runtime.compute_share import compute_share, host_cores, host_gpus
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.serving_folder import Serving
from local_sagemaker.runtime.serving_logs import log_file
from local_sagemaker.runtime.serving_model import ModelDataFailed, ModelSource
from local_sagemaker.settings import Settings
from local_sagemaker.store.endpoints import Deployment, Endpoint, Variant

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
        objects: Objects,
    ) -> None:
        self.variant = variant
        self._folder = deployment_folder(settings, endpoint, deployment) / variant.name
        self._region = endpoint.arn.split(":")[3]
        self._settings = settings
        self._background = background
        self._objects = objects
        self._fetching_since = 0.0
        self._fetch_error = ""
        self._server_count = sum(server_count(each) for each in deployment.variants)
        self.servers = []
        for index in range(server_count(variant)):
            stream = f"{variant.name}/i-{deployment.id}{index}"
            log = log_file(settings, endpoint.name, stream)
            self.servers.append(WatchedServer(index, self._folder / "servers" / str(index), log, stream, background))

    def observe(self, now: float) -> decision.Variant:
        """What is true of the variant now."""
        model_data = self._observe_model_data()
        servers = [server.observe(now) for server in self.servers] if model_data is ModelData.FETCHED else []
        return decision.Variant(
            self.variant.name,
            model_data,
            tuple(servers),
            startup_timeout_seconds=self.variant.startup_timeout_seconds or self._settings.startup_timeout_seconds,
            fetching_since=self._fetching_since,
            fetch_timeout_seconds=self.variant.download_timeout_seconds,
            fetch_error=self._fetch_error,
        )

    def fetch(self, now: float) -> None:
        """Begin to download the model data."""
        self._fetching_since = now
        source = ModelSource(self.variant.model_data_url, self.variant.environment, self.variant.volume_size_gb)
        cache_dir, log = self._settings.state_dir / "cache", self.servers[0].log
        self._background.start(
            self._fetch_key, lambda: serving_model.fetch(self._objects, source, self._folder, cache_dir, log)
        )

    def start(self, index: int) -> None:
        """Start one of the model servers."""
        container, model_dir = self.variant.environment, (self._folder / "model").resolve()
        instance = instance_type(self.variant.instance_type)
        share = compute_share(instance, self._server_count, cores=host_cores(), gpus=host_gpus())
        what = Serving(
            model_dir=model_dir,
            code_dir=serving.code_dir(container, model_dir),
            packages_dir=serving_model.packages_dir(self._folder).absolute(),
            program=container.get("SAGEMAKER_PROGRAM"),
            timeout_seconds=self._settings.invocation_timeout_seconds,
        )
        environment = serving.environment(
            container,
            model_dir=model_dir,
            region=self._region,
            share=share,
            endpoint_url=self._objects.endpoint_url,
        )
        self.servers[index].start(what, environment)

    def end(self, routes: RoutingTable, now: float, *, drained: bool) -> bool:
        """One step towards the end of everything; whether all of it has ended."""
        ended = [server.end(routes, now, drained=drained) for server in self.servers]
        self._background.poll(self._fetch_key)
        return all(ended) and not self._background.running(self._fetch_key)

    def route(self) -> RoutedVariant:
        """The servers that answer at present."""
        answering = tuple(server.routed for server in self.servers if server.routed)
        return RoutedVariant(self.variant.name, self.variant.weight, answering, self.variant.least_loaded)

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
    """Model servers of a variant: InitialInstanceCount, but no more than this machine has cores."""
    return min(variant.instance_count, host_cores())


def deployment_folder(settings: Settings, endpoint: Endpoint, deployment: Deployment) -> Path:
    """Everything of a deployment but its logs."""
    return settings.endpoints_dir / endpoint.name.lower() / "deployments" / deployment.id
