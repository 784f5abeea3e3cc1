"""What travels between client, front and worker: requests, answers, and the model server's own headers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

JSON = "application/json"
# Of an answer that is the model server's own, not the model's: queue-full, timeout, never-started when the time was up
# before it was this request's turn, or no-worker when the model server ends because the model cannot be loaded.
REFUSAL_HEADER = "x-model-server-refusal"
# Of a request: the seconds that it may take, where that is not the model server's own limit. The model does not see it.
TIMEOUT_HEADER = "x-model-server-timeout"
INFERENCE_ID_HEADER = "x-amzn-sagemaker-inference-id"


@dataclass(frozen=True)
class Invocation:
    """A request; header names in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A response; header names in lower case. A body that is an iterator is sent in parts as they come."""

    body: bytes | Iterator[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, code: str, message: str, **headers: str) -> Answer:
    """An answer that tells what is wrong: `{"code", "message"}`."""
    body = json.dumps({"code": code, "message": message}).encode()
    return Answer(body, status, {"content-type": JSON, **headers})
