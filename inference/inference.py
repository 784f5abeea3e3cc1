"""SageMaker's four functions over the artifact that training writes: image bytes in, breeds with probabilities out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import answers
import arrays
import images
import numpy as np
import numpy.typing as npt
from artifact import Description, DogClass, read_classes, read_description
from network import Network
from PIL import Image
from tensors import tensor


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
    """Load the artifact from its folder. Raises BrokenModel, which names the file."""
    folder = Path(model_dir)
    description = read_description(folder / "model.json")
    classes = read_classes(folder / "classes.json")
    return Model(description, classes, Network(folder, description.image_size, len(classes)))


def input_fn(body: bytes | bytearray | str, content_type: str | None) -> Image.Image | list[Image.Image]:
    """One RGB image, or a list for a batch of application/x-npy. Raises RequestError with a status_code."""
    data = body.encode() if isinstance(body, str) else bytes(body)
    return arrays.decode(data) if data.startswith(arrays.MAGIC) else images.decode(data, content_type or "")


def predict_fn(data: Image.Image | list[Image.Image], model: Model) -> Prediction:
    """The probabilities of each image. Raises NetworkFailed."""
    batch = data if isinstance(data, list) else [data]
    tensors = np.stack([tensor(image, model.description) for image in batch])
    probabilities = answers.softmax(model.network.logits(tensors))
    return Prediction(probabilities if isinstance(data, list) else probabilities[0], model)


def output_fn(prediction: Prediction, accept: str | None) -> tuple[bytes, str]:
    """The body and its content type. Raises RequestError for an Accept header that cannot be answered."""
    model = prediction.model
    asked = answers.parse_accept(accept or "", len(model.classes))
    if asked.media_type == answers.NPY:
        return answers.to_npy(prediction.probabilities), asked.media_type
    body = answers.to_json(prediction.probabilities, asked.top_k, model.classes, model.description)
    return body, asked.media_type
