"""The hyperparameters: one flag each, as SageMaker passes them."""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from contradictions import settled
from networks import ARCHITECTURES
from presets import RECIPES


@dataclass(frozen=True)
class Arguments:
    """Hyperparameters of one job, checked. Units are in each flag's help."""

    recipe: str
    epochs: int
    batch_size: int
    lr: float
    optimizer: str
    momentum: float
    nesterov: bool
    weight_decay: float
    layer_decay: float
    clip_grad_norm: float
    scheduler: str
    step_size: int
    gamma: float
    warmup_epochs: float
    label_smoothing: float
    class_weights: str
    mixup: float
    dropout: float
    ema_decay: float
    patience: int
    freeze_backbone: bool
    unfreeze_epochs: float
    arch: str
    weights: str
    image_size: int
    augment: str
    crop_scale: float
    color_jitter: float
    rotation: float
    augmented_views: int
    seed: int
    amp: str
    winograd: bool
    compile: bool
    checkpoint_seconds: float
    num_workers: int
    cache_megabytes: int
    cache_folder: str
    disk_cache_megabytes: int
    quantize: str
    quantize_tolerance: float
    gpu_graph: bool

    def identity(self) -> dict[str, str | int | float | bool]:
        """What a checkpoint depends on: not how long and with how many hands the job works, nor what is exported."""
        return {name: value for name, value in asdict(self).items() if name not in FREE}


# A job may go on from its checkpoint with other values of these; a recipe is in what it brought.
FREE = frozenset(
    {
        "recipe",
        "epochs",
        "patience",
        "compile",
        "checkpoint_seconds",
        "num_workers",
        "cache_megabytes",
        "cache_folder",
        "disk_cache_megabytes",
        "quantize",
        "quantize_tolerance",
        "gpu_graph",
    }
)


