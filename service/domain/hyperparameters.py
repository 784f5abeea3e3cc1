"""Hyperparameters on the wire: SageMaker takes strings only, so values travel as JSON, as the Python SDK sends them."""

import json
import math
from collections.abc import Mapping

from service.schemas.job import HyperparameterValue

CONTAINER_LOG_LEVEL = 20  # logging.INFO
_OWN_PREFIXES = ("sagemaker_", "_tuning_")


def encode_value(value: HyperparameterValue) -> str:
    """`0.1` -> `0.1`, `"adam"` -> `"adam"` with its quotes, `True` -> `true`, `[1, 2]` -> `[1, 2]`."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def encode(values: Mapping[str, HyperparameterValue]) -> dict[str, str]:
    """Every value as JSON."""
    return {name: encode_value(value) for name, value in values.items()}


def decode_value(text: str) -> HyperparameterValue:
    """The value of a JSON text; a text that is no scalar or list of scalars in JSON is itself the value.

    SDK v3, and AWS for `_tuning_objective_metric`, send strings without quotes.
    """
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except ValueError:
        return text
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(isinstance(item, bool | int | float | str) for item in value):
        return value
    return text


def decode(texts: Mapping[str, str]) -> dict[str, HyperparameterValue]:
    """The hyperparameters that are the script's: without SageMaker's own, in the order of their names."""
    return {name: decode_value(texts[name]) for name in sorted(texts) if not name.startswith(_OWN_PREFIXES)}


def of_script(program: str, source_s3_uri: str, job_name: str, region: str) -> dict[str, str]:
    """What tells the training toolkit which script of which source to run."""
    return encode(
        {
            "sagemaker_submit_directory": source_s3_uri,
            "sagemaker_program": program,
            "sagemaker_container_log_level": CONTAINER_LOG_LEVEL,
            "sagemaker_job_name": job_name,
            "sagemaker_region": region,
        }
    )


def text_of(texts: Mapping[str, str], name: str) -> str | None:
    """One hyperparameter as text, e.g. `sagemaker_program`; None when it is not there."""
    return str(decode_value(texts[name])) if name in texts else None


def _finite(text: str) -> float:
    """A number of JSON: what Python writes as NaN or Infinity, or reads as one, is none."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
