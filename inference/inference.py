"""SageMaker's four functions over the artifact that training writes: image bytes in, breeds with probabilities out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import answers
import arrays
import device
import images
import networks
import numpy as np
import numpy.typing as npt
from artifact import Description, DogClass, read_classes, read_description
from networks import Network
from PIL import Image
from tensors import crop

Input = Image.Image | list[Image.Image]


@dataclass(frozen=True)
class Model:
    """The artifact, ready to predict."""

    description: Description
    classes: Sequence[DogClass]
    network: Network


@dataclass(frozen=True)
class Prediction:
    """Probabilities [classes] of one image or [N, classes] of a batch, and the model that gave them."""

    probabilities: npt.NDArray[np.float64]
    model: Model


def model_fn(model_dir: str) -> Model:
    """Load the artifact from its folder, for this machine's CPU or GPU.

    Raises BrokenModel, which names the file, and CannotServe, which says what to change.
    """
    folder = Path(model_dir)
    description = read_description(folder / "model.json")
    classes = read_classes(folder / "classes.json")
    images.load_formats()
    network = networks.load(folder, description, len(classes), device.choose(os.environ))
    return Model(description, classes, network)


def input_fn(body: bytes | bytearray | str, content_type: str | None) -> Input:
    """One RGB image, or a list for a batch of application/x-npy. Raises RequestError with a status_code."""
    data = body.encode() if isinstance(body, str) else bytes(body)
    return arrays.decode(data) if data.startswith(arrays.MAGIC) else images.decode(data, content_type or "")


def predict_fn(data: Input, model: Model) -> Prediction:
    """The probabilities of each image. Raises NetworkFailed."""
    (prediction,) = predict_batch_fn([data], model)
    return prediction


def predict_batch_fn(inputs: Sequence[Input], model: Model) -> list[Prediction]:
    """The predictions of several requests: on a GPU all their images at once, on a CPU one image after the other.

    Raises NetworkFailed.
    """
    counts = [len(data) if isinstance(data, list) else 1 for data in inputs]
    pictures = (image for data in inputs for image in (data if isinstance(data, list) else [data]))
    logits = model.network.logits(crop(image, model.description) for image in pictures)
    parts = np.split(answers.softmax(logits), np.cumsum(counts)[:-1])
    return [
        Prediction(rows if isinstance(data, list) else rows[0], model) for data, rows in zip(inputs, parts, strict=True)
    ]


def output_fn(prediction: Prediction, accept: str | None) -> tuple[bytes, str]:
    """The body and its content type. Raises RequestError for an Accept header that cannot be answered."""
    model = prediction.model
    asked = answers.parse_accept(accept or "", len(model.classes))
    if asked.media_type == answers.NPY:
        return answers.to_npy(prediction.probabilities), asked.media_type
    body = answers.to_json(prediction.probabilities, asked.top_k, model.classes, model.description)
    return body, asked.media_type
