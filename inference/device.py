"""CPU or GPU: what MODEL_DEVICE asks for, else what the machine has. torch is not asked: importing it costs seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from errors import CannotServe

VARIABLE = "MODEL_DEVICE"
Device = Literal["cpu", "cuda"]


def choose(environment: Mapping[str, str], device_files: Path = Path("/dev")) -> Device:
    """MODEL_DEVICE, else cuda where a GPU can be seen, else cpu. Raises CannotServe for another word."""
    asked = environment.get(VARIABLE, "").strip().lower()
    if asked == "":
        return "cuda" if _has_gpu(environment, device_files) else "cpu"
    if asked == "cpu":
        return "cpu"
    if asked == "cuda":
        return "cuda"
    raise CannotServe(f"{VARIABLE} is {asked[:40]!r}: it takes cpu or cuda, and by itself takes the GPU that is there.")


def _has_gpu(environment: Mapping[str, str], device_files: Path) -> bool:
    """Whether NVIDIA's driver shows a GPU that CUDA_VISIBLE_DEVICES does not hide."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in {"", "-1"}:
        return False
    numbered = any(path.name.removeprefix("nvidia").isdigit() for path in device_files.glob("nvidia*"))
    return numbered or (device_files / "dxg").exists()  # dxg: Windows' subsystem for Linux
