"""SageMaker's public PyTorch handler behind uvicorn: `toolkit_server.py MODEL_FOLDER PORT THREADS`.

The toolkit's own model servers need Java; its handler, which does the work, runs here as they run it: one request at a
time in one worker. Runs in the environment of requirements/toolkit.txt.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
HERE = Path(__file__).parent


class Context:
    """What the handler reads of its model server's context: one a request."""

    def __init__(self, model_dir: str, headers: dict[str, str]) -> None:
        self.system_properties = {"model_dir": model_dir}
        self.request_processor = [self]
        self.status, self.content_type = 200, "application/json"
        self._headers = headers

    def get_request_properties(self) -> dict[str, str]:
        """The request's headers."""
        return self._headers

    def set_response_status(self, code: int, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002 - the toolkit's
        """Of an error."""
        self.status = code

    def set_response_content_type(self, index: int, value: str) -> None:  # noqa: ARG002 - the toolkit's
        """Of the answer."""
        self.content_type = value


class Application:
    """GET /ping and POST /invocations over the toolkit's Transformer."""

    def __init__(self, model_dir: str) -> None:
        handlers = importlib.import_module("sagemaker_pytorch_serving_container.default_pytorch_inference_handler")
        transformers = importlib.import_module("sagemaker_inference.transformer")
        self._transformer = transformers.Transformer(handlers.DefaultPytorchInferenceHandler())
        self._transformer.validate_and_initialize(model_dir, Context(model_dir, {}))
        self._model_dir = model_dir
        self._worker = ThreadPoolExecutor(1)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """One request."""
        body = bytearray()
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        status, answer, kind = 200, b"", "application/json"
        if scope["path"] == "/invocations":
            headers = {name.decode().title(): value.decode() for name, value in scope["headers"]}
            context = Context(self._model_dir, headers)
            loop = asyncio.get_running_loop()
            data = [{"body": bytes(body)}]
            answer = (await loop.run_in_executor(self._worker, self._transformer.transform, data, context))[0]
            answer = answer.encode() if isinstance(answer, str) else answer
            status, kind = context.status, context.content_type
        shown = [(b"content-type", kind.encode()), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    folder, port, threads = sys.argv[1:]
    sys.path.insert(0, str(HERE))
    os.environ |= {"SAGEMAKER_PROGRAM": "toolkit_handler.py", "BENCHMARK_THREADS": threads}
    uvicorn.run(Application(folder), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
