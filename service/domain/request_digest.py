"""The digest of a request's body: a name is an idempotency key only together with what was asked for."""

import hashlib
import json

from pydantic import BaseModel

DIGEST_TAG = "sagehound:request-digest"


def request_digest(body: BaseModel) -> str:
    """SHA-256 over the normalised body, defaults included, in hex: spelling and order do not count."""
    members = body.model_dump(mode="json")
    return hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
