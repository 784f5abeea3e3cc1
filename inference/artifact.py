"""model.json and classes.json of the model artifact, checked."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errors import BrokenModel

FORMAT_VERSION = 1
PRECISIONS = ("fp32", "bf16", "int8")
ONLY_FP32 = {"fp32": "model.xml"}


@dataclass(frozen=True)
class Description:
    """What training noted in model.json: sizes in pixels, mean and std of an RGB value in 0..1.

    `graphs` is the file of each precision that there is, `precision` the one to serve.
    """

    architecture: str
    version: str
    image_size: int
    resize_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    precision: str = "fp32"
    graphs: Mapping[str, str] = field(default_factory=lambda: ONLY_FP32)


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
    precision, graphs = _precisions(members, path)
    description = Description(
        architecture=_text(members, "architecture", path),
        version=_text(members, "version", path),
        image_size=_size(members, "image_size", path),
        resize_size=_size(members, "resize_size", path),
        mean=_rgb(members, "mean", path),
        std=_rgb(members, "std", path),
        precision=precision,
        graphs=graphs,
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


def _precisions(members: dict[str, Any], path: Path) -> tuple[str, Mapping[str, str]]:
    """The precision to serve, and the graph of each: artifacts of before have neither."""
    entries = members.get("precisions", {name: {"graph": graph} for name, graph in ONLY_FP32.items()})
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise BrokenModel(f"{path}: precisions must be an object of objects, by precision.")
    graphs = {name: _text(entries[name], "graph", path) for name in PRECISIONS if name in entries}
    for graph in graphs.values():
        if Path(graph).name != graph or not graph.endswith(".xml"):
            raise BrokenModel(f"{path}: graph {graph[:80]!r} must be the name of an .xml file beside it.")
    precision = members.get("precision", "fp32")
    if not isinstance(precision, str) or precision not in graphs:
        raise BrokenModel(f"{path}: precision {precision!r} is none of its precisions ({', '.join(graphs) or 'none'}).")
    return precision, graphs


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
