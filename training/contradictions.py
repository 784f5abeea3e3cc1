"""Flags that cannot go together: one of the two would have no effect, or none of its sense.

Where a recipe brought the one that has to yield, it yields; where somebody gave it, that is an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class Contradiction:
    """`field` has a value that makes no sense `when`; `neutral` does, and `reason` says what to do."""

    field: str
    neutral: object
    when: Callable[[Mapping[str, Any]], bool]
    reason: str


CONTRADICTIONS = (
    Contradiction(
        "layer_decay",
        1.0,
        lambda v: v["layer_decay"] < 1 and v["freeze_backbone"],
        "the backbone is frozen, so it has no learning rates: give --freeze-backbone false",
    ),
    Contradiction(
        "unfreeze_epochs",
        0.0,
        lambda v: v["unfreeze_epochs"] > 0 and v["freeze_backbone"],
        "the backbone stays frozen: give --freeze-backbone false",
    ),
    Contradiction(
        "unfreeze_epochs",
        0.0,
        lambda v: v["unfreeze_epochs"] >= v["epochs"],
        "the layers next to the image would never learn: give more --epochs",
    ),
    Contradiction(
        "warmup_epochs",
        0.0,
        lambda v: v["warmup_epochs"] >= v["epochs"],
        "the training would be over before --lr is reached: give more --epochs",
    ),
    Contradiction(
        "nesterov",
        False,
        lambda v: v["nesterov"] and (v["optimizer"] != "sgd" or v["momentum"] == 0),
        "it is a kind of momentum of sgd: give --optimizer sgd and a --momentum above 0",
    ),
    Contradiction(
        "mixup",
        0.0,
        lambda v: v["mixup"] > 0 and v["freeze_backbone"] and v["augment"] == "none",
        "the frozen backbone's features are computed once an image, and there are no pixels left to mix: "
        "give --augment crop or --freeze-backbone false",
    ),
    Contradiction(
        "color_jitter",
        0.0,
        lambda v: v["color_jitter"] > 0 and v["augment"] != "crop",
        "colours are varied with --augment crop only (trivial has its own way, none leaves images as they are)",
    ),
    Contradiction(
        "rotation",
        0.0,
        lambda v: v["rotation"] > 0 and v["augment"] != "crop",
        "images are turned with --augment crop only (trivial has its own way, none leaves images as they are)",
    ),
    Contradiction(
        "amp",
        "auto",
        lambda v: v["amp"] in {"bf16", "fp16"} and v["freeze_backbone"],
        "a frozen backbone's features are computed in float32, so that they can be kept: give --freeze-backbone false",
    ),
)


def settled(values: Values, given: frozenset[str]) -> Values:
    """`values` by field, where what no flag of `given` asked for has yielded. Raises ValueError, naming the flag."""
    for each in CONTRADICTIONS:
        if not each.when(values):
            continue
        if each.field in given:
            flag, value = f"--{each.field.replace('_', '-')}", values[each.field]
            raise ValueError(f"{flag} {str(value).lower() if isinstance(value, bool) else value}: {each.reason}")
        values = {**values, each.field: each.neutral}
    return values
