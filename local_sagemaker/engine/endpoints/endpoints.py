"""Endpoints: their deployments are brought up, switched to without a failed request, kept alive, and let go."""

import logging

from local_sagemaker import clock
from local_sagemaker.engine.endpoints.endpoint import SERVING_POLL_SECONDS, decide
from local_sagemaker.engine.endpoints.endpoint_failure import TookTooLong
from local_sagemaker.engine.endpoints.fleet import Fleet, stop_all
from local_sagemaker.engine.endpoints.fleet_variant import deployment_folder
from local_sagemaker.engine.endpoints.routing import Demand, RoutingTable
from local_sagemaker.engine.endpoints.traffic_shift import shift
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store import deployments, tags
from local_sagemaker.store import endpoints as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.deployments import Deployment
from local_sagemaker.store.endpoints import Endpoint

logger = logging.getLogger(__name__)

TRY_AGAIN_SECONDS = 1.0


class EndpointReconciler:
    """Reconciles all endpoints. `routes` is the table that invocations read."""

    def __init__(self, settings: Settings, database: Database, background: Background, objects: Objects) -> None:
        self.routes = RoutingTable(wake=background.wake)
        self._settings = settings
        self._database = database
        self._background = background
        # Not behind downloads, which may take longer than a model server has to answer.
        self._pings = Background(background.wake)
        self._objects = objects
        self._fleets: dict[str, Fleet] = {}  # by deployment

    def reconcile(self) -> float | None:
        """One round over all endpoints."""
        delays = [self._try(endpoint, clock.now()) for endpoint in store.all_endpoints(self._database)]
        return min((delay for delay in delays if delay is not None), default=None)

    def close(self) -> None:
        """End all model servers, after the engine's loop. The next start of local_sagemaker starts them again."""
        for endpoint in store.all_endpoints(self._database):
            self._load_fleets(endpoint)
        stop_all(list(self._fleets.values()))
        self._pings.close()

    def _try(self, endpoint: Endpoint, now: float) -> float | None:
        try:
            return self._reconcile(endpoint, now)
        except Exception:
            # A fault in one endpoint, such as a full disk, must not stop the others; it is tried again.
            logger.exception("reconciling an endpoint failed", extra={"endpoint": endpoint.name})
            return TRY_AGAIN_SECONDS

    def _reconcile(self, endpoint: Endpoint, now: float) -> float | None:
        self._load_fleets(endpoint)
        delays = [self._bring_up(endpoint, now)]
        endpoint = self._again(endpoint)
        delays.append(self._keep_up(endpoint, now))
        endpoint = self._again(endpoint)
        if endpoint.status == "Deleting":  # since the last step, perhaps: what is let go is in no route
            self.routes.publish(endpoint.name, None)
        delays += [self._let_go(endpoint, fleet, now) for fleet in self._unwanted(endpoint)]
        if endpoint.status == "Deleting" and not self._unwanted(endpoint):
            with self._database.transaction():
                store.delete(self._database, endpoint.name)
                tags.delete_tags(self._database, endpoint.arn)
            return None
        return min((delay for delay in delays if delay is not None), default=None)

    def _bring_up(self, endpoint: Endpoint, now: float) -> float | None:
        """Bring the pending deployment, if any, to where it answers and has all traffic, or give it up."""
        fleet = self._fleets.get(endpoint.pending_id or "")
        if fleet is None:
            return None
        plan = decide(fleet.observe(now, Demand(endpoint.name), in_service=False), now, in_service=False)
        failure = plan.failure or (_took_too_long(fleet.deployment, now) if endpoint.status == "Updating" else None)
        if failure is not None:
            self._give_up(endpoint, fleet.failure_reason(failure), now)
            return 0.0
        for action in plan.actions:
            fleet.apply(action, self.routes, now)
        return self._shift(endpoint, fleet, now) if plan.ready else plan.check_in_seconds

    def _shift(self, endpoint: Endpoint, fleet: Fleet, now: float) -> float:
        """Go on moving traffic to a deployment that answers; when all is moved and waited for, it is in service."""
        deployment = fleet.deployment
        began_at = now if deployment.shift_started_at is None else deployment.shift_started_at
        step = shift(deployment.deployment_config, deployment.instance_count, now - began_at)
        if endpoint.status == "Creating" or step.done:
            # In this order a request never finds an endpoint InService without a route.
            self.routes.publish(endpoint.name, fleet.route())
            store.put_in_service(self._database, endpoint.name, now)
            return 0.0
        if deployment.shift_started_at is None:
            deployments.begin_shift(self._database, deployment.id, now)
            return 0.0
        return min(step.check_in_seconds, SERVING_POLL_SECONDS)

    def _keep_up(self, endpoint: Endpoint, now: float) -> float | None:
        """Keep the model servers of the deployment that answers alive and as many as wanted, and its route true."""
        if endpoint.status not in {"InService", "Updating", "RollingBack"}:
            self.routes.publish(endpoint.name, None)
            return None
        fleet = self._fleets[endpoint.active_id or ""]
        # Published before demand is read: who asks for a serverless model after that wakes the engine.
        self._publish(endpoint, now)
        demand = self.routes.take_demand(endpoint.name)
        plan = decide(fleet.observe(now, demand, in_service=True), now, in_service=True)
        if plan.failure is not None and endpoint.pending_id is None:
            self._give_up(endpoint, fleet.failure_reason(plan.failure), now)
            return 0.0
        # Published before servers are ended: one that is idle then stays so.
        self._publish(endpoint, now)
        for action in plan.actions:
            fleet.apply(action, self.routes, now)
        if endpoint.status == "Updating" and endpoint.pending_id is None and plan.ready:
            store.finish_change(self._database, endpoint.name, now)
        elif endpoint.status == "RollingBack" and not fleet.is_ending_servers() and not self._unwanted(endpoint):
            store.end_roll_back(self._database, endpoint.name, now)
        return plan.check_in_seconds

    def _give_up(self, endpoint: Endpoint, reason: str, now: float) -> None:
        """What shall answer does not: an update is taken back, else the endpoint has failed."""
        if endpoint.status == "Updating":
            store.roll_back(self._database, endpoint.name, reason, now)
        else:
            store.fail(self._database, endpoint.name, reason, now)
            self.routes.publish(endpoint.name, None)

    def _publish(self, endpoint: Endpoint, now: float) -> None:
        """The route of the active deployment, and of the pending one with the share that it has by now."""
        active = self._fleets[endpoint.active_id or ""]
        pending = self._fleets.get(endpoint.pending_id or "")
        if pending is None:
            self.routes.publish(endpoint.name, active.route())
            return
        began_at, share = pending.deployment.shift_started_at, 0.0
        if began_at is not None:
            config, count = pending.deployment.deployment_config, pending.deployment.instance_count
            share = shift(config, count, now - began_at).share
        self.routes.publish(endpoint.name, active.route(), pending.route(), share)

    def _let_go(self, endpoint: Endpoint, fleet: Fleet, now: float) -> float | None:
        delay = fleet.retire(self.routes, now)
        if delay is not None:
            return delay
        del self._fleets[fleet.deployment.id]
        if fleet.deployment.id != endpoint.described_id:
            deployments.delete(self._database, fleet.deployment.id)
        return 0.0

    def _unwanted(self, endpoint: Endpoint) -> list[Fleet]:
        return [
            fleet
            for fleet in self._fleets.values()
            if fleet.endpoint_name == endpoint.name and fleet.deployment.id not in endpoint.wanted_ids
        ]

    def _again(self, endpoint: Endpoint) -> Endpoint:
        """The row after the last step, and the fleets as they are wanted by it: whoever asks for a change writes both.

        Only a reconciler deletes rows, so it is there.
        """
        endpoint = store.find(self._database, endpoint.name) or endpoint
        self._load_fleets(endpoint)
        return endpoint

    def _load_fleets(self, endpoint: Endpoint) -> None:
        for deployment in deployments.of_endpoint(self._database, endpoint.name):
            if deployment.id in self._fleets:
                self._fleets[deployment.id].change(deployment)
                continue
            # The deployment of a failed endpoint stays on record after all of it is gone.
            on_record_only = deployment.id == endpoint.described_id and not self._folder_exists(endpoint, deployment)
            if deployment.id in endpoint.wanted_ids or not on_record_only:
                self._fleets[deployment.id] = Fleet(
                    endpoint,
                    deployment,
                    settings=self._settings,
                    background=self._background,
                    pings=self._pings,
                    objects=self._objects,
                )

    def _folder_exists(self, endpoint: Endpoint, deployment: Deployment) -> bool:
        return deployment_folder(self._settings, endpoint, deployment).exists()


def _took_too_long(deployment: Deployment, now: float) -> TookTooLong | None:
    policy = (deployment.deployment_config or {}).get("BlueGreenUpdatePolicy") or {}
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    return TookTooLong(limit) if limit is not None and now - deployment.created_at > limit else None
