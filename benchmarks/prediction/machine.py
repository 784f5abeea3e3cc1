"""What the figures were measured on."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

CORES = 2  # of the bars
PACKAGES = ("openvino", "numpy", "pillow", "uvicorn", "uvloop", "httptools", "aiohttp", "fastapi", "torch", "nncf")
EXTENSIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
ASK_OPENVINO = """
import sys
sys.modules["openvino_telemetry"] = None  # it reports each import
import openvino
print(*openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
"""


def keep_to_two_cores() -> None:
    """Bind the process, and all that it starts, to two: the bars are for two cores, whatever the machine has."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


@cache
def openvino_capabilities() -> Sequence[str]:
    """What OpenVINO computes faster than float32 here: FP32, BF16, INT8 and so on."""
    command = [sys.executable, "-c", ASK_OPENVINO]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def has_bf16() -> bool:
    """Whether the CPU computes in bfloat16."""
    return "BF16" in openvino_capabilities()


def describe() -> str:
    """CPU, its extensions, cores used, load, versions; one line each."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    info = {name.strip(): value.strip() for name, _, value in lines}
    flags = set(info.get("flags", "").split())
    used = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES if _installed(name))
    return "\n".join(
        [
            f"CPU: {info.get('model name', platform.machine())}; {used} of {os.cpu_count()} cores used",
            f"instruction sets: {' '.join(name for name in EXTENSIONS if name in flags) or 'none of note'}",
            f"OpenVINO computes in: {' '.join(openvino_capabilities())}",
            f"load before: {' '.join(f'{load:.2f}' for load in os.getloadavg())}",
            f"Linux {platform.release()}, Python {platform.python_version()}, {versions}",
        ]
    )


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
