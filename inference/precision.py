"""Which numbers the network computes with on a CPU, and which of the artifact's graphs that is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from artifact import Description
from errors import CannotServe

VARIABLE = "MODEL_PRECISION"
HINTS = {"fp32": "f32", "int8": "f32", "bf16": "bf16"}  # an int8 graph says itself what is int8


@dataclass(frozen=True)
class Choice:
    """The graph's file, OpenVINO's INFERENCE_PRECISION_HINT for it, and what people should know about it."""

    precision: str
    graph: str
    hint: str
    note: str = ""


def choose(description: Description, environment: Mapping[str, str], capabilities: Collection[str]) -> Choice:
    """MODEL_PRECISION, else what model.json names. `capabilities` are OpenVINO's words for what the CPU can.

    bf16 becomes fp32 on a CPU that has no instructions for it: the same graph and weights. Raises CannotServe for a
    precision that the artifact has not.
    """
    precision = environment.get(VARIABLE, "").strip().lower() or description.precision
    graph = description.graphs.get(precision)
    if graph is None:
        raise CannotServe(
            f"{VARIABLE} is {precision[:40]!r}, and the artifact has {', '.join(description.graphs)}: choose one of"
            f" these, or none for {description.precision}."
        )
    if precision == "bf16" and "BF16" not in capabilities:
        note = "This CPU has no bfloat16 instructions: the model is served in fp32 instead of bf16."
        return Choice("fp32", graph, HINTS["fp32"], note)
    return Choice(precision, graph, HINTS[precision])


def check_gpu(environment: Mapping[str, str]) -> None:
    """Raises CannotServe where MODEL_PRECISION asks a GPU for another precision than its graph's."""
    precision = environment.get(VARIABLE, "").strip().lower() or "fp32"
    if precision != "fp32":
        raise CannotServe(
            f"{VARIABLE} is {precision[:40]!r}, which is for CPUs; a GPU serves fp32: leave it out, or set"
            " MODEL_DEVICE=cpu."
        )
