"""The search of a tuning job: which hyperparameters to try next.

`suggest` is a pure function: the study is rebuilt from the training jobs there are, so nothing but their rows has to
survive a crash. Optuna is imported at first use: it costs half a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna

STARTUP_TRIALS = 5  # random ones, before the model of the search means anything


@dataclass(frozen=True)
class Trial:
    """A training job of the search. `objective` None: it has not ended, or has ended without a usable value."""

    values: Mapping[str, str]
    objective: float | None
    ended: bool


def suggest(
    ranges: Mapping[str, Sequence[Mapping[str, Any]]],
    history: Sequence[Trial],
    *,
    strategy: str,
    maximize: bool,
    seed: int,
) -> dict[str, str]:
    """Values for the next training job, as AWS writes them.

    `ranges` is ParameterRanges, `strategy` Bayesian or Random. The same arguments give the same answer. Jobs that are
    still running count as bad ones near by (constant liar), so that parallel jobs spread out.
    """
    import optuna  # noqa: PLC0415 - half a second, and only tuning needs it

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {**_numeric(ranges), **_categorical(ranges)}
    sampler = _sampler(strategy, seed + len(history))
    study = optuna.create_study(sampler=sampler, direction="maximize" if maximize else "minimize")
    for trial in history:
        study.add_trial(_frozen(trial, ranges, distributions))
    asked = study.ask(distributions)
    return _written(asked.params, ranges)


def _sampler(strategy: str, seed: int) -> "optuna.samplers.BaseSampler":
    import optuna  # noqa: PLC0415

    if strategy == "Random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True)


def _frozen(
    trial: Trial, ranges: Mapping[str, Sequence[Mapping[str, Any]]], distributions: Mapping[str, Any]
) -> "optuna.trial.FrozenTrial":
    import optuna  # noqa: PLC0415

    if trial.objective is not None:
        state = optuna.trial.TrialState.COMPLETE
    else:
        state = optuna.trial.TrialState.FAIL if trial.ended else optuna.trial.TrialState.RUNNING
    return optuna.trial.create_trial(
        params=_read(trial.values, ranges), distributions=dict(distributions), value=trial.objective, state=state
    )


def _numeric(ranges: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    import optuna  # noqa: PLC0415

    found: dict[str, Any] = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        found[entry["Name"]] = optuna.distributions.IntDistribution(
            int(entry["MinValue"]), int(entry["MaxValue"]), log=_is_log(entry)
        )
    for entry in ranges.get("ContinuousParameterRanges") or ():
        low, high = _searched(entry, float(entry["MinValue"])), _searched(entry, float(entry["MaxValue"]))
        found[entry["Name"]] = optuna.distributions.FloatDistribution(
            min(low, high), max(low, high), log=_is_log(entry)
        )
    return found


def _categorical(ranges: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    import optuna  # noqa: PLC0415

    return {
        entry["Name"]: optuna.distributions.CategoricalDistribution(tuple(entry["Values"]))
        for entry in ranges.get("CategoricalParameterRanges") or ()
    }


def _is_log(entry: Mapping[str, Any]) -> bool:
    """Logarithmic when asked for; Auto chooses it for a range over two orders of magnitude or more."""
    scaling = entry.get("ScalingType") or "Auto"
    low, high = float(entry["MinValue"]), float(entry["MaxValue"])
    if scaling == "Auto":
        return low > 0 and high / low >= 100
    return scaling in {"Logarithmic", "ReverseLogarithmic"}


def _searched(entry: Mapping[str, Any], value: float) -> float:
    """The value as it is searched: ReverseLogarithmic is logarithmic in the distance from 1."""
    return 1.0 - value if entry.get("ScalingType") == "ReverseLogarithmic" else value


def _read(values: Mapping[str, str], ranges: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        found[entry["Name"]] = int(values[entry["Name"]])
    for entry in ranges.get("ContinuousParameterRanges") or ():
        found[entry["Name"]] = _searched(entry, float(values[entry["Name"]]))
    for entry in ranges.get("CategoricalParameterRanges") or ():
        found[entry["Name"]] = values[entry["Name"]]
    return found


def _written(params: Mapping[str, Any], ranges: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    written: dict[str, str] = {}
    for entry in ranges.get("IntegerParameterRanges") or ():
        written[entry["Name"]] = str(params[entry["Name"]])
    for entry in ranges.get("ContinuousParameterRanges") or ():
        low, high = float(entry["MinValue"]), float(entry["MaxValue"])
        value = min(max(_searched(entry, params[entry["Name"]]), low), high)
        written[entry["Name"]] = format(Decimal(repr(value)), "f")
    for entry in ranges.get("CategoricalParameterRanges") or ():
        written[entry["Name"]] = params[entry["Name"]]
    return written
