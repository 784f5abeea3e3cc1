"""model.json and classes.json of the model artifact, checked."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import BrokenModel

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Description:
    """What training noted in model.json: sizes in pixels, mean and std of an RGB value in 0..1."""

    architecture: str
    version: str
    image_size: int
    resize_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class DogClass:
    """One class of classes.json: the folder it was learnt from and the breed as people write it."""

    index: int
    folder: str
    breed: str


def read_description(path: Path) -> Description:
    """model.json. Raises BrokenModel."""
    members = _read(path, dict)
    if members.get("format_version") != FORMAT_VERSION:
        raise BrokenModel(f"{path} has format_version {members.get('format_version')!r}; {FORMAT_VERSION} is read.")
    if members.get("interpolation") != "bilinear":
        raise BrokenModel(f"{path} has interpolation {members.get('interpolation')!r}; 'bilinear' is read.")
    description = Description(
        architecture=_text(members, "architecture", path),
        version=_text(members, "version", path),
        image_size=_size(members, "image_size", path),
        resize_size=_size(members, "resize_size", path),
        mean=_rgb(members, "mean", path),
        std=_rgb(members, "std", path),
    )
    if description.resize_size < description.image_size:
        raise BrokenModel(f"{path}: resize_size is below image_size, the crop would leave the image.")
    if min(description.std) <= 0:
        raise BrokenModel(f"{path}: std must be above 0.")
    return description


def read_classes(path: Path) -> Sequence[DogClass]:
    """classes.json, in index order. Raises BrokenModel."""
    entries = _read(path, list)
    classes = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or entry.get("index") != index:
            raise BrokenModel(f"{path}: entry {index} must be an object with index {index}.")
        classes.append(DogClass(index, _text(entry, "folder", path), _text(entry, "breed", path)))
    if not classes:
        raise BrokenModel(f"{path} has no class.")
    return tuple(classes)


def _read(path: Path, kind: type) -> Any:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenModel(f"{path} cannot be read: {error}") from error
    if not isinstance(value, kind):
        raise BrokenModel(f"{path} must hold a JSON {'object' if kind is dict else 'array'}.")
    return value


def _text(members: dict[str, Any], name: str, path: Path) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise BrokenModel(f"{path}: {name} must be a text.")
    return value


def _size(members: dict[str, Any], name: str, path: Path) -> int:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 4096:
        raise BrokenModel(f"{path}: {name} must be a whole number of pixels from 1 to 4096.")
    return value


def _rgb(members: dict[str, Any], name: str, path: Path) -> tuple[float, float, float]:
    value = members.get(name)
    if not isinstance(value, list) or len(value) != 3 or not all(_is_number(part) for part in value):
        raise BrokenModel(f"{path}: {name} must be three numbers, for red, green and blue.")
    red, green, blue = (float(part) for part in value)
    return red, green, blue


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
