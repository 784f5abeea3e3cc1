"""botocore's own service models: the specification that the wire follows. Loaded at first use, once."""

import re
from functools import lru_cache

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel


@lru_cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by botocore's name for it, such as `sagemaker-runtime`."""
    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


def protocol_name(model: ServiceModel) -> str:
    """The protocol that clients speak to a service, of those it has: botocore's own choice."""
    return str(model.resolved_protocol)


def speaks_query(model: ServiceModel) -> bool:
    """Whether the service takes forms too, from clients that are older than its other protocols."""
    return "query" in model.metadata.get("protocols", [model.metadata["protocol"]])


@lru_cache
def _loader() -> Loader:
    return Loader()


def operation_model(service: str, operation: str) -> OperationModel | None:
    """The model of an operation; None when the service has none of this name."""
    model = service_model(service)
    if operation not in model.operation_names:
        return None
    return model.operation_model(operation)


def operation_models(service: str) -> list[OperationModel]:
    """The models of all of a service's operations."""
    model = service_model(service)
    return [model.operation_model(name) for name in model.operation_names]


def uri_pattern(model: OperationModel) -> re.Pattern[str]:
    """The pattern of a REST operation's still encoded path; its groups are the labels."""
    path = model.http["requestUri"].partition("?")[0]
    return re.compile("".join(_uri_part(part) for part in re.split(r"(\{[^}]+\})", path)))


def _uri_part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    label = part.strip("{}")
    return f"(?P<{label.removesuffix('+')}>{'.+' if label.endswith('+') else '[^/]+'})"
