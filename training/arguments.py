"""The hyperparameters: one flag each, as SageMaker passes them."""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from networks import ARCHITECTURES


@dataclass(frozen=True)
class Arguments:
    """Hyperparameters of one job, checked. Units are in each flag's help."""

    epochs: int
    batch_size: int
    lr: float
    optimizer: str
    momentum: float
    weight_decay: float
    label_smoothing: float
    dropout: float
    scheduler: str
    step_size: int
    gamma: float
    patience: int
    freeze_backbone: bool
    arch: str
    weights: str
    image_size: int
    augment: bool
    seed: int
    num_workers: int
    cache_megabytes: int
    quantize: str
    quantize_tolerance: float
    gpu_graph: bool

    def identity(self) -> dict[str, str | int | float | bool]:
        """What a checkpoint depends on: not how long and with how many hands the job works, nor what is exported."""
        free = {"epochs", "patience", "num_workers", "cache_megabytes", "quantize", "quantize_tolerance", "gpu_graph"}
        return {name: value for name, value in asdict(self).items() if name not in free}


def parse_arguments(argv: Sequence[str], *, cpus: int, description: str) -> Arguments:
    """Arguments of `argv`. An unknown flag or a value out of range ends the process with status 2 and its name."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--epochs", type=integer(1), default=10, help="passes over the train channel")
    add("--batch-size", type=integer(1), default=64, help="images a step")
    add("--lr", type=number(0, above=True), default=0.001, help="learning rate of the first epoch")
    add("--optimizer", choices=["adamw", "sgd"], default="adamw", help="what takes the steps")
    add("--momentum", type=number(0, below=1), default=0.9, help="momentum of sgd; beta1 of adamw")
    add("--weight-decay", type=number(0), default=0.01, help="decay of weights a step, times the learning rate")
    add("--label-smoothing", type=number(0, below=1), default=0.0, help="share of a label spread over all classes")
    add("--dropout", type=number(0, below=1), default=0.2, help="share of features dropped before the head")
    add("--scheduler", choices=["none", "cosine", "step"], default="none", help="how the learning rate falls")
    add("--step-size", type=integer(1), default=5, help="epochs between two falls of scheduler step")
    add("--gamma", type=number(0, above=True), default=0.5, help="factor of a fall of scheduler step")
    add("--patience", type=integer(0), default=0, help="epochs without a lower validation loss before it stops; 0: off")
    add("--freeze-backbone", type=boolean, default=True, help="train the head only")
    add("--arch", choices=sorted(ARCHITECTURES), default="resnet18", help="architecture")
    add("--weights", choices=["imagenet", "none"], default="imagenet", help="where the backbone starts from")
    add("--image-size", type=integer(32), default=224, help="pixels of the square that the network sees")
    add("--augment", type=boolean, default=True, help="crop and mirror training images at random")
    add("--seed", type=integer(0), default=0, help="of everything random")
    add(
        "--num-workers",
        type=integer(0),
        default=0 if cpus <= 2 else min(cpus, 8),
        help="threads that read images ahead",
    )
    add("--cache-megabytes", type=integer(0), default=1024, help="memory (10^6 bytes) for decoded images; 0: none")
    add("--quantize", choices=["none", "bf16", "int8"], default="none", help="precision to serve, where it is good")
    add(
        "--quantize-tolerance",
        type=number(0),
        default=0.1,
        help="percentage points of accuracy on the validation channel that a faster precision may cost",
    )
    add("--gpu-graph", type=boolean, default=False, help="also write model.pt, the graph that GPU instances serve")
    # SageMaker's tuner adds this to every training job it starts; it is a note to the platform.
    add("--_tuning_objective_metric", help=argparse.SUPPRESS)
    values = vars(parser.parse_args(argv))
    del values["_tuning_objective_metric"]
    return Arguments(**values)


def boolean(text: str) -> bool:
    """A boolean as SageMaker's clients write one: true, True, 1, false, False, 0."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return known[text.lower()]


def integer(least: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` on; the tuner may write 32 as 32.0."""

    def parse(text: str) -> int:
        value = number(least)(text)
        if value != int(value):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
        return int(value)

    return parse


def number(least: float, *, above: bool = False, below: float = math.inf) -> Callable[[str], float]:
    """A parser of finite numbers from `least` (or above it) to less than `below`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not (least < value if above else least <= value) or not value < below:
            bounds = f"{'more than' if above else 'at least'} {least}" + (
                f", less than {below}" if below < math.inf else ""
            )
            raise argparse.ArgumentTypeError(f"{text} is out of range: {bounds}")
        return value

    return parse
