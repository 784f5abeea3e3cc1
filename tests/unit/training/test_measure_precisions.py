"""How answers are counted; the graphs are tables of answers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tests.unit.training.scripts import Scripts

LABELS = [0, 1, 1, 0]
# Logits of two classes by precision and image.
LOGITS: dict[str, list[list[float]]] = {
    "fp32": [[2, 1], [2, 1], [1, 2], [1, 2]],  # right, wrong, right, wrong
    "int8": [[2, 1], [3, 1], [2, 1], [2, 1]],  # right, wrong as fp32, wrong, right but not as fp32
    "bf16": [[np.nan, 1], [2, np.inf], [0, 2], [0, 2]],  # no answer twice, then as fp32
}


class Table:
    """In CompiledGraph's place: an image's pixels are its number."""

    def __init__(self, path: Path, precision: str, image_size: int, threads: int) -> None:
        self.rows = LOGITS[precision]

    def logits(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.array(self.rows[int(image[0, 0, 0, 0])], np.float32)


class Images:
    labels = LABELS

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter([torch.full((1, 3, 2, 2), float(number)) for number in range(len(LABELS))])


def test_what_is_right_and_what_is_as_fp32_are_counted_apart(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts.measure_precisions, "CompiledGraph", Table)
    graphs = {name: Path(name) for name in LOGITS}
    request = {"preprocessing": {"image_size": 2}, "cpus": 1}
    measured = {each.precision: each for each in scripts.measure_precisions.measure(graphs, Images(), request)}
    assert {name: (each.correct, each.agreeing, each.images) for name, each in measured.items()} == {
        "fp32": (2, 4, 4),
        "int8": (2, 2, 4),
        "bf16": (1, 2, 4),
    }
    assert (measured["int8"].accuracy, measured["int8"].agreement) == (0.5, 0.5)
