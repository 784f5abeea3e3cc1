"""What Debugger's hook and the timeline of steps cost a training step: ResNet18, 224 pixels, batches of 32, 2 threads.

`python -m benchmarks.debugger_hook`. Losses are saved every step, and of weights and gradients four figures each every
ten steps. Two networks take turns, step by step, one of them with the hook, so that a busy machine slows both alike.
The timeline is measured over batches that nothing is done with, for beside a step it is too little to be seen.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.bars import Bar, end
from tests.unit.training.scripts import Scripts

CLASSES, BATCH, PIXELS = 133, 32, 224
INTERVAL = 10  # a step in so many is saved whole
ROUNDS = 2  # of so many steps
TIMELINE_STEPS = 50_000


def main() -> int:
    """Measure both and hold them against the bars."""
    torch.set_num_threads(2)
    os.environ["TRAINING_JOB_NAME"] = "benchmark"  # as in a job: smdebug leaves the end marker to others
    scripts = Scripts()
    with tempfile.TemporaryDirectory() as name:
        plain, light, whole = _hook_seconds(scripts, Path(name))
        timeline = _timeline_seconds(scripts, Path(name))
    # A step's files are closed by the next one, so that a step saved whole shows in two.
    cost = ((INTERVAL - 2) * light + 2 * whole) / INTERVAL
    print(f"a step takes {1000 * plain:.0f} ms; the hook adds {1000 * light:.1f} ms where losses are saved,")
    print(
        f"{2000 * whole:.1f} ms to every {INTERVAL} steps for weights and gradients, {1000 * cost:.1f} ms on average;"
    )
    print(f"the timeline adds {1e6 * timeline:.1f} microseconds")
    return end(
        [
            Bar("hook-cost", 100 * cost / plain, 5, "%", "at most"),
            Bar("timeline-cost", 100 * timeline / plain, 0.1, "%", "at most"),
        ]
    )


def _hook_seconds(scripts: Scripts, folder: Path) -> tuple[float, float, float]:
    """A step without the hook; what the hook adds to a step with losses alone; what it adds to the others."""
    plain, watched = _Training(scripts), _Training(scripts)
    hook = scripts.debugger_hook.DebuggerHook(
        _configuration(folder), watched.network, [watched.criterion], train_steps=0, evaluation_steps=0
    )
    hook.set_training()
    without: list[float] = []
    light: list[float] = []
    whole: list[float] = []
    for number in range(ROUNDS * INTERVAL + 2):
        seconds, added = _seconds(plain.step), _seconds(watched.step)
        if number >= 2:  # the first ones allocate
            without.append(seconds)
            (whole if number % INTERVAL < 2 else light).append(added - seconds)
    hook.close()
    return statistics.median(without), statistics.median(light), statistics.median(whole)


def _timeline_seconds(scripts: Scripts, folder: Path) -> float:
    """What the timeline adds to a step."""
    timeline = scripts.timeline.Timeline(lambda: folder, "algo-1")
    batches: list[Any] = [None] * TIMELINE_STEPS

    def watched() -> None:
        for _ in timeline.watch("TRAIN", iter(batches), 0):
            pass
        timeline.close()

    def plain() -> None:
        for _ in iter(batches):
            pass

    return (_seconds(watched) - _seconds(plain)) / TIMELINE_STEPS


class _Training:
    """A network, and how it learns from one batch."""

    def __init__(self, scripts: Scripts) -> None:
        self._train_one_epoch = scripts.epochs.train_one_epoch
        self._totals, self._stop = scripts.epochs.Totals(), scripts.stopping.StopRequest()
        torch.manual_seed(0)
        self.network = scripts.networks.build_classifier("resnet18", CLASSES, PIXELS, dropout=0.2, frozen=False)
        self.network.to(memory_format=torch.channels_last)
        self.criterion = torch.nn.CrossEntropyLoss()
        flags = ["--freeze-backbone", "false", "--lr", "1e-4", "--amp", "none"]
        arguments = scripts.arguments.parse_arguments(flags, cpus=1, description="")
        self._learner = scripts.learner.Learner(arguments, self.network)
        images = torch.randn(BATCH, 3, PIXELS, PIXELS).contiguous(memory_format=torch.channels_last)
        self._batch = (images, torch.randint(CLASSES, (BATCH,)))

    def step(self) -> None:
        """Forward, backward, optimiser, as a job does it."""
        self._train_one_epoch(
            self._learner,
            self.network,
            self.criterion,
            iter([self._batch]),
            epoch=1,
            steps=1,
            totals=self._totals,
            stop=self._stop,
        )


def _configuration(folder: Path) -> Path:
    figures = {"train.save_interval": str(INTERVAL), "reductions": "min,max,abs_mean,l2_norm"}
    path = folder / "debughookconfig.json"
    content = {
        "LocalPath": str(folder / "tensors"),
        "HookParameters": {"train.save_interval": "1", "eval.save_interval": "1"},
        "CollectionConfigurations": [
            {"CollectionName": "losses"},
            {"CollectionName": "weights", "CollectionParameters": figures},
            {"CollectionName": "gradients", "CollectionParameters": figures},
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
