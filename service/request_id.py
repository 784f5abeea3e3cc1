"""The id by which one request is found again in every log: the client's own, or a new one."""

import re
import secrets
from contextvars import ContextVar

HEADER = "x-request-id"
PATTERN = re.compile(r"[A-Za-z0-9._:\-]{1,64}")  # what InvokeEndpoint's InferenceId takes of it, too

current: ContextVar[str | None] = ContextVar("request_id", default=None)


def of(sent: str | None) -> str:
    """The client's id where it is one, else a new one."""
    return sent if sent is not None and PATTERN.fullmatch(sent) else secrets.token_hex(16)
