"""Whether a backbone learns in 16 bits: decided by what the machine has instructions for.

By capability and not by a stopwatch, so that a job that goes on, or is run again, computes as it did before.
"""

from pathlib import Path

import torch
from arguments import Arguments
from errors import PrecisionError

CPU_INFO = Path("/proc/cpuinfo")
CPU_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # Intel's and AMD's, and Arm's
TENSOR_CORES = (7, 0)  # the first compute capability with fast fp16

NAMES = {None: "float32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def autocast_dtype(arguments: Arguments, device: torch.device) -> torch.dtype | None:
    """What autocast computes in, None for float32. Raises PrecisionError for fp16 on a CPU."""
    if arguments.amp == "fp16" and device.type != "cuda":
        raise PrecisionError("--amp fp16 needs a GPU: give --amp bf16, auto or none, or a GPU instance")
    if arguments.amp != "auto":
        return {"none": None, "bf16": torch.bfloat16, "fp16": torch.float16}[arguments.amp]
    if arguments.freeze_backbone:
        return None  # its features are kept, and must be those that are computed without keeping any
    if device.type == "cuda":
        return _of_gpu(device)
    return torch.bfloat16 if cpu_has_bf16(CPU_INFO) else None


def _of_gpu(device: torch.device) -> torch.dtype | None:
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16 if torch.cuda.get_device_capability(device) >= TENSOR_CORES else None


def cpu_has_bf16(cpu_info: Path) -> bool:
    """Whether this CPU multiplies bfloat16; without, torch emulates it, slower than float32."""
    try:
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False  # no Linux
    flags = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return bool(CPU_FLAGS & set(next(flags, [])))
