"""OpenVINO on the CPU: imported without its telemetry, its graphs compiled as serving compiles them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

INFERENCE_PRECISIONS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}  # int8: of what is not quantised


def import_openvino() -> Any:
    """The module. It takes half a second, so it is imported where a job needs it."""
    # pip installs openvino's telemetry with it, which reports each import and conversion to Google Analytics unless
    # HOME has a file that declines; where the package cannot be imported, openvino and nncf do without. Nothing here
    # reports.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # None is how Python says: not importable
    import openvino  # noqa: PLC0415 - only after the line above

    return openvino


def cpu_name() -> str:
    """What this machine's CPU calls itself."""
    return str(import_openvino().Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()


def cpu_has_bf16() -> bool:
    """Whether this CPU computes in bfloat16; OpenVINO would take float32 on one that does not."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class CompiledGraph:
    """One graph for one image at a time, in one precision (fp32, bf16 or int8), on so many threads."""

    def __init__(self, path: Path, precision: str, image_size: int, threads: int) -> None:
        openvino = import_openvino()
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape({"images": [1, 3, image_size, image_size]})
        properties = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": INFERENCE_PRECISIONS[precision],
        }
        self._request = core.compile_model(model, "CPU", properties).create_infer_request()

    def logits(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Logits [classes] of one normalised image [1, 3, size, size]."""
        logits: npt.NDArray[np.float32] = self._request.infer({"images": image})[0][0].copy()
        return logits
