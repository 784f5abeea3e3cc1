"""A user's handler: doubles the numbers of a JSON list."""

import json
from pathlib import Path


def model_fn(model_dir: str) -> dict[str, float]:
    """The model is a factor."""
    factor: dict[str, float] = json.loads(Path(model_dir, "model.json").read_text())
    return factor


def transform_fn(model: dict[str, float], body: bytes, content_type: str, accept: str) -> tuple[str, str]:
    """JSON list in, JSON list out."""
    if content_type != "application/json":
        raise ValueError(f"this model reads application/json, not {content_type}")
    return json.dumps([number * model["factor"] for number in json.loads(body)]), "application/json"
