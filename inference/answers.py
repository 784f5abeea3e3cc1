"""Probabilities -> the answer that the Accept header asks for."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from artifact import Description, DogClass
from errors import InvalidAccept, NotAcceptable

JSON = "application/json"
NPY = "application/x-npy"
DEFAULT_TOP_K = 5
MILLIONTHS = 1_000_000
RANGES = {"*/*": JSON, "application/*": JSON, JSON: JSON, NPY: NPY}


@dataclass(frozen=True)
class Accept:
    """The media type to answer and, for JSON, how many classes: never more than there are."""

    media_type: str
    top_k: int


def parse_accept(header: str, class_count: int) -> Accept:
    """The best media range of the header that can be answered; none at all means JSON.

    Raises NotAcceptable, and InvalidAccept for a parameter that is unknown or out of range.
    """
    best, best_quality = None, 0.0
    for media_range in (header.strip() or JSON).split(","):
        name, *pairs = (part.strip() for part in media_range.split(";"))
        media_type = RANGES.get(name.lower())
        if media_type is None:
            continue
        parameters = dict(_pair(text) for text in pairs if text)
        quality = _quality(parameters.pop("q", "1"))
        if quality > best_quality:
            best, best_quality = (media_type, parameters), quality
    if best is None:
        raise NotAcceptable(f"Accept: {header} cannot be answered: ask for {JSON} (with ; top_k=5) or {NPY}.")
    media_type, parameters = best
    return Accept(media_type, _top_k(media_type, parameters, class_count))


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Probabilities along the last axis, in float64, safe for logits of any size."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def to_json(
    probabilities: npt.NDArray[np.float64], top_k: int, classes: Sequence[DogClass], description: Description
) -> bytes:
    """`predictions` holds top_k objects for [classes], and a list of such lists for [N, classes]."""
    rows = [_predictions(row, top_k, classes) for row in np.atleast_2d(probabilities)]
    predictions = rows[0] if probabilities.ndim == 1 else rows
    model = {"architecture": description.architecture, "version": description.version}
    return json.dumps({"predictions": predictions, "model": model}, ensure_ascii=False).encode()


def to_npy(probabilities: npt.NDArray[np.float64]) -> bytes:
    """All probabilities as float32, in class order."""
    stream = io.BytesIO()
    np.save(stream, probabilities.astype(np.float32), allow_pickle=False)
    return stream.getvalue()


def in_millionths(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Rounded by largest remainders: order is kept, and all classes together give exactly a million."""
    scaled = probabilities * MILLIONTHS
    whole = np.floor(scaled).astype(np.int64)
    by_remainder = np.argsort(whole - scaled, kind="stable")
    whole[by_remainder[: MILLIONTHS - int(whole.sum())]] += 1
    return whole


def _predictions(row: npt.NDArray[np.float64], top_k: int, classes: Sequence[DogClass]) -> list[dict[str, object]]:
    millionths = in_millionths(row)
    return [
        {
            "class_index": classes[index].index,
            "class_name": classes[index].folder,
            "breed": classes[index].breed,
            "probability": int(millionths[index]) / MILLIONTHS,
        }
        for index in np.argsort(-row, kind="stable")[:top_k]
    ]


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        quality = -1.0
    if not 0 <= quality <= 1:
        raise InvalidAccept(f"q={text} in Accept must be a number from 0 to 1.")
    return quality


def _top_k(media_type: str, parameters: dict[str, str], class_count: int) -> int:
    if parameters.get("charset", "utf-8").lower() == "utf-8":
        parameters = {name: value for name, value in parameters.items() if name != "charset"}
    allowed = {"top_k"} if media_type == JSON else set()
    for name in parameters.keys() - allowed:
        raise InvalidAccept(f"{media_type} takes no parameter {name!r}; {JSON} takes top_k, {NPY} takes none.")
    text = parameters.get("top_k", str(DEFAULT_TOP_K))
    digits = text.lstrip("0")
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidAccept(f"top_k={text[:40]} must be a whole number, 1 or more.")
    return min(int(digits[:10]), class_count)  # ten digits are more classes than any model has
