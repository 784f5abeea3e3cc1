"""All model servers of one deployment, as one thing that is observed, acted on, and let go."""

import contextlib
import shutil
import signal
import time

from local_sagemaker.engine.endpoints import endpoint as decision
from local_sagemaker.engine.endpoints.endpoint_failure import Failure, PingFailure, failure_reason
from local_sagemaker.engine.endpoints.fleet_variant import FleetVariant, deployment_folder
from local_sagemaker.engine.endpoints.routing import Demand, Route, RoutingTable
from local_sagemaker.engine.endpoints.watched_server import STOP_GRACE_SECONDS
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime.failure import error_message
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store.deployments import Deployment
from local_sagemaker.store.endpoints import Endpoint

STOP_POLL_SECONDS = 0.1
# The longest that an invocation may take: an asynchronous one an hour, a streamed one eight of the usual timeouts.
ASYNC_INVOCATION_SECONDS = 3600.0
STREAMED_TIMEOUTS = 8


class Fleet:
    """All model servers of one deployment of an endpoint. Used by the engine's thread alone."""

    def __init__(
        self,
        endpoint: Endpoint,
        deployment: Deployment,
        *,
        settings: Settings,
        background: Background,
        pings: Background,
        objects: Objects,
    ) -> None:
        self.endpoint_name = endpoint.name
        self.deployment = deployment
        self.folder = deployment_folder(settings, endpoint, deployment)
        self._variants = {
            variant.name: FleetVariant(
                endpoint, deployment, variant, settings=settings, background=background, pings=pings, objects=objects
            )
            for variant in deployment.variants
        }
        longest = ASYNC_INVOCATION_SECONDS if deployment.async_inference else 0.0
        self._drain_seconds = max(longest, STREAMED_TIMEOUTS * settings.invocation_timeout_seconds)
        self._retired_at: float | None = None

    def change(self, deployment: Deployment) -> None:
        """The same deployment as its row is now."""
        if deployment == self.deployment:
            return
        self.deployment = deployment
        for variant in deployment.variants:
            self._variants[variant.name].change(variant, deployment)

    def observe(self, now: float, demand: Demand, *, in_service: bool) -> list[decision.Variant]:
        """What is true of the deployment now, and what is wanted of it at this demand."""
        return [variant.observe(now, demand, in_service=in_service) for variant in self._variants.values()]

    def apply(self, action: decision.Action, routes: RoutingTable, now: float) -> None:
        """Carry out one step of a plan. A server that is to end is in no published route any more."""
        variant = self._variants[action.variant]
        match action:
            case decision.FetchModel():
                variant.fetch(now)
            case decision.StartServer(index=index):
                variant.start(index)
            case decision.KillServer(index=index):
                variant.servers[index].signal(signal.SIGKILL)
            case decision.EndServer(index=index):
                variant.end_server(index, routes, now)

    def failure_reason(self, failure: Failure) -> str:
        """The FailureReason, with the model's last error from its log."""
        if not isinstance(failure, PingFailure):
            return failure_reason(failure, "")
        return failure_reason(failure, error_message(self._variants[failure.variant].log(failure.index)))

    def route(self) -> Route:
        """The servers that answer at present."""
        return Route(
            tuple(variant.route() for variant in self._variants.values()),
            self.deployment.id,
            self.deployment.async_inference,
            self.deployment.data_capture,
        )

    def is_ending_servers(self) -> bool:
        """Whether servers are there that shall not be."""
        return any(variant.is_ending() for variant in self._variants.values())

    def retire(self, routes: RoutingTable, now: float) -> float | None:
        """Let go of a fleet that is in no route: wait for its invocations, end its servers, remove its folder.

        Answers when to look again, None when all of it is gone.
        """
        self._retired_at = self._retired_at or now
        drained = now - self._retired_at > self._drain_seconds
        left = [variant for variant in self._variants.values() if not variant.end(routes, now, drained=drained)]
        if left:
            return STOP_POLL_SECONDS
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # other deployments are there
            self.folder.parent.rmdir()
        return STOP_POLL_SECONDS if self.folder.exists() else None

    def terminate(self, signum: signal.Signals) -> bool:
        """Signal every model server without waiting for anything; False when none runs."""
        servers = [server for variant in self._variants.values() for server in variant.servers.values()]
        signalled = [server for server in servers if server.signal(signum)]
        return bool(signalled)


def stop_all(fleets: list[Fleet], grace_seconds: float = STOP_GRACE_SECONDS) -> None:
    """End the model servers of all fleets, for a shutdown: SIGTERM, and SIGKILL for what is left after the grace."""
    deadline = time.monotonic() + grace_seconds
    signum = signal.SIGTERM
    while fleets:
        fleets = [fleet for fleet in fleets if fleet.terminate(signum)]
        if time.monotonic() > deadline:
            signum = signal.SIGKILL
        time.sleep(0.02)
