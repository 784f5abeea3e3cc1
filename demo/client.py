"""A small REST client of the service: what a user would type with curl."""

import time
from collections.abc import Callable
from typing import Any

import httpx

Json = dict[str, Any]
POLL_SECONDS = 0.5


class DemoError(RuntimeError):
    """A step did not end as it should; the message carries the service's own words."""


class Client:
    """The routes that the demo walks through."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=90.0, trust_env=False, transport=transport)

    def get(self, path: str, **params: str | int) -> Json:
        """GET a JSON answer."""
        return self._checked(self._http.get(path, params=params))

    def post(self, path: str, body: Json) -> Json:
        """POST a JSON body."""
        return self._checked(self._http.post(path, json=body))

    def put(self, path: str, body: Json) -> Json:
        """PUT a JSON body."""
        return self._checked(self._http.put(path, json=body))

    def predict(self, endpoint: str, image: bytes, top_k: int = 3) -> Json:
        """POST an image's bytes."""
        path = f"/endpoints/{endpoint}/predict"
        return self._checked(
            self._http.post(path, params={"top_k": top_k}, content=image, headers={"Content-Type": "image/jpeg"})
        )

    def wait(self, path: str, show: Callable[[Json], str]) -> Json:
        """Poll a job or endpoint to its end, printing each change. Raises DemoError unless it ends well."""
        shown = ""
        while True:
            resource = self.get(path)
            line = show(resource)
            if line != shown:
                print(f"    {line}", flush=True)
                shown = line
            if resource["status"] in {"Completed", "InService"}:
                return resource
            if resource["status"] in {"Failed", "Stopped"}:
                raise DemoError(f"{path} is {resource['status']}: {resource.get('failure_reason')}")
            time.sleep(POLL_SECONDS)

    def _checked(self, response: httpx.Response) -> Json:
        if response.is_error:
            raise DemoError(
                f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
            )
        return response.json()  # type: ignore[no-any-return]
