"""Which protocol and operation a request is for: a pure decision over its head.

In this order: X-Amz-Target (the JSON services); health checks (unsigned GET of / or /health: signed, they are S3's
ListBuckets and a bucket's listing) and, unsigned too, GET and PUT of /faults; what is signed for `s3`; a form (the
Query services); a REST service's path; and S3 again for what is not signed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from local_sagemaker.wire.models import operation_models, protocol_name, service_model, speaks_query, uri_pattern

DEFAULT_REGION = "us-east-1"
FORM_TYPE = "application/x-www-form-urlencoded"
_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/\d{8}/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/aws4_request")
_PRESIGNED = re.compile(
    r"X-Amz-Credential=[^&]+?(?:%2F|/)\d{8}(?:%2F|/)([a-z0-9-]{1,32})(?:%2F|/)([a-z0-9-]{1,32})(?:%2F|/)aws4_request",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """Whom a request was signed for. The signature itself is not checked: there are no secrets on one machine."""

    signed: bool
    region: str = DEFAULT_REGION
    service: str | None = None  # the signing name, such as sagemaker (of the runtime too) or s3


UNSIGNED = Signature(signed=False)


def signature(headers: Mapping[str, str], query: str) -> Signature:
    """Region and service of the credential scope, from the Authorization header or a presigned URL."""
    authorization = headers.get("authorization", "")
    found = _CREDENTIAL.search(authorization) or (_PRESIGNED.search(query) if query else None)
    if found is not None:
        return Signature(signed=True, region=found[1], service=found[2])
    return Signature(signed=True) if authorization or "X-Amz-Algorithm=" in query else UNSIGNED


class Elsewhere(Enum):
    """What is no operation of the tables."""

    HEALTH = auto()
    FAULTS = auto()
    S3 = auto()


_UNSIGNED = {
    **{(method, path): Elsewhere.HEALTH for method in ("GET", "HEAD") for path in ("/", "/health")},
    **{(method, "/faults"): Elsewhere.FAULTS for method in ("GET", "PUT")},
}


@dataclass(frozen=True, slots=True)
class Target:
    """The protocol of a request, and what its head tells of the operation; a form's Action stands in the body."""

    protocol: str  # json, query or rest-json, as in botocore's models
    service: str | None
    name: str
    told: str  # what the request itself says, for error messages


class Router:
    """Finds the target of a request among the given services."""

    def __init__(self, services: Iterable[str]) -> None:
        protocols = {service: protocol_name(service_model(service)) for service in services}
        self.query_services = [service for service in protocols if speaks_query(service_model(service))]
        self._json_services = {
            service_model(service).metadata["targetPrefix"]: service
            for service, protocol in protocols.items()
            if protocol == "json"
        }
        self._rest_operations = [
            (model.http["method"], uri_pattern(model), service, model.name)
            for service, protocol in protocols.items()
            if protocol == "rest-json"
            for model in operation_models(service)
        ]

    def route(self, method: str, path: str, headers: Mapping[str, str], signed_for: Signature) -> Target | Elsewhere:
        """Where a request goes; `path` still encoded."""
        if (told := headers.get("x-amz-target")) is not None:
            prefix, _, name = told.partition(".")
            return Target("json", self._json_services.get(prefix), name, told)
        if not signed_for.signed and (method, path) in _UNSIGNED:
            return _UNSIGNED[method, path]
        if signed_for.service == "s3":
            return Elsewhere.S3
        if method == "POST" and path == "/" and headers.get("content-type", "").startswith(FORM_TYPE):
            return Target("query", None, "", f"{signed_for.service or 'an unsigned request'}")
        rest = self._rest_target(method, path)
        if rest is None and signed_for.service is None:
            return Elsewhere.S3
        return rest or Target("json", None, "", f"{method} {path} of {signed_for.service}")

    def _rest_target(self, method: str, path: str) -> Target | None:
        for wanted, pattern, service, name in self._rest_operations:
            if method == wanted and pattern.fullmatch(path):
                return Target("rest-json", service, name, path)
        return None
