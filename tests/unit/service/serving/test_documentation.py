"""Swagger UI from the service alone."""

import re

import pytest

from tests.unit.service.serving.conftest import Serve
from tests.unit.service.serving.fake_runtime import FakeRuntime


def test_the_root_leads_to_the_documentation(serve: Serve, fake_runtime: FakeRuntime) -> None:
    answer = serve().get("/")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/docs"


def test_the_page_needs_nobody_else(serve: Serve, fake_runtime: FakeRuntime) -> None:
    client = serve()
    page = client.get("/docs").text
    links = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page)
    assert len(links) == 3
    for link in links:
        assert link.startswith("/docs/assets/"), "a CDN is not always reachable"
        assert client.get(link).status_code == 200
    assert not re.search(r"https?://", page)
    assert "url: '/openapi.json'" in page


@pytest.mark.parametrize(
    ("name", "media_type", "said"),
    [
        ("swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
        ("swagger-ui.css", "text/css", ".swagger-ui"),
    ],
)
def test_assets(serve: Serve, fake_runtime: FakeRuntime, name: str, media_type: str, said: str) -> None:
    answer = serve().get(f"/docs/assets/{name}")
    assert answer.headers["content-type"].startswith(media_type)
    assert "max-age" in answer.headers["cache-control"]
    assert said in answer.text


@pytest.mark.parametrize("name", ["other.js", "..%2f__init__.py", "redoc.standalone.js"])
def test_nothing_else_is_served(serve: Serve, fake_runtime: FakeRuntime, name: str) -> None:
    assert serve().get(f"/docs/assets/{name}").status_code in {404, 422}


def test_the_document_is_served(serve: Serve, fake_runtime: FakeRuntime) -> None:
    document = serve().get("/openapi.json").json()
    assert "/predict" in document["paths"]
    assert "/docs" not in document["paths"]