def parse_arguments(argv: Sequence[str], *, cpus: int, description: str) -> Arguments:
    """Arguments of `argv`: what is not given is the recipe's, else the default.

    An unknown flag, a value out of range or flags that contradict each other end the process with status 2 and the
    flag's name.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_recipe(first)
    recipe = first.parse_known_args(argv)[0].recipe
    parser = build_parser(cpus, description)
    parser.set_defaults(**RECIPES[recipe])
    values = vars(parser.parse_args(argv))
    parser.set_defaults(**dict.fromkeys(values))
    given = frozenset(name for name, value in vars(parser.parse_args(argv)).items() if value is not None)
    del values["_tuning_objective_metric"]
    try:
        return Arguments(**settled(values, given))
    except ValueError as error:
        parser.error(str(error))


def build_parser(cpus: int, description: str) -> argparse.ArgumentParser:
    """Every flag with its default and, in its help, its unit; docs/training.md is written from it."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add_recipe(parser)
    add("--epochs", type=integer(1), default=10, help="passes over the train channel")
    add("--batch-size", type=integer(1), default=64, help="images a step, by all processes together")
    add("--lr", type=number(0, above=True), default=0.001, help="learning rate of the head, at its highest")
    add("--optimizer", choices=["adamw", "sgd"], default="adamw", help="what takes the steps")
    add("--momentum", type=number(0, below=1), default=0.9, help="momentum of sgd; beta1 of adamw")
    add("--nesterov", type=boolean, default=False, help="Nesterov's momentum, of sgd")
    add("--weight-decay", type=number(0), default=0.01, help="decay of weights a step, times the learning rate")
    add(
        "--layer-decay",
        type=number(0, above=True, most=1),
        default=1.0,
        help="factor of the learning rate from one group of layers to the next one nearer to the image; 1: one rate",
    )
    add("--clip-grad-norm", type=number(0), default=0.0, help="longest gradient, its L2 norm over all weights; 0: off")
    add(
        "--scheduler",
        choices=["none", "cosine", "step"],
        default="none",
        help="how the learning rate falls: not, step by step to 0 at the last epoch's end, or by --gamma",
    )
    add("--step-size", type=integer(1), default=5, help="epochs between two falls of scheduler step")
    add("--gamma", type=number(0, above=True), default=0.5, help="factor of a fall of scheduler step")
    add(
        "--warmup-epochs",
        type=number(0),
        default=0.0,
        help="epochs, also parts of one, in which the learning rate rises step by step from 0 to --lr",
    )
    add("--label-smoothing", type=number(0, below=1), default=0.0, help="share of a label spread over all classes")
    add(
        "--class-weights",
        choices=["none", "balanced"],
        default="none",
        help="weight of an image in the training loss: 1, or so that all classes of the train channel weigh the same",
    )
    add(
        "--mixup",
        type=number(0),
        default=0.0,
        help="alpha of the Beta distribution by which two images and their labels are mixed; 0: off",
    )
    add("--dropout", type=number(0, below=1), default=0.2, help="share of features dropped before the head")
    add(
        "--ema-decay",
        type=number(0, below=1),
        default=0.0,
        help="share that a step leaves of the moving average of the weights (less in the first steps); the averaged "
        "weights are then what is judged and saved; 0: off",
    )
    add("--patience", type=integer(0), default=0, help="epochs without a lower validation loss before it stops; 0: off")
    add("--freeze-backbone", type=boolean, default=True, help="train the head only")
    add(
        "--unfreeze-epochs",
        type=number(0),
        default=0.0,
        help="epochs until all layers learn: the head does from the first one, the others follow group by group, those "
        "next to the image last; 0: all from the first one",
    )
    add("--arch", choices=sorted(ARCHITECTURES), default="resnet18", help="architecture")
    add("--weights", choices=["imagenet", "none"], default="imagenet", help="where the backbone starts from")
    add("--image-size", type=integer(32), default=224, help="pixels of the square that the network sees")
    add(
        "--augment",
        type=augmentation,
        choices=["none", "crop", "trivial"],
        default="crop",
        help="how training images vary: not, cropped and mirrored at random, or that and one operation of "
        "TrivialAugment; true is crop, false none",
    )
    add(
        "--crop-scale",
        type=number(0, above=True, most=1),
        default=0.5,
        help="least share of the image's area that a random crop keeps",
    )
    add(
        "--color-jitter",
        type=number(0, most=1),
        default=0.0,
        help="how far brightness, contrast and saturation vary, each by a factor of 1 less to 1 plus this",
    )
    add("--rotation", type=number(0, most=180), default=0.0, help="degrees by which images are turned at most")
    add(
        "--augmented-views",
        type=integer(0),
        default=4,
        help="random views of each training image whose features a frozen backbone computes, once for all jobs that "
        "share a cache; the epochs take one after the other; 0: only the image as it is",
    )
    add("--seed", type=integer(0), default=0, help="of everything random")
    add(
        "--amp",
        choices=["auto", "none", "bf16", "fp16"],
        default="auto",
        help="precision of a learning backbone's arithmetic; auto: bf16 where CPU or GPU has instructions for it, fp16 "
        "on older GPUs with tensor cores, else float32",
    )
    add(
        "--winograd",
        type=boolean,
        default=True,
        help="compute the 3x3 convolutions of a ResNet that learns in float32 on CPUs by Winograd's F(4x4, 3x3), where "
        "that is faster: the same as otherwise, to 1e-5 of the largest value",
    )
    add(
        "--compile",
        type=boolean,
        default=False,
        help="compile the backbone with torch.compile: the first step takes minutes on a few CPUs, the others less",
    )
    add(
        "--checkpoint-seconds",
        type=number(0),
        default=60.0,
        help="seconds between two checkpoints within an epoch; 0: only when an epoch ends",
    )
    add(
        "--num-workers",
        type=integer(0),
        default=0 if cpus <= 2 else min(cpus, 8),
        help="threads that read images ahead",
    )
    add(
        "--cache-megabytes",
        type=integer(0),
        default=1024,
        help="memory (10^6 bytes) for decoded images where no folder keeps them; 0: none",
    )
    add(
        "--cache-folder",
        default="",
        help="folder in which jobs share decoded images and features, such as /opt/ml/checkpoints/cache; default: the "
        "one that local_sagemaker gives its jobs, none on AWS",
    )
    add(
        "--disk-cache-megabytes",
        type=integer(0),
        default=20_000,
        help="size (10^6 bytes) of that folder, in which what was not used longest makes room; 0: use none",
    )
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
    return parser


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The flag that other flags' defaults depend on."""
    parser.add_argument(
        "--recipe",
        choices=list(RECIPES),
        default="none",
        help="set of defaults, see training/presets.py: fast trains the head, best all layers; given flags win",
    )


def augmentation(text: str) -> str:
    """none, crop or trivial; a boolean means crop or none."""
    try:
        return "crop" if boolean(text) else "none"
    except argparse.ArgumentTypeError:
        return text


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


def number(
    least: float, *, above: bool = False, below: float = math.inf, most: float = math.inf
) -> Callable[[str], float]:
    """A parser of finite numbers from `least` (or above it) to less than `below` and at most `most`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not (least < value if above else least <= value) or not (value < below and value <= most):
            bounds = [f"{'more than' if above else 'at least'} {least}"]
            bounds += [f"less than {below}"] if below < math.inf else []
            bounds += [f"at most {most}"] if most < math.inf else []
            raise argparse.ArgumentTypeError(f"{text} is out of range: {', '.join(bounds)}")
        return value

    return parse
