"""What stays in memory of the files of a model."""

from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from tests.unit.inference import artifacts

MEBIBYTE = 2**20


def resident_bytes(path: Path) -> int:
    """How much of the file this process has mapped, and in memory."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *rest = line.split()
        if "-" in first and not first.endswith(":"):
            inside = rest[-1] == str(path)
        elif inside and first == "Rss:":
            total += int(rest[0]) * 1024
    return total


def test_the_weights_file_is_let_go(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    folder = artifacts.write(tmp_path, ballast=4 * MEBIBYTE)
    assert (folder / "model.bin").stat().st_size > 16 * MEBIBYTE
    model = modules["inference"].model_fn(str(folder))
    assert resident_bytes(folder / "model.bin") < MEBIBYTE
    image = Image.fromarray(np.random.default_rng(5).integers(0, 255, (60, 60, 3), np.uint8))
    answer = modules["inference"].predict_fn(image, model).probabilities
    without = modules["inference"].model_fn(str(artifacts.write(tmp_path / "without")))
    expected = modules["inference"].predict_fn(image, without).probabilities
    assert np.abs(answer - expected).max() < 1e-6
    assert resident_bytes(folder / "model.bin") < MEBIBYTE


def test_the_file_s_bytes_are_there_again_when_they_are_read(modules: dict[str, ModuleType], tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    content = np.random.default_rng(6).bytes(3 * MEBIBYTE)
    path.write_bytes(content)
    weights = modules["weights"].Weights(path)
    array = weights.array()
    assert array.tobytes() == content
    assert resident_bytes(path) > 2 * MEBIBYTE
    weights.let_go()
    assert resident_bytes(path) == 0
    assert array.tobytes() == content
    assert path.read_bytes() == content
