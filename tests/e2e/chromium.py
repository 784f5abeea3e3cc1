"""A headless Chromium on a profile of its own, driven through the DevTools protocol."""

import asyncio
import itertools
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 20.0
WAIT_SECONDS = 15.0
FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1000,700",
)


def installed() -> str | None:
    """The path of a Chromium or Chrome, if there is one."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


class Tab:
    """One tab. `events` are all messages that the browser sent by itself, in order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.events: list[dict[str, Any]] = []
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Sort what the browser sends, until it closes the connection."""
        async for message in self._socket:
            said: dict[str, Any] = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            else:
                self.events.append(said)

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command, such as `Page.navigate`."""
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(self._answers[number], WAIT_SECONDS)
        assert "error" not in said, f"{method}: {said['error']}"
        result: dict[str, Any] = said["result"]
        return result

    async def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression."""
        said = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, f"{expression}: {said['exceptionDetails']}"
        return said["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The first truthy value of the expression, asked again until the deadline."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (value := await self.evaluate(expression)):
            assert time.monotonic() < deadline, f"not in {WAIT_SECONDS:.0f} s: {expression}"
            await asyncio.sleep(0.05)
        return value

    async def choose_file(self, selector: str, file: Path) -> None:
        """What a user does with a file control."""
        document = await self.send("DOM.getDocument")
        node = await self.send("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector)
        assert node["nodeId"], f"no {selector}"
        await self.send("DOM.setFileInputFiles", nodeId=node["nodeId"], files=[str(file)])

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of this method."""
        return [event["params"] for event in self.events if event["method"] == method]


@contextmanager
def running(browser: str, profile_dir: Path) -> Iterator[str]:
    """The DevTools URL of a browser that is ended afterwards. No name but 127.0.0.1 is resolved in it."""
    with subprocess.Popen(
        [browser, *FLAGS, f"--user-data-dir={profile_dir}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield f"http://127.0.0.1:{_port(process, profile_dir / 'DevToolsActivePort')}"
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)


@asynccontextmanager
async def open_tab(devtools_url: str) -> AsyncIterator[Tab]:
    """An empty tab, closed afterwards."""
    async with aiohttp.ClientSession() as session:
        async with session.put(f"{devtools_url}/json/new?about:blank") as answer:
            target = await answer.json()
        async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
                    await tab.send(f"{domain}.enable")
                yield tab
            finally:
                async with session.get(f"{devtools_url}/json/close/{target['id']}"):
                    pass
                await listening


def _port(process: subprocess.Popen[bytes], written: Path) -> int:
    """Chromium writes the port it chose as the first line of this file."""
    deadline = time.monotonic() + START_SECONDS
    while not (written.exists() and (lines := written.read_text().splitlines())):
        assert process.poll() is None, f"Chromium ended with {process.returncode}"
        assert time.monotonic() < deadline, f"Chromium did not start in {START_SECONDS:.0f} s"
        time.sleep(0.05)
    return int(lines[0])
