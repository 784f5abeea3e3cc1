"""What evaluating Debugger rules costs: megabytes of tensors a second on one core, and 10,000 steps of losses.

`python -m benchmarks.rule_evaluation`. The tensors have ResNet18's shapes; each measurement runs in a process of its
own, pinned to one core, with the files in the page cache; megabytes a second are of its CPU time, so that neighbours on
the machine do not count. The peer is smdebug's own reader over some of the same steps.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import Bar, end
from diagnostics.rules.catalogue import build_rule
from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.evaluation import Evaluation
from diagnostics.source import Folder
from diagnostics.tensors.saved_step import Mode
from diagnostics.tensors.stream import TensorStream
from tests.unit.diagnostics.tensor_files import TensorFiles

STEPS = 7  # of 90 MB: weights and gradients
PEER_STEPS = 3
LOSS_STEPS = 10_000
LOSS = "CrossEntropyLoss_output_0"
MEGABYTE = 1e6

DEFAULTS = ("VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization", "LossNotDecreasing")
# All that look into weights and gradients; thresholds that never fire, so that each reads to the end.
SELECTING: tuple[tuple[str, dict[str, str]], ...] = (
    ("VanishingGradient", {"threshold": "0"}),
    ("ExplodingTensor", {}),
    ("AllZero", {"tensor_regex": "weight|gradient"}),
    ("UnchangedTensor", {"tensor_regex": "weight|gradient"}),
    ("TensorVariance", {"tensor_regex": "weight|gradient", "max_threshold": "1e30"}),
    ("WeightUpdateRatio", {"large_threshold": "1e30", "small_threshold": "0"}),
    ("PoorWeightInitialization", {}),
)


def resnet18() -> dict[str, tuple[int, ...]]:
    """The parameters of a ResNet18 with 133 classes, by name."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7), "bn1.weight": (64,), "bn1.bias": (64,)}
    width = 64
    for layer, channels in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            before = width if block == 0 else channels
            for number, inputs in ((1, before), (2, channels)):
                shapes[f"layer{layer}.{block}.conv{number}.weight"] = (channels, inputs, 3, 3)
                shapes[f"layer{layer}.{block}.bn{number}.weight"] = (channels,)
                shapes[f"layer{layer}.{block}.bn{number}.bias"] = (channels,)
            if before != channels:
                shapes[f"layer{layer}.{block}.downsample.0.weight"] = (channels, before, 1, 1)
        width = channels
    return shapes | {"fc.weight": (133, 512), "fc.bias": (133,)}


def write(root: Path) -> int:
    """Write the steps; answers their bytes."""
    random = np.random.default_rng(0)
    files = TensorFiles(root)
    files.collections()
    shapes = resnet18()
    weights = {name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
    for step in range(STEPS):
        gradients = {
            f"gradient/{name}": random.normal(0, 0.01, shape).astype(np.float32) for name, shape in shapes.items()
        }
        weights = {name: weight - np.float32(0.1) * gradients[f"gradient/{name}"] for name, weight in weights.items()}
        files.save(10 * step, {**weights, LOSS: np.float32(1 / (step + 1)), **gradients}, Mode.TRAIN, 10 * step)
    files.end()
    return sum(path.stat().st_size for path in (root / "events").rglob("*.tfevents"))


def write_losses(root: Path) -> None:
    """Write steps with nothing but a loss: training, and judging every tenth step."""
    files = TensorFiles(root)
    files.collections()
    counts = {Mode.TRAIN: 0, Mode.EVAL: 0}
    for step in range(LOSS_STEPS):
        mode = Mode.EVAL if step % 10 == 9 else Mode.TRAIN
        files.save(step, {LOSS: np.float32(5 - step / LOSS_STEPS)}, mode, counts[mode])
        counts[mode] += 1
    files.end()


def evaluate(root: Path, rules: list[tuple[str, dict[str, str]]]) -> dict[str, Any]:
    """Judge a folder: seconds, peak memory growth in bytes, and how the rules stand."""
    configurations = [RuleConfiguration(name, name, parameters) for name, parameters in rules]
    before = memory("VmRSS")
    began, worked = time.perf_counter(), time.process_time()
    stream = TensorStream([Folder(root)])
    evaluation = Evaluation(configurations, stream, build_rule)
    evaluation.conclude()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    grown = memory("VmHWM") - before
    asked = time.perf_counter()
    evaluation.advance()
    standings = {one.name: one.status.value for one in evaluation.evaluations()}
    losses = stream.losses()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "grown": grown,
        "again": time.perf_counter() - asked,
        "standings": standings,
        "steps": stream.steps_seen,
        "points": sum(len(one.steps) for one in losses),
    }


