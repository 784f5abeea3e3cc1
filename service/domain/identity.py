"""Which job a request means: made-up names, the digest of a body, and what differs when a name is taken."""

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from service.domain.request_digest import DIGEST_TAG, request_digest
from service.errors import NameConflict
from service.schemas.job import JobRequest

MAX_SHOWN = 5


def made_up_name(prefix: str, now: datetime) -> str:
    """`tuning-20261122-090549-1a2b`: at most 32 characters, as a tuning job's name may have."""
    return f"{prefix}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def own_tags(request: JobRequest) -> dict[str, str]:
    """The tags by which a job is known again: the digest of the body, whatever its name."""
    return {DIGEST_TAG: request_digest(request.model_copy(update={"name": None}))}


def differences(there: Mapping[str, Any], asked: Mapping[str, Any], members: Iterable[str]) -> list[str]:
    """`lr is 0.1 there and 0.01 here`, for every one of the members (and their own members) that differs."""
    found: list[str] = []
    for member in members:
        old, new = there.get(member), asked.get(member)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            inner = differences(old, new, sorted({*old, *new}))
            found += [f"{member}.{difference}" for difference in inner]
        elif old != new:
            found.append(f"{member} is {json.dumps(old)} there and {json.dumps(new)} here")
    return found


def check_same(name: str, tags: Mapping[str, str], request: JobRequest, found: list[str]) -> None:
    """Raise NameConflict unless the job that has the name was made from the same body.

    `tags` are the job's, `found` its differences from the request.
    """
    if tags.get(DIGEST_TAG) == own_tags(request)[DIGEST_TAG]:
        return
    action = "Send the first body again to get the same job, or take another name (or none) for a new one."
    if DIGEST_TAG not in tags:
        raise NameConflict(f"The name {name} is taken by a job that this service did not make.", action)
    what = "; ".join(found[:MAX_SHOWN]) or "in debugger, profiler or another member that SageMaker does not show"
    more = f"; and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    detail = f"The name {name} is taken by a job with another body: {what}{more}."
    raise NameConflict(detail, action, differences=found)
