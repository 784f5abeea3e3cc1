"""A user's handler: multiplies the numbers of a JSON list by the model's factor."""

import json
from pathlib import Path


def model_fn(model_dir: str) -> float:
    """The model is a factor."""
    factor: float = json.loads(Path(model_dir, "model.json").read_text())["factor"]
    return factor


def input_fn(body: bytes, content_type: str) -> list[float]:
    """A JSON list."""
    if content_type != "application/json":
        raise ValueError(f"this model reads application/json, not {content_type}")
    numbers: list[float] = json.loads(body)
    return numbers


def predict_fn(numbers: list[float], factor: float) -> list[float]:
    """Each number times the factor."""
    return [number * factor for number in numbers]


def output_fn(prediction: list[float], accept: str) -> tuple[str, str]:
    """A JSON list."""
    return json.dumps(prediction), "application/json"
