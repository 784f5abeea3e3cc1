"""Diagnostics without SageMaker Debugger: the training script itself saves tensors and measures its instance.

For accounts to which AWS closed Debugger. What the script has to do travels as JSON in environment variables; what it
writes lies beside its checkpoints, which SageMaker uploads while the job runs; the service evaluates the rules.
"""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from service.domain import debugger
from service.errors import BadRequest
from service.schemas.training_job_request import TrainingJobRequest

VARIABLE = "SAGEHOUND_DIAGNOSTICS"
MAX_CHARACTERS = 512  # of the value of an environment variable, SageMaker's limit
MAX_VARIABLES = 100  # of a training job, SageMaker's limit


def environment(name: str, request: TrainingJobRequest) -> dict[str, str]:
    """The variables that tell the script what to save, measure and judge, the caller's own beside them.

    Raises BadRequest when they are more than SageMaker takes.
    """
    config: dict[str, Any] = {"folder": f"diagnostics/{name}"}
    if request.debugger is not None:
        config["hook"] = debugger.hook(request.debugger)
        config["rules"] = debugger.named_rules(request.debugger.rules, name)
    if request.profiler is not None:
        config["interval_ms"] = request.profiler.interval_ms
        config["profiler_rules"] = debugger.named_rules(request.profiler.rules, name)
    own = _in_parts(json.dumps(config, separators=(",", ":")))
    if len(own) + len(request.environment) > MAX_VARIABLES:
        raise BadRequest(
            f"The rules and collections take {len(own)} environment variables of {MAX_CHARACTERS} characters beside "
            f"the request's {len(request.environment)}; SageMaker takes {MAX_VARIABLES} in all.",
            "Ask for fewer rules, parameters and collections, or leave collected_by out.",
        )
    return {**request.environment, **own}


def read(environment: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What `environment` told the script; None for a job whose diagnostics SageMaker collects, or nobody."""
    if VARIABLE not in environment:
        return None
    parts = [environment[VARIABLE]]
    for number in count(2):
        if _part_name(number) not in environment:
            break
        parts.append(environment[_part_name(number)])
    try:
        config = json.loads("".join(parts))
    except ValueError:
        return None  # a variable of somebody else's job
    return config if isinstance(config, dict) else None


def without_own(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that the caller named."""
    return {name: value for name, value in environment.items() if not is_own(name)}


def is_own(name: str) -> bool:
    """Whether the variable is one of those above."""
    return name == VARIABLE or (name.startswith(f"{VARIABLE}_") and name.removeprefix(f"{VARIABLE}_").isdigit())


def _in_parts(text: str) -> dict[str, str]:
    parts = [text[start : start + MAX_CHARACTERS] for start in range(0, len(text), MAX_CHARACTERS)]
    return {_part_name(number): part for number, part in enumerate(parts, start=1)}


def _part_name(number: int) -> str:
    return VARIABLE if number == 1 else f"{VARIABLE}_{number}"
