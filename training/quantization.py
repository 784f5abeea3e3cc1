"""The artifact's precisions: which of them are measured, and what model.json says of them.

It comes after the float32 artifact is complete, and adds to it: model.int8.xml and model.int8.bin first, then
model.json in one step. Whoever reads the folder, or is left with it after a kill, finds a model that can be served.

What can be known to be impossible is an error before anything is trained. What fails afterwards (a crash, no memory)
costs the job its int8 graph and not its model: hours of training are worth more, and SageMaker keeps no model of a job
that failed. The log says so, and model.json's `quantization.reason`; MODEL_PRECISION=int8 then refuses to serve.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from arguments import Arguments
from errors import QuantizationError
from image_set import ImageSet
from json_file import write_json
from precisions import GRAPHS, Measurement, choose
from stopping import StopRequest, StopRequested

SCRIPT = Path(__file__).with_name("measure_precisions.py")
NO_BF16 = "this CPU does not compute in bf16, so bf16 was neither measured nor chosen"
STOP_CHECK_SECONDS = 0.1


class MeasuringFailed(Exception):
    """The process that measures ended without a result; the message is its last word."""


@dataclass(frozen=True)
class Quantization:
    """What the flags ask for: `kind` is bf16 or int8, `tolerance_points` percentage points of top-1 accuracy."""

    kind: str
    tolerance_points: float
    cpus: int

    @property
    def precisions(self) -> list[str]:
        """What is measured: fp32 always, bf16 where the CPU has it."""
        return ["fp32", "bf16"] if self.kind == "bf16" else ["fp32", "bf16", "int8"]

    def apply(self, model_folder: Path, images: ImageSet, stop: StopRequest) -> None:
        """Measure the precisions on `images`, the validation channel, and write the fastest good one into model.json.

        Raises StopRequested when the job is to stop; the artifact is then as it was, but for the reason.
        """
        try:
            stop.check()
            print(f"precisions: {', '.join(self.precisions)} are tried on {len(images)} validation images", flush=True)
            with tempfile.TemporaryDirectory(prefix="precisions-") as folder:
                result = self._measure(Path(folder), model_folder, images, stop)
                self._keep(Path(folder), model_folder, result)
        except StopRequested:
            self.give_up(model_folder, "the job was stopped before the precisions were measured")
            raise
        except (MeasuringFailed, OSError) as error:
            self.give_up(model_folder, f"{self.kind} could not be made and measured: {error}")

    def give_up(self, model_folder: Path, reason: str) -> None:
        """Let fp32 be served, and say why."""
        print(f"warning: {reason}: fp32 is the precision to serve", flush=True)
        note = {"tolerance_points": self.tolerance_points, "reason": reason}
        _add_to_description(model_folder, {"precision": "fp32", "quantization": note})

    def _measure(self, folder: Path, model_folder: Path, images: ImageSet, stop: StopRequest) -> dict[str, Any]:
        request = {
            "model": str(model_folder.resolve()),
            "folder": str(images.channel.folder.resolve()),
            "paths": images.paths,
            "labels": images.labels,
            "preprocessing": asdict(images.preprocessing),
            "precisions": self.precisions,
            "cpus": self.cpus,
        }
        write_json(folder / "request.json", request)
        with (folder / "log").open("wb") as log:
            # SIGTERM to the whole group is this process's to answer: it stays blocked in the child.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            try:
                process = subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "PYTHONPATH": _python_path(), "OMP_NUM_THREADS": str(self.cpus)},
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            _wait(process, stop)
        finally:
            process.kill()
            process.wait()
        if process.returncode != 0:
            raise MeasuringFailed(_last_word(process.returncode, folder / "log"))
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return result

    def _keep(self, folder: Path, model_folder: Path, result: dict[str, Any]) -> None:
        measurements = [Measurement(**each) for each in result["measurements"]]
        choice = choose(measurements, self.tolerance_points)
        reason = choice.reason if result["has_bf16"] else f"{choice.reason}; {NO_BF16}"
        if "int8" in self.precisions:
            graph = Path(GRAPHS["int8"])
            for name in (graph.with_suffix(".bin"), graph):
                shutil.copyfile(folder / name, model_folder / name)
        _add_to_description(
            model_folder,
            {
                "precision": choice.precision,
                "precisions": {each.precision: each.as_json() for each in measurements},
                "quantization": {
                    "tolerance_points": self.tolerance_points,
                    "validation_images": measurements[0].images,
                    "calibration_images": result["calibration_images"],
                    "cpu": result["cpu"],
                    "reason": reason,
                },
            },
        )
        for line in choice.lines:
            print(line, flush=True)
        if not result["has_bf16"]:
            print(f"bf16: {NO_BF16} ({result['cpu']})", flush=True)


def asked_for(arguments: Arguments, cpus: int) -> Quantization | None:
    """What the flags ask for, None where they do not. Raises QuantizationError where it cannot be had here."""
    if arguments.quantize == "none":
        return None
    if arguments.quantize == "int8" and importlib.util.find_spec("nncf") is None:
        raise QuantizationError(
            "--quantize int8 needs the package nncf, which this container lacks: keep it in requirements.txt "
            "(it needs Python 3.10 or later: choose a newer framework version), or train with --quantize none or bf16"
        )
    return Quantization(arguments.quantize, arguments.quantize_tolerance, cpus)


def _add_to_description(model_folder: Path, members: dict[str, Any]) -> None:
    path = model_folder / "model.json"
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **members})


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(SCRIPT.parent), os.environ.get("PYTHONPATH")]))


def _wait(process: "subprocess.Popen[bytes]", stop: StopRequest) -> None:
    while True:
        stop.check()
        try:
            process.wait(STOP_CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return stop.check()


def _last_word(returncode: int, log: Path) -> str:
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return f"ended by {name}" + (": the machine may have run out of memory" if name == "SIGKILL" else "")
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), f"exit status {returncode}")
