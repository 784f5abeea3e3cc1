"""Loads a whole-model pickle: this code's own choice."""

import json
import pickle
from pathlib import Path

import net  # noqa: F401 - the pickle's class


def model_fn(model_dir):
    with (Path(model_dir) / "model.pkl").open("rb") as file:
        return pickle.load(file)  # noqa: S301


def input_fn(body, content_type):
    return json.loads(body)["x"]


def output_fn(prediction, accept):
    return json.dumps({"y": prediction})
