"""The network on a CPU: the artifact's graph, compiled by OpenVINO."""

import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import precision
from artifact import Description
from errors import BrokenModel, NetworkFailed
from tensors import Normalisation
from weights import Weights


class CpuNetwork:
    """Compiled for one image at a time: on a CPU a batch gains next to nothing, and costs memory."""

    def __init__(self, folder: Path, description: Description, class_count: int) -> None:
        """Read the graph that `precision.choose` names, compile it and try it once. Raises BrokenModel, CannotServe."""
        openvino = _openvino()
        core = openvino.Core()
        choice = precision.choose(description, os.environ, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        if choice.note:
            print(choice.note, flush=True)  # noqa: T201 - the container's log
        graph = folder / choice.graph
        weights = graph.with_suffix(".bin")
        for path in (graph, weights):
            if not path.is_file() or path.stat().st_size == 0:
                raise BrokenModel(f"{path} is missing or empty.")
        size = description.image_size
        input_shape, output_shape = [1, 3, size, size], [1, class_count]
        mapped = Weights(weights)
        try:
            model = core.read_model(graph.read_bytes(), openvino.Tensor(mapped.array(), shared_memory=True))
            model.reshape({"images": input_shape})
            compiled = core.compile_model(model, "CPU", _cpu_properties(choice.hint))
            shape = list(compiled.output(0).shape)
        except RuntimeError as error:
            raise BrokenModel(f"{graph} with {weights.name} cannot be loaded: {_first_lines(error)}") from error
        if len(compiled.inputs) != 1 or len(compiled.outputs) != 1 or shape != output_shape:
            raise BrokenModel(f"{graph} answers {shape} for one image; classes.json asks for {output_shape}.")
        self._normalisation = Normalisation.of(description)
        self._inference = compiled.create_infer_request()
        self._input: npt.NDArray[np.float32] = self._inference.get_input_tensor().data[0]
        self._output: npt.NDArray[np.float32] = self._inference.get_output_tensor().data[0]
        self._lock = threading.Lock()
        self._weights = mapped  # last, so that it ends last
        try:
            self.logits([np.zeros((size, size, 3), np.uint8)])
        except NetworkFailed as error:
            raise BrokenModel(f"{weights}: {error}") from error
        del model
        mapped.let_go()

    def logits(self, crops: Iterable[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Logits [N, classes] of N crops [image_size, image_size, 3]. Raises NetworkFailed."""
        logits = np.stack([self._row(crop) for crop in crops])
        if not np.isfinite(logits).all():
            raise NetworkFailed("The network answers NaN or infinity: its weights are damaged or training diverged.")
        return logits

    def _row(self, crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with self._lock:  # one infer request; it uses all threads by itself
            self._normalisation.write(crop, self._input)
            self._inference.infer()
            return self._output.copy()


def thread_count() -> int:
    """OMP_NUM_THREADS, else SM_NUM_CPUS, else the CPUs that this process may use."""
    for name in ("OMP_NUM_THREADS", "SM_NUM_CPUS"):
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text) > 0:
            return int(text)
    return len(os.sched_getaffinity(0))


def _openvino() -> Any:
    """The package, without what serving does not need."""
    # pip installs openvino's telemetry with it, which tells Google Analytics of each import unless HOME has a file
    # that declines; where the package cannot be imported, openvino does without. Nothing here reports.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # None is how Python says: not importable
    # Likewise the conversion of models from other formats: 8 MB and a fifth of the import's time.
    converter = "openvino.tools.ovc"
    hidden = converter not in sys.modules
    if hidden:
        sys.modules[converter] = None  # type: ignore[assignment]
    try:
        import openvino  # noqa: PLC0415 - only after the lines above
    finally:
        if hidden:
            del sys.modules[converter]
    return openvino


def _cpu_properties(precision_hint: str) -> dict[str, str | int | bool]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": thread_count(),
        # Pinned, two model servers on one machine would share the first core.
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": precision_hint,
    }


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
