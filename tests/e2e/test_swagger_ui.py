"""/docs in a real browser: every route is shown, nothing leaves the origin, and what is tried out answers."""

import asyncio
import json
import os
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e import chromium
from tests.e2e.chromium import Tab
from tests.e2e.ports import free_port
from tests.service_process import running_service

pytestmark = pytest.mark.e2e

TAGS = ["tuning jobs", "training jobs", "diagnostics", "endpoints", "predictions", "breeds", "health"]
PREDICT = "operations-predictions-predict_default_predict_post"
Visit = Callable[[Tab], Awaitable[None]]
OnDocs = Callable[[Visit], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `python -m service`, whose AWS does not answer."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEHOUND_PORT": "0",
    }
    with running_service(tmp_path_factory.mktemp("service") / "log", environment) as url:
        yield url


@pytest.fixture(scope="module")
def on_docs(service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDocs]:
    """Runs a visit of /docs that begins when the operations are shown; answers the requests that the page made."""
    browser = chromium.installed()
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(chromium.NAMES)} is installed")

    async def visited(devtools_url: str, visit: Visit) -> list[dict[str, Any]]:
        async with chromium.open_tab(devtools_url) as tab:
            await tab.send("Page.navigate", url=f"{service}/docs")
            await tab.until("document.querySelectorAll('.opblock').length > 0")
            await visit(tab)
            requests = [sent["request"] for sent in tab.told("Network.requestWillBeSent")]
            assert f"{service}/openapi.json" in {request["url"] for request in requests}
            return requests

    with chromium.running(browser, tmp_path_factory.mktemp("chromium")) as devtools_url:
        yield lambda visit: asyncio.run(visited(devtools_url, visit))


def external(requests: list[dict[str, Any]], service: str) -> list[str]:
    """The URLs that are neither the service's nor inside the page."""
    return [r["url"] for r in requests if not r["url"].startswith((f"{service}/", "data:"))]


def errors(tab: Tab) -> list[str]:
    """What the console shows in red: of scripts, of the policy, of the network."""
    said = [entry["entry"]["text"] for entry in tab.told("Log.entryAdded") if entry["entry"]["level"] == "error"]
    said += [str(call["args"]) for call in tab.told("Runtime.consoleAPICalled") if call["type"] in {"error", "assert"}]
    return said + [str(thrown["exceptionDetails"]) for thrown in tab.told("Runtime.exceptionThrown")]


async def opened(tab: Tab, operation: str) -> None:
    """Unfold an operation."""
    await tab.evaluate(f"document.querySelector('#{operation} .opblock-summary-control').click()")
    await tab.until(f"!!document.querySelector('#{operation} .execute')")


async def executed(tab: Tab, operation: str) -> tuple[str, Any]:
    """Press "Execute" and read the status and the JSON body that the page shows."""
    await tab.evaluate(f"document.querySelector('#{operation} .execute').click()")
    answer = f"#{operation} .live-responses-table .response"
    status = await tab.until(f"document.querySelector('{answer} .response-col_status')?.innerText")
    body = await tab.until(
        f"document.querySelector('{answer} .highlight-code pre, {answer} pre.microlight')?.innerText"
    )
    return status.split()[0], json.loads(body)


def test_every_route_is_shown_and_nothing_leaves_the_origin(service: str, on_docs: OnDocs) -> None:
    with urllib.request.urlopen(f"{service}/openapi.json") as answer:
        paths: dict[str, dict[str, Any]] = json.load(answer)["paths"]
    with urllib.request.urlopen(f"{service}/favicon.ico") as icon:
        assert icon.headers["content-type"] == "image/png"
    wanted = {(method.upper(), path) for path, item in paths.items() for method in item}

    async def visit(tab: Tab) -> None:
        shown = await tab.evaluate(
            "[...document.querySelectorAll('.opblock')].map(block => ["
            "block.querySelector('.opblock-summary-method').innerText,"
            "block.querySelector('.opblock-summary-path').dataset.path])"
        )
        assert {(method, path) for method, path in shown} == wanted
        assert len(shown) == len(wanted)
        sections = await tab.evaluate("[...document.querySelectorAll('.opblock-tag')].map(tag => tag.dataset.tag)")
        assert sections == TAGS
        assert await tab.evaluate("document.title") == "Sagehound: REST API"
        assert (await tab.evaluate("document.querySelector('.info .title').innerText")).startswith("Sagehound")
        assert errors(tab) == []
        made = [sent["request"] for sent in tab.told("Network.requestWillBeSent")]
        assert external(made, service) == []

        # Not by chance: the policy lets nothing out.
        assert await tab.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', error => error.name)") == "TypeError"
        assert [text for text in errors(tab) if "Content Security Policy" in text]

    on_docs(visit)


def test_a_probe_and_a_photograph_are_tried_out(service: str, on_docs: OnDocs, tmp_path: Path) -> None:
    photograph = tmp_path / "rex.jpg"
    Image.new("RGB", (90, 60), (220, 20, 20)).save(photograph)

    async def visit(tab: Tab) -> None:
        probe = "operations-health-healthz_healthz_get"
        await opened(tab, probe)
        assert await executed(tab, probe) == ("200", {"status": "ok"})
        assert errors(tab) == []

        await opened(tab, PREDICT)
        await tab.choose_file(f"#{PREDICT} input[type=file]", photograph)
        # The service found an image in the request and asked AWS, which is not there.
        status, problem = await executed(tab, PREDICT)
        assert (status, problem["type"]) == ("503", "urn:sagehound:problem:aws-unavailable")
        await tab.evaluate(f"document.querySelector('#{PREDICT} .btn-clear').click()")

        body = f"#{PREDICT} .opblock-section-request-body"
        await tab.evaluate(
            f"(control => {{ control.value = 'multipart/form-data';"
            " control.dispatchEvent(new Event('change', {bubbles: true})) })"
            f"(document.querySelector('{body} select'))"
        )
        await tab.until(f"!!document.querySelector('{body} table input[type=file]')")
        await tab.choose_file(f"{body} table input[type=file]", photograph)
        status, problem = await executed(tab, PREDICT)
        assert (status, problem["type"]) == ("503", "urn:sagehound:problem:aws-unavailable")

    requests = on_docs(visit)
    assert external(requests, service) == []
    raw, form = (request["headers"]["Content-Type"] for request in requests if request["method"] == "POST")
    assert raw == "image/jpeg"
    assert form.startswith("multipart/form-data; boundary=")
