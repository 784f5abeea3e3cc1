"""What a tuning job tunes: its training job definitions, and the training job that a definition makes.

A tuning job has one TrainingJobDefinition, whose objective and ranges stand in HyperParameterTuningJobConfig, or
several TrainingJobDefinitions, each with its own.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_sagemaker.engine.tuning.search_space import Ranges, combinations
from local_sagemaker.runtime.training.hyperparameters import TUNING_OBJECTIVE
from local_sagemaker.store.tuning_children import Objectives

MAX_JOBS = {"Bayesian": 750, "Hyperband": 750, "Random": 10_000, "Grid": 10_000}


@dataclass(frozen=True)
class Definition:
    """One training job definition. `members` is HyperParameterTrainingJobDefinition as it was asked for."""

    name: str | None
    metric: str
    maximize: bool
    ranges: Ranges
    members: Mapping[str, Any]

    @property
    def static(self) -> dict[str, str]:
        """StaticHyperParameters."""
        return self.members.get("StaticHyperParameters") or {}


@dataclass(frozen=True)
class Place:
    """Where a training job stands: its definition, and its index (from 0) among that definition's training jobs."""

    definition: Definition
    index: int


def definitions(request: Mapping[str, Any]) -> list[Definition]:
    """The definitions of CreateHyperParameterTuningJob's members, once they were checked."""
    config = request["HyperParameterTuningJobConfig"]
    several = request.get("TrainingJobDefinitions")
    if not several:
        several = [
            {
                "TuningObjective": config["HyperParameterTuningJobObjective"],
                "HyperParameterRanges": config.get("ParameterRanges") or {},
                **request["TrainingJobDefinition"],
            }
        ]
    return [
        Definition(
            members.get("DefinitionName"),
            members["TuningObjective"]["MetricName"],
            members["TuningObjective"]["Type"] == "Maximize",
            members["HyperParameterRanges"],
            members,
        )
        for members in several
    ]


def place_of(number: int, among: Sequence[Definition], strategy: str) -> Place:
    """The definitions take turns; a grid goes through one after the other, since their sizes differ."""
    if strategy != "Grid":
        return Place(among[(number - 1) % len(among)], (number - 1) // len(among))
    index = number - 1
    for definition in among[:-1]:
        size = combinations(definition.ranges) or 0
        if index < size:
            return Place(definition, index)
        index -= size
    return Place(among[-1], index)


def objectives(request: Mapping[str, Any]) -> Objectives:
    """The objective metrics of the tuning job's training jobs."""
    among, strategy = definitions(request), request["HyperParameterTuningJobConfig"]["Strategy"]
    if len(among) == 1:
        metric = among[0].metric
        return Objectives([metric], lambda _: metric)
    names = sorted({definition.metric for definition in among})
    return Objectives(names, lambda number: place_of(number, among, strategy).definition.metric)


def total_combinations(among: Sequence[Definition]) -> float:
    """How many training jobs differ from each other; infinite with a continuous range."""
    return sum(combinations(definition.ranges) or math.inf for definition in among)


def child_name(tuning_job_name: str, number: int, created_at: float) -> str:
    """`<tuning>-001-<8 hex>`; the same each time it is asked."""
    digest = hashlib.sha256(f"{tuning_job_name}\n{created_at!r}\n{number}".encode()).hexdigest()
    return f"{tuning_job_name}-{number:03d}-{digest[:8]}"


def child_request(definition: Definition, name: str, tuned: Mapping[str, str]) -> dict[str, Any]:
    """CreateTrainingJob's members of a child. Checkpoints of one trial must not become those of the next."""
    members = dict(definition.members)
    resources = members.pop("HyperParameterTuningResourceConfig", None) or members.pop("ResourceConfig")
    for handled in ("DefinitionName", "TuningObjective", "HyperParameterRanges", "StaticHyperParameters"):
        members.pop(handled, None)
    if checkpoint := members.get("CheckpointConfig"):
        members["CheckpointConfig"] = {**checkpoint, "S3Uri": f"{checkpoint['S3Uri'].rstrip('/')}/{name}"}
    return {
        **members,
        "TrainingJobName": name,
        "ResourceConfig": resources,
        "HyperParameters": {TUNING_OBJECTIVE: definition.metric, **definition.static, **tuned},
    }
