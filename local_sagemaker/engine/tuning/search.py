"""The search of a tuning job: which hyperparameters to try next.

`suggest` is a pure function: the study is rebuilt from the training jobs there are, so nothing but their rows has to
survive a crash. Optuna is imported at first use: it costs half a second.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_sagemaker.engine.tuning import search_space
from local_sagemaker.engine.tuning.search_space import Ranges, Values

STARTUP_TRIALS = 5  # random ones, before the model of the search means anything
CANDIDATES = 64  # of which the most promising is taken
FEW = 100_000  # combinations that can be listed to find one that was not tried


@dataclass(frozen=True)
class Trial:
    """A training job of the search. `objective` None: it has not ended, or has ended without a usable value.

    `own` is False for one of a warm start's parents: it is learned from, and its values may be tried again.
    """

    values: Mapping[str, str]
    objective: float | None
    ended: bool
    own: bool = True


def suggest(ranges: Ranges, trials: Sequence[Trial], *, strategy: str, maximize: bool, seed: int, index: int) -> Values:
    """Values for the training job `index` (from 0), as AWS writes them.

    The same arguments give the same answer. Random and Hyperband draw at random, whatever the results; Grid goes
    through all combinations; Bayesian (TPE) learns from results, and counts jobs that are still running as bad ones
    near by (constant liar), so that parallel jobs spread out. No combination is tried twice while there are others.
    """
    if strategy == "Grid":
        return search_space.nth_values(ranges, index)
    tried = {tuple(sorted(trial.values.items())) for trial in trials if trial.own}
    if strategy == "Bayesian":
        values = _learned(ranges, trials, maximize=maximize, seed=_seed(seed, index))
    else:
        values = _drawn(ranges, _seed(seed, index))
    count = search_space.combinations(ranges)
    if count is None or tuple(sorted(values.items())) not in tried or len(tried) >= count:
        return values
    return _untried(ranges, tried, count, lambda attempt: _seed(seed, index, attempt))


def _learned(ranges: Ranges, trials: Sequence[Trial], *, maximize: bool, seed: int) -> Values:
    optuna = _optuna()
    sampler = optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=STARTUP_TRIALS,
        n_ei_candidates=CANDIDATES,
        gamma=_good_ones,
        multivariate=True,
        constant_liar=True,
    )
    distributions = search_space.distributions(ranges)
    study = optuna.create_study(sampler=sampler, direction="maximize" if maximize else "minimize")
    for trial in trials:
        state = optuna.trial.TrialState.FAIL if trial.ended else optuna.trial.TrialState.RUNNING
        study.add_trial(
            optuna.trial.create_trial(
                params=search_space.read(trial.values, ranges),
                distributions=distributions,
                value=trial.objective,
                state=state if trial.objective is None else optuna.trial.TrialState.COMPLETE,
            )
        )
    return search_space.written(study.ask(distributions).params, ranges)


def _good_ones(trials: int) -> int:
    """How many count as good. Optuna's own tenth is one or two among the few dozens that people tune with."""
    return min(25, max(2, math.ceil(0.2 * trials)))


def _drawn(ranges: Ranges, seed: int) -> Values:
    optuna = _optuna()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return search_space.written(study.ask(search_space.distributions(ranges)).params, ranges)


def _untried(ranges: Ranges, tried: set[tuple[tuple[str, str], ...]], count: int, seed: Callable[[int], int]) -> Values:
    if count <= FEW:
        left = [values for values in search_space.all_values(ranges) if tuple(sorted(values.items())) not in tried]
        return left[seed(1) % len(left)]
    attempt = 1
    while tuple(sorted((values := _drawn(ranges, seed(attempt))).items())) in tried:
        attempt += 1
    return values


def _seed(*parts: int) -> int:
    """A seed of its own for each training job; seeds of neighbouring tuning jobs share none."""
    import numpy as np  # noqa: PLC0415

    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _optuna() -> Any:
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # It goes with Optuna 6, which pyproject.toml leaves out.
    warnings.filterwarnings("ignore", "`gamma` has been deprecated", FutureWarning)
    return optuna
