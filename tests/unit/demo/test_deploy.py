"""The demo's deployment: the first one creates the endpoint, a later one updates it."""

import json
from typing import Any

import httpx
import pytest

from demo.__main__ import ENDPOINT, deploy
from demo.client import Client, DemoError
from service.schemas.endpoint import Deployment, EndpointRequest


class Endpoints:
    """The service's endpoint routes, as far as the demo walks."""

    def __init__(self, *, existing: list[str], ends_as: str = "InService") -> None:
        self.existing = existing
        self.ends_as = ends_as
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        if request.method in {"POST", "PUT"}:
            self.sent.append((request.method, request.url.path, json.loads(request.content)))
            return httpx.Response(202, json={"name": ENDPOINT, "status": "Creating"})
        if request.url.path == "/endpoints":
            return httpx.Response(200, json={"items": [{"name": name} for name in self.existing]})
        return httpx.Response(200, json={"name": ENDPOINT, "status": self.ends_as, "failure_reason": "no ping"})

    def client(self) -> Client:
        """A client of them."""
        return Client("http://service", transport=httpx.MockTransport(self.answer))


def test_the_first_deployment_creates() -> None:
    endpoints = Endpoints(existing=[f"{ENDPOINT}-other"])
    deploy(endpoints.client(), "train-1")
    ((method, path, body),) = endpoints.sent
    assert (method, path) == ("POST", "/endpoints")
    assert EndpointRequest.model_validate(body).training_job == "train-1"


def test_a_later_deployment_updates() -> None:
    endpoints = Endpoints(existing=[ENDPOINT])
    deploy(endpoints.client(), "train-2")
    ((method, path, body),) = endpoints.sent
    assert (method, path) == ("PUT", f"/endpoints/{ENDPOINT}")
    assert Deployment.model_validate(body).training_job == "train-2"


def test_a_failed_endpoint_fails_the_demo_with_the_reason() -> None:
    with pytest.raises(DemoError, match="no ping"):
        deploy(Endpoints(existing=[], ends_as="Failed").client(), "train-3")