def memory(which: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at the most (getrusage's maximum is also that of who started it)."""
    [kilobytes] = re.findall(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(kilobytes)


def read_as_smdebug(root: Path) -> dict[str, Any]:
    """The same figure, mean(abs(gradient)), and NaN in all tensors, with smdebug's reader over the first steps."""
    from smdebug.trials import create_trial  # noqa: PLC0415 - seconds, of this process alone

    began = time.perf_counter()
    trial = create_trial(str(root))
    size, vanished, exploded = 0, 0, 0
    for step in trial.steps()[:PEER_STEPS]:
        for name in trial.tensor_names(step=step):
            value = trial.tensor(name).value(step)
            size += value.nbytes
            exploded += int(not np.isfinite(value).all())
            vanished += int(name.startswith("gradient") and float(np.mean(np.abs(value))) < 0)
    return {"seconds": time.perf_counter() - began, "bytes": size, "fired": vanished + exploded}


def read_as_we_do(root: Path) -> dict[str, Any]:
    """What `read_as_smdebug` does, with our reader."""
    began = time.perf_counter()
    size, vanished, exploded = 0, 0, 0
    for _, step in zip(range(PEER_STEPS), TensorStream([Folder(root)]).poll(lambda _: True), strict=False):
        for name in step.tensors:
            value = step.tensor(name)
            size += value.nbytes
            exploded += int(not np.isfinite(value).all())
            vanished += int(name.startswith("gradient") and float(np.mean(np.abs(value))) < 0)
    return {"seconds": time.perf_counter() - began, "bytes": size, "fired": vanished + exploded}


MEASUREMENTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "default": lambda root: evaluate(root, [(name, {}) for name in DEFAULTS]),
    "selecting": lambda root: evaluate(root, list(SELECTING)),
    "frugal": lambda root: evaluate(root, [rule for rule in SELECTING if rule[0] != "UnchangedTensor"]),
    "losses": lambda root: evaluate(root, [(name, {}) for name in DEFAULTS]),
    "smdebug": read_as_smdebug,
    "ours": read_as_we_do,
}


def measure(what: str, root: Path) -> dict[str, Any]:
    """Run a measurement in a process of its own, on one core."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["SMDEBUG_TRAINING_END_DELAY_REFRESH"] = "0"
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.rule_evaluation", what, str(root)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if what == "smdebug" else None,
        check=True,
    ).stdout
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return found


def main() -> int:
    """Write, measure, hold against the bars."""
    with tempfile.TemporaryDirectory(prefix="rule-evaluation-") as name:
        root, losses_root = Path(name) / "tensors", Path(name) / "losses"
        size = write(root)
        write_losses(losses_root)
        print(f"{STEPS} steps of ResNet18, {size / MEGABYTE:.0f} MB; {LOSS_STEPS} steps of losses")
        default, frugal, selecting = (measure(what, root) for what in ("default", "frugal", "selecting"))
        losses = measure("losses", losses_root)
        theirs, ours = measure("smdebug", root), measure("ours", root)
    for title, found in (("default rules", default), ("all selecting rules", selecting), ("losses", losses)):
        print(f"{title}: {found['seconds']:.2f} s, of CPU time {found['cpu_seconds']:.2f} s, {found['standings']}")
    print(
        f"smdebug reads {theirs['bytes'] / theirs['seconds'] / MEGABYTE:.0f} MB/s, "
        f"we {ours['bytes'] / ours['seconds'] / MEGABYTE:.0f} MB/s"
    )
    return end(
        [
            Bar("default rules", size / default["cpu_seconds"] / MEGABYTE, 50, "MB/s"),
            Bar("all rules that read weights and gradients", size / selecting["cpu_seconds"] / MEGABYTE, 50, "MB/s"),
            Bar("peak memory, default rules", default["grown"] / (size / STEPS), 3, "steps", "at most"),
            Bar("peak memory, all but UnchangedTensor", frugal["grown"] / (size / STEPS), 3, "steps", "at most"),
            # It compares with the two saved steps before, by definition.
            Bar("peak memory, with UnchangedTensor", selecting["grown"] / (size / STEPS), 4, "steps", "at most"),
            Bar("reading, beside smdebug", theirs["seconds"] / ours["seconds"], 1, "times as fast"),
            Bar(f"{LOSS_STEPS} steps of losses, first evaluation", losses["seconds"], 30, "s", "at most"),
            Bar(f"{LOSS_STEPS} steps of losses, asked again", losses["again"], 1, "s", "at most"),
        ]
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        warnings.simplefilter("ignore")
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        print(json.dumps(MEASUREMENTS[sys.argv[1]](Path(sys.argv[2]))))
        sys.exit(0)
    sys.exit(main())
