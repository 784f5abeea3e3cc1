"""The `context` argument of a model's functions: what the public toolkits' handlers read and set."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RequestProcessor:
    """The request's headers; `context.request_processor[0]`."""

    headers: Mapping[str, str]

    def get_request_property(self, name: str) -> str | None:
        """One header, whatever the case of its name."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def get_request_properties(self) -> Mapping[str, str]:
        """All headers, names in lower case."""
        return self.headers


@dataclass
class HandlerContext:
    """One invocation (or, with no headers, the loading of the model)."""

    model_dir: str
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    response_status: int = 200
    response_headers: dict[str, str] = field(default_factory=dict)
    model_name: str = "model"

    @property
    def system_properties(self) -> dict[str, Any]:
        """`model_dir`, `gpu_id` (0 or None: a worker sees no GPU but its own), `server_name`, `batch_size`."""
        gpu_id = 0 if os.environ.get("CUDA_VISIBLE_DEVICES", "").strip() else None
        return {"model_dir": self.model_dir, "gpu_id": gpu_id, "server_name": "model_server", "batch_size": 1}

    @property
    def request_processor(self) -> list[RequestProcessor]:
        """A batch of one: each request has a context of its own."""
        return [RequestProcessor(self.headers)]

    def get_request_header(self, index: int, name: str) -> str | None:
        """A header of the request; `index` is 0, batches have one member."""
        return self.request_processor[index].get_request_property(name)

    def get_request_id(self, index: int = 0) -> str:  # noqa: ARG002 - the toolkits' signature
        """The request's id: its InferenceId, empty where it has none."""
        return self.request_id

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002
        """Answer with this HTTP status."""
        self.response_status = code

    def set_response_header(self, index: int, name: str, value: str) -> None:  # noqa: ARG002
        """Answer with this header."""
        self.response_headers[name.lower()] = str(value)

    def set_response_content_type(self, index: int, value: str) -> None:
        """Answer with this content type."""
        self.set_response_header(index, "content-type", value)
