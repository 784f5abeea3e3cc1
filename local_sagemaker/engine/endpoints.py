"""Endpoints: their deployments are brought up, switched to without a failed request, kept alive, and let go."""

import time

from local_sagemaker.engine.endpoint import decide
from local_sagemaker.engine.fleet import Fleet, stop_all
from local_sagemaker.engine.fleet_variant import deployment_folder
from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.routing import RoutingTable
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store import endpoints as store
from local_sagemaker.store import tags
from local_sagemaker.store.database import Database
from local_sagemaker.store.endpoints import Deployment, Endpoint


class EndpointReconciler:
    """Reconciles all endpoints. `routes` is the table that invocations read."""

    def __init__(self, settings: Settings, database: Database, background: Background, objects: Objects) -> None:
        self.routes = RoutingTable()
        self._settings = settings
        self._database = database
        self._background = background
        self._objects = objects
        self._fleets: dict[str, Fleet] = {}  # by deployment

    def reconcile(self) -> float | None:
        """One round over all endpoints."""
        delays = [self._reconcile(endpoint, time.time()) for endpoint in store.all_endpoints(self._database)]
        return min((delay for delay in delays if delay is not None), default=None)

    def close(self) -> None:
        """End all model servers, after the engine's loop. The next start of local_sagemaker starts them again."""
        for endpoint in store.all_endpoints(self._database):
            self._load_fleets(endpoint)
        stop_all(list(self._fleets.values()))

    def _reconcile(self, endpoint: Endpoint, now: float) -> float | None:
        self._load_fleets(endpoint)
        delays = [self._bring_up(endpoint, now)]
        endpoint = self._again(endpoint)
        delays.append(self._keep_up(endpoint, now))
        endpoint = self._again(endpoint)
        delays += [self._let_go(endpoint, fleet, now) for fleet in self._unwanted(endpoint)]
        if endpoint.status == "Deleting" and not self._unwanted(endpoint):
            with self._database.transaction():
                store.delete(self._database, endpoint.name)
                tags.delete_tags(self._database, endpoint.arn)
            return None
        return min((delay for delay in delays if delay is not None), default=None)

    def _bring_up(self, endpoint: Endpoint, now: float) -> float | None:
        """Bring the pending deployment, if any, to where it answers, or give it up."""
        fleet = self._fleets.get(endpoint.pending_id or "")
        if fleet is None:
            return None
        plan = decide(fleet.observe(now), now, in_service=False)
        if plan.failure is not None:
            reason = fleet.failure_reason(plan.failure)
            if endpoint.status == "Updating":
                store.roll_back(self._database, endpoint.name, reason, now)
            else:
                store.fail(self._database, endpoint.name, reason, now)
            return 0.0
        if plan.ready:
            # In this order a request never finds an endpoint InService without a route.
            self.routes.publish(endpoint.name, fleet.route())
            store.put_in_service(self._database, endpoint.name, now)
            return 0.0
        for action in plan.actions:
            fleet.apply(action, now)
        return plan.check_in_seconds

    def _keep_up(self, endpoint: Endpoint, now: float) -> float | None:
        """Keep the model servers of the deployment that answers alive, and its route true."""
        if endpoint.status not in {"InService", "Updating"}:
            self.routes.publish(endpoint.name, None)
            return None
        fleet = self._fleets[endpoint.active_id or ""]
        plan = decide(fleet.observe(now), now, in_service=True)
        if plan.failure is not None:
            store.fail(self._database, endpoint.name, fleet.failure_reason(plan.failure), now)
            self.routes.publish(endpoint.name, None)
            return 0.0
        for action in plan.actions:
            fleet.apply(action, now)
        self.routes.publish(endpoint.name, fleet.route())
        return plan.check_in_seconds

    def _let_go(self, endpoint: Endpoint, fleet: Fleet, now: float) -> float | None:
        delay = fleet.retire(self.routes, now)
        if delay is not None:
            return delay
        del self._fleets[fleet.deployment_id]
        if fleet.deployment_id != endpoint.described_id:
            store.delete_deployment(self._database, fleet.deployment_id)
        return 0.0

    def _unwanted(self, endpoint: Endpoint) -> list[Fleet]:
        return [
            fleet
            for fleet in self._fleets.values()
            if fleet.endpoint_name == endpoint.name and fleet.deployment_id not in endpoint.wanted_ids
        ]

    def _again(self, endpoint: Endpoint) -> Endpoint:
        """The row after the last step. Only a reconciler deletes rows, so it is there."""
        return store.find(self._database, endpoint.name) or endpoint

    def _load_fleets(self, endpoint: Endpoint) -> None:
        for deployment in store.deployments(self._database, endpoint.name):
            if deployment.id in self._fleets:
                continue
            # The deployment of a failed endpoint stays on record after all of it is gone.
            on_record_only = deployment.id == endpoint.described_id and not self._folder_exists(endpoint, deployment)
            if deployment.id in endpoint.wanted_ids or not on_record_only:
                self._fleets[deployment.id] = Fleet(
                    endpoint, deployment, self._settings, self._background, self._objects
                )

    def _folder_exists(self, endpoint: Endpoint, deployment: Deployment) -> bool:
        return deployment_folder(self._settings, endpoint, deployment).exists()
