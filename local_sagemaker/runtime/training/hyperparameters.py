"""Hyperparameters as SageMaker's training toolkit reads them: strings on the wire, JSON where they parse as such."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

TUNING_OBJECTIVE = "_tuning_objective_metric"
PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
LOG_LEVEL = "sagemaker_container_log_level"
REGION = "sagemaker_region"
JOB_NAME = "sagemaker_job_name"

# The toolkit's own; other sagemaker_ ones are the framework's parameters.
TOOLKIT = (PROGRAM, SUBMIT_DIRECTORY, LOG_LEVEL, REGION, JOB_NAME, TUNING_OBJECTIVE)


def decode(raw: Mapping[str, str]) -> dict[str, Any]:
    """Each value as JSON when it is JSON, else as it is: the SDK's version 2 encodes strings, version 3 does not."""
    return {name: _decode(value) for name, value in raw.items()}


def user_hyperparameters(decoded: Mapping[str, Any]) -> dict[str, Any]:
    """Those that reach the script as flags."""
    return {name: value for name, value in decoded.items() if not _is_sagemakers(name)}


def framework_parameters(decoded: Mapping[str, Any]) -> dict[str, Any]:
    """SM_FRAMEWORK_PARAMS."""
    return {name: value for name, value in decoded.items() if _is_sagemakers(name) and name not in TOOLKIT}


def command_line(user: Mapping[str, Any]) -> list[str]:
    """Flags in the order of their names: `--batch-size 32`, one letter `-b 32`.

    Values by str(), but for None, which is empty, and objects: `a=1,b=2` in the order of their keys.
    """
    arguments: list[str] = []
    for name in sorted(user):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(user[name])]
    return arguments


def as_environment(values: Mapping[str, Any], prefix: str = "SM_") -> dict[str, str]:
    """Environment variables: names in capitals, strings as they are, None empty, anything else as JSON."""
    return {prefix + name.upper(): _encode(value) for name, value in values.items()}


def missing(raw: Mapping[str, str]) -> Sequence[str]:
    """The names without which no script can be run."""
    return [name for name in (PROGRAM, SUBMIT_DIRECTORY) if not raw.get(name)]


def _is_sagemakers(name: str) -> bool:
    return name.startswith("sagemaker_") or name == TUNING_OBJECTIVE


def _decode(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # the second: JSON, but nested without end
        return value


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)


def _encode(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
