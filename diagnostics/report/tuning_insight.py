"""What the trials of a tuning job tell, in sentences that say on how little they rest."""

import math
from collections.abc import Sequence

import numpy as np

from diagnostics.profile.profile import Values
from diagnostics.report import words
from diagnostics.report.dimension import Dimension, dimensions, numeric
from diagnostics.report.tuning_report import Range, Trial, TuningReport

FEWEST = 5  # trials from which on a correlation is spoken of
EDGE = 0.05  # of the range's length on its axis
SURE = 1.96  # standard deviations: chance alone gets there in one of twenty cases
NOTABLE = 5  # trials in a category, per figure that is compared


def insights(report: TuningReport) -> Sequence[str]:
    """The gain over the first trial, what each hyperparameter has to do with the objective, and edges to widen."""
    judged = [trial for trial in report.judged if not trial.early_stopped]
    said = [*_gain(report, judged)]
    for dimension in dimensions(report):
        said += _relation(report, dimension, judged)
    for dimension in dimensions(report):
        said += _edge(report, dimension)
    said += _lost(report)
    if not judged:
        return [*said, "No trial has run to its end with an objective: there is nothing to compare yet."]
    if len(judged) < FEWEST:
        counted = words.several(len(judged), "complete trial")
        said.append(f"With {counted} nothing can be said about single hyperparameters; from {FEWEST} on it is.")
    return said


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's: of the ranks, equal values share theirs. None where one of the two does not vary."""
    ranks = [_ranks(values) - (len(values) + 1) / 2 for values in (first, second)]
    lengths = math.sqrt(float((ranks[0] ** 2).sum()) * float((ranks[1] ** 2).sum()))
    return None if lengths == 0 else float((ranks[0] * ranks[1]).sum()) / lengths


def _ranks(values: Sequence[float]) -> Values:
    given = np.asarray(values, dtype=float)
    below = (given[:, None] > given[None, :]).sum(axis=1)
    equal = (given[:, None] == given[None, :]).sum(axis=1)
    return np.asarray(below + (equal + 1) / 2, dtype=np.float64)


def _gain(report: TuningReport, judged: Sequence[Trial]) -> Sequence[str]:
    best = report.best
    if best is None or best.objective is None or len(judged) < 2 or best.early_stopped:
        return ()
    middle = float(np.median([trial.objective or 0.0 for trial in judged]))
    return (
        f"The best {words.clean(report.objective_name)}, {words.number(best.objective)}, came with trial {best.number}"
        f" of {len(report.trials)}; the median of {words.several(len(judged), 'complete trial')} is"
        f" {words.number(middle)}.",
    )


def _relation(report: TuningReport, dimension: Dimension, judged: Sequence[Trial]) -> Sequence[str]:
    name = words.clean(dimension.name)
    usable = [trial for trial in judged if dimension.name in trial.hyperparameters]
    if len(usable) < FEWEST:
        return ()
    objectives = [trial.objective or 0.0 for trial in usable]
    if dimension.scale == "categories":
        return _categories(report, dimension, usable)
    values = [numeric(trial.hyperparameters[dimension.name]) or 0.0 for trial in usable]
    found = rank_correlation(values, objectives)
    if found is None:
        return ()
    if abs(found) * math.sqrt(len(usable) - 1) < SURE:
        return (f"{name}: no clear relation to the objective (rank correlation {found:+.2f}, n = {len(usable)}).",)
    better = "smaller" if (found > 0) == (report.objective_type == "Minimize") else "larger"
    return (
        f"{name}: {better} values did better (rank correlation {found:+.2f} with the"
        f" objective, n = {len(usable)}). The strategy chose the values, so this is a hint, no proof.",
    )


def _categories(report: TuningReport, dimension: Dimension, usable: Sequence[Trial]) -> Sequence[str]:
    """Medians by category, the best first."""
    groups: dict[str, list[float]] = {}
    for trial in usable:
        groups.setdefault(trial.hyperparameters[dimension.name], []).append(trial.objective or 0.0)
    if len(groups) < 2:
        return ()
    sign = 1 if report.objective_type == "Minimize" else -1
    ordered = sorted(groups.items(), key=lambda group: sign * float(np.median(group[1])))
    figures = [
        f"{words.number(float(np.median(values)))} with {words.shortened(category, 24)} (n = {len(values)})"
        for category, values in ordered
    ]
    few = min(len(values) for values in groups.values()) < NOTABLE
    remark = " Too few of each to choose by." if few else ""
    return (f"{words.clean(dimension.name)}: median objective {words.listed(figures, 6)}.{remark}",)


def _edge(report: TuningReport, dimension: Dimension) -> Sequence[str]:
    """Where the best value lies so near a bound of its range that there may be better ones beyond."""
    best, given = report.best, report.ranges.get(dimension.name, Range("Auto"))
    if best is None or given.minimum is None or given.maximum is None or dimension.scale == "categories":
        return ()
    if given.minimum >= given.maximum or len(report.judged) < 3:
        return ()
    at = dimension.place(best.hyperparameters.get(dimension.name))
    if at is None or EDGE < at < 1 - EDGE:
        return ()
    end, bound = ("lower", given.minimum) if at <= EDGE else ("upper", given.maximum)
    value = words.shortened(best.hyperparameters[dimension.name], 24)
    return (
        f"The best value of {words.clean(dimension.name)}, {value}, lies at the {end} edge of its range"
        f" ({words.number(bound)}): widen the range there.",
    )


def _lost(report: TuningReport) -> Sequence[str]:
    failed = [str(trial.number) for trial in report.trials if trial.status == "Failed"]
    early = sum(trial.early_stopped for trial in report.trials)
    said = []
    if early:
        said.append(f"{words.several(early, 'trial')} stopped early, while others did better at that point.")
    if failed:
        noun = "Trial" if len(failed) == 1 else "Trials"
        said.append(f"{noun} {words.listed(failed, 8)} failed: the training job's FailureReason and log say why.")
    return said
