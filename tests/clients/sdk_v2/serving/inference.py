"""Four handler functions for the model of ../training."""

import io
import json
from pathlib import Path

import numpy as np


def model_fn(model_dir):
    return json.loads((Path(model_dir) / "weights.json").read_text())


def input_fn(body, content_type):
    if content_type == "application/x-npy":
        return np.load(io.BytesIO(body))
    if content_type == "application/json":
        return np.asarray(json.loads(body))
    if content_type == "application/octet-stream":
        return np.frombuffer(body, dtype=np.uint8).astype(float)
    raise ValueError(f"content type {content_type}")


def predict_fn(data, model):
    return data * model["scale"]


def output_fn(prediction, accept):
    if accept == "application/x-npy":
        buffer = io.BytesIO()
        np.save(buffer, prediction)
        return buffer.getvalue(), accept
    return json.dumps(prediction.tolist()), "application/json"
