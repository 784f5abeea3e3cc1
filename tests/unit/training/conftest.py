from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.training.scripts import Scripts


@pytest.fixture(scope="session")
def scripts() -> Scripts:
    return Scripts()


@pytest.fixture
def photograph(tmp_path: Path) -> Callable[..., Path]:
    """Writes an image file: left half red, right half blue."""

    def write(name: str = "dog.png", size: tuple[int, int] = (80, 40), mode: str = "RGB", **options: object) -> Path:
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        pixels[:, : size[0] // 2, 0] = 255
        pixels[:, size[0] // 2 :, 2] = 255
        path = tmp_path / name
        Image.fromarray(pixels).convert(mode).save(path, **options)  # type: ignore[arg-type]
        return path

    return write
