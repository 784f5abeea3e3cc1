"""What every operation is given beside its request."""

import threading
from dataclasses import dataclass, field

import aiohttp

from local_sagemaker.engine.endpoints.routing import RoutingTable
from local_sagemaker.runtime.serving.capture_spool import CaptureSpool
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Context:
    """The process-wide things (settings, database, wake-up of the engine) and the caller's region."""

    settings: Settings
    database: Database
    wake_engine: threading.Event
    http: aiohttp.ClientSession  # to the model servers
    region: str
    routes: RoutingTable = field(default_factory=RoutingTable)  # the one that EndpointReconciler publishes
    captures: CaptureSpool | None = None  # None: nothing captures, in a process without an engine

    def arn(self, kind: str, name: str, service: str = "sagemaker") -> str:
        """`arn:aws:SERVICE:REGION:ACCOUNT:KIND/NAME`; SageMaker writes the name in lower case."""
        return f"arn:aws:{service}:{self.region}:{self.settings.account_id}:{kind}/{name.lower()}"
