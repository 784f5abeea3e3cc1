"""Warm start: what the training jobs of a tuning job's parents tell its search. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean, pstdev
from typing import Any

from local_sagemaker.engine.tuning import search_space
from local_sagemaker.engine.tuning.results import usable_objective
from local_sagemaker.engine.tuning.search import Trial
from local_sagemaker.engine.tuning.search_space import Ranges
from local_sagemaker.store.tuning_children import Child


def parent_names(request: Mapping[str, Any]) -> list[str]:
    """The parents of CreateHyperParameterTuningJob's members."""
    parents = (request.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs") or []
    return [parent["HyperParameterTuningJobName"] for parent in parents]


def is_identical(request: Mapping[str, Any]) -> bool:
    """Whether parents and job solve the same problem (IdenticalDataAndAlgorithm), so that their values compare."""
    return (request.get("WarmStartConfig") or {}).get("WarmStartType") == "IdenticalDataAndAlgorithm"


def trials_of_parent(children: Sequence[Child], static: Mapping[str, str], ranges: Ranges) -> list[Trial]:
    """What one parent's training jobs say about the new ranges; those outside of them say nothing.

    `static` is the parent's StaticHyperParameters: what was static there may be tuned now.
    """
    trials: list[Trial] = []
    for child in children:
        objective = usable_objective(child)
        known = {**static, **child.values}
        values = {name: known[name] for name in search_space.names(ranges) if name in known}
        try:
            search_space.read(values, ranges)
        except (KeyError, ValueError):
            continue
        if objective is not None:
            trials.append(Trial(values, objective, ended=True, own=False))
    return trials


def standardized(trials: Sequence[Trial]) -> list[Trial]:
    """Objectives in standard deviations from their mean: TransferLearning compares what was not on one scale."""
    objectives = [trial.objective for trial in trials if trial.objective is not None]
    spread = pstdev(objectives) if objectives else 0.0
    middle = fmean(objectives) if objectives else 0.0
    return [
        trial
        if trial.objective is None
        else replace(trial, objective=(trial.objective - middle) / spread if spread else 0.0)
        for trial in trials
    ]
