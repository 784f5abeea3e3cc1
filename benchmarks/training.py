"""A full fine-tune of ResNet18 at 224 beside the plain fp32 loop of the public solutions: speed, and the same losses.

`python -m benchmarks.training`: training/hpo.py and plain_loop.py, one after the other with each seed, from the same
weights, with the same images in the same order. Images a second are those of the training passes, reading the images
included. A CPU or GPU with bf16 instructions computes in them (--amp auto); what the machine has is printed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import harmonic_mean, mean, stdev

from benchmarks.bars import Bar, end
from benchmarks.prediction import classifier, machine
from benchmarks.tuning import drawn, write_beginning

HERE = Path(__file__).parent
EPOCH = re.compile(r"^epoch=\d+ train:loss=(\S+) .*images_per_second=(\S+)", re.MULTILINE)
FASTER = 1.5
BATCH_SIZE, LR = 32, 0.0003
FIRST_SEED = 10  # the backbone comes from seed 1, whose head would know it


@dataclass(frozen=True)
class Run:
    """Mean training loss and images a second of each epoch."""

    losses: list[float]
    images_per_second: list[float]

    def __str__(self) -> str:
        losses, speeds = (" ".join(f"{value:.4g}" for value in each) for each in (self.losses, self.images_per_second))
        return f"losses {losses}; images a second {speeds}"


def main() -> int:
    """Run all seeds and print the bars."""
    options = parse()
    machine.keep_to_two_cores()
    print(machine.describe(), flush=True)
    ours, plain = [], []
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        folder = Path(name)
        data = drawn(options.images_a_class)
        weights = folder / "weights" / "model.safetensors"
        weights.parent.mkdir()
        trained = classifier.ready().artifact / "model.safetensors"
        for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
            write_beginning(trained, weights, options.image_size, seed)
            plain.append(plain_loop(folder, data, weights, options, seed))
            print(f"seed {seed}, the plain loop: {plain[-1]}", flush=True)
            ours.append(training(folder / f"job-{seed}", data, weights.parent, options, seed))
            print(f"seed {seed}, training/: {ours[-1]}", flush=True)
    return end(
        [
            Bar("training-images-a-second-times-plain-loop", speed(ours) / speed(plain), FASTER, "times"),
            Bar("training-loss-difference", difference(ours, plain), noise(plain), "of a loss", "at most"),
        ]
    )


def parse() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--images-a-class", type=int, default=4, help="of 133 classes, one in four for validation")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--image-size", type=int, default=224)
    return parser.parse_args()


def speed(runs: list[Run]) -> float:
    """Images a second over all epochs of all runs, which have as many images each."""
    speeds = [value for run in runs for value in run.images_per_second]
    return harmonic_mean(speeds)


def difference(ours: list[Run], plain: list[Run]) -> float:
    """How far the mean curves of both are apart where they are farthest."""
    both = zip(by_epoch(ours), by_epoch(plain), strict=True)
    return max(abs(mean(losses) - mean(expected)) for losses, expected in both)


def noise(runs: list[Run]) -> float:
    """How far the seeds of one loop are apart: the largest standard deviation of an epoch's losses."""
    return max(stdev(losses) for losses in by_epoch(runs))


def by_epoch(runs: list[Run]) -> list[tuple[float, ...]]:
    """The losses of all runs in each epoch."""
    return list(zip(*(run.losses for run in runs), strict=True))


def plain_loop(folder: Path, data: Path, weights: Path, options: argparse.Namespace, seed: int) -> Run:
    """plain_loop.py with all layers."""
    command: list[str | Path] = [
        sys.executable,
        HERE / "plain_loop.py",
        data,
        weights,
        folder / "plain.pt",
        "--all-layers",
    ]
    epochs = json.loads(output_of(command, flags_of_both(options, seed), dict(os.environ)).splitlines()[-1])
    return Run([epoch["train_loss"] for epoch in epochs], [epoch["images_per_second"] for epoch in epochs])


def training(folder: Path, data: Path, weights: Path, options: argparse.Namespace, seed: int) -> Run:
    """hpo.py with all layers, and no cache but its own memory."""
    environment = {
        **os.environ,
        "SM_CHANNEL_TRAIN": str(data / "train"),
        "SM_CHANNEL_VALIDATION": str(data / "validation"),
        "SM_CHANNEL_PRETRAINED": str(weights),
        "SM_MODEL_DIR": str(folder / "model"),
        "SM_OUTPUT_DATA_DIR": str(folder / "output"),
        "SM_INPUT_CONFIG_DIR": str(folder),
    }
    flags = {
        **flags_of_both(options, seed),
        "--freeze-backbone": "false",
        "--augment": "none",
        "--dropout": 0,
    }
    found = EPOCH.findall(output_of([sys.executable, HERE.parent / "training" / "hpo.py"], flags, environment))
    return Run([float(loss) for loss, _ in found], [float(images) for _, images in found])


def flags_of_both(options: argparse.Namespace, seed: int) -> dict[str, object]:
    """What both scripts call alike."""
    own = {"--epochs": options.epochs, "--image-size": options.image_size, "--seed": seed}
    return {**own, "--batch-size": BATCH_SIZE, "--lr": LR}


def output_of(command: list[str | Path], flags: dict[str, object], environment: dict[str, str]) -> str:
    """What the script prints; it must end well."""
    words = [*command, *(str(word) for flag in flags.items() for word in flag)]
    return subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
