"""The network: OpenVINO's model.xml and model.bin compiled for the CPU."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
from errors import BrokenModel, NetworkFailed


class Network:
    """Compiled for one image at a time: on a CPU a batch gains next to nothing, and costs memory."""

    def __init__(self, folder: Path, image_size: int, class_count: int) -> None:
        """Read model.xml and model.bin, compile them and try them once. Raises BrokenModel."""
        network, weights = folder / "model.xml", folder / "model.bin"
        for path in (network, weights):
            if not path.is_file() or path.stat().st_size == 0:
                raise BrokenModel(f"{path} is missing or empty.")
        # pip installs openvino's telemetry with it, which tells Google Analytics of each import unless HOME has a file
        # that declines; where the package cannot be imported, openvino does without. Nothing here reports.
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # None is how Python says: not importable
        import openvino  # noqa: PLC0415 - only after the line above

        input_shape, output_shape = [1, 3, image_size, image_size], [1, class_count]
        try:
            model = openvino.Core().read_model(network, weights)
            model.reshape({"images": input_shape})
            compiled = openvino.compile_model(model, "CPU", _cpu_properties())
            shape = list(compiled.output(0).shape)
        except RuntimeError as error:
            raise BrokenModel(f"{network} with {weights.name} cannot be loaded: {_first_lines(error)}") from error
        if len(compiled.inputs) != 1 or len(compiled.outputs) != 1 or shape != output_shape:
            raise BrokenModel(f"{network} answers {shape} for one image; classes.json asks for {output_shape}.")
        self._inference = compiled.create_infer_request()
        self._lock = threading.Lock()
        try:
            self.logits(np.zeros(input_shape, np.float32))
        except NetworkFailed as error:
            raise BrokenModel(f"{weights}: {error}") from error

    def logits(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Logits [N, classes] of normalised images [N, 3, image_size, image_size]. Raises NetworkFailed."""
        with self._lock:  # one infer request; it uses all threads by itself
            rows = [self._inference.infer({"images": image[np.newaxis]})[0].copy() for image in images]
        logits: npt.NDArray[np.float32] = np.concatenate(rows)
        if not np.isfinite(logits).all():
            raise NetworkFailed("The network answers NaN or infinity: its weights are damaged or training diverged.")
        return logits


def thread_count() -> int:
    """OMP_NUM_THREADS, else SM_NUM_CPUS, else the CPUs that this process may use."""
    for name in ("OMP_NUM_THREADS", "SM_NUM_CPUS"):
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text) > 0:
            return int(text)
    return len(os.sched_getaffinity(0))


def _cpu_properties() -> dict[str, str | int | bool]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": thread_count(),
        # Pinned, two model servers on one machine would share the first core.
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",
    }


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
