"""Saved steps made in memory, and rules run over them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from diagnostics.rules.finding import Finding
from diagnostics.rules.rule import Rule
from diagnostics.tensors.collections import Collections, default_collections
from diagnostics.tensors.saved_step import Mode, SavedStep, Tensor, TensorMissing

LOSS = "CrossEntropyLoss_output_0"


def saved_step(
    step: int,
    tensors: Mapping[str, npt.ArrayLike],
    mode: Mode = Mode.TRAIN,
    *,
    mode_step: int | None = None,
    reductions: Mapping[str, Mapping[str, float]] | None = None,
    collections: Collections | None = None,
) -> SavedStep:
    """A step with `tensors` saved whole and of others the figures in `reductions`; `mode_step` None: as `step`."""
    reduced = reductions or {}
    values: dict[str, Tensor] = {name: np.asarray(value) for name, value in tensors.items()}
    for name, figures in reduced.items():
        for reduction, figure in figures.items():
            values[f"smdebug/reductions/{reduction}/{name}"] = np.asarray(figure)
    return SavedStep(
        step=step,
        mode=mode,
        mode_step=step if mode_step is None else mode_step,
        tensors=frozenset(tensors),
        reductions={name: frozenset(figures) for name, figures in reduced.items()},
        collections=collections or default_collections(),
        load=values.__getitem__,
    )


def epochs(*of: tuple[Sequence[float], Sequence[float]]) -> list[SavedStep]:
    """Each epoch: its TRAIN losses, then its EVAL losses; every step is saved."""
    steps: list[SavedStep] = []
    counts = {Mode.TRAIN: 0, Mode.EVAL: 0}
    for training, validation in of:
        for mode, losses in ((Mode.TRAIN, training), (Mode.EVAL, validation)):
            for loss in losses:
                steps.append(saved_step(len(steps), {LOSS: loss}, mode, mode_step=counts[mode]))
                counts[mode] += 1
    return steps


def near(value: float) -> Any:
    """Equal to a figure but for the last digits, also within a tuple."""
    return pytest.approx(value)


def run(rule: Rule, steps: Iterable[SavedStep]) -> Finding | None:
    """Feed the steps until the rule finds something, then end the stream."""
    for step in steps:
        found = rule.observe(step)
        if found is not None:
            return found
    return rule.ended()


def selected(rule: Rule, step: SavedStep) -> SavedStep:
    """The step as a reader sees it that reads only what the rule selects."""
    chosen: Callable[[str], bool] = rule.selects(step.collections)

    def load(name: str) -> Tensor:
        if not chosen(name.split("/", 3)[3] if name.startswith("smdebug/reductions/") else name):
            raise AssertionError(f"{name} is read and was not selected")
        return step.load(name)

    return replace(
        step,
        tensors=frozenset(filter(chosen, step.tensors)),
        reductions={name: figures for name, figures in step.reductions.items() if chosen(name)},
        load=load,
        _values={},
    )


def broken(step: SavedStep, names: Iterable[str]) -> SavedStep:
    """The step with the files of some tensors unreadable."""
    gone = frozenset(names)

    def load(name: str) -> Tensor:
        if name.removeprefix("smdebug/reductions/").split("/", 1)[-1] in gone or name in gone:
            raise TensorMissing(f"{name} of step {step.step} cannot be read")
        return step.load(name)

    return replace(step, load=load, _values={})
