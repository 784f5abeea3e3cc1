"""Image URIs from the tables of the sagemaker SDK, so that accounts and regions are AWS's own."""

import warnings
from functools import cache
from typing import Literal

from service.errors import BadRequest, Problem
from service.settings import Settings

Scope = Literal["training", "inference"]


def training_image(settings: Settings, instance_type: str) -> str:
    """The PyTorch training image for an instance type. Raises BadRequest when the SDK knows none."""
    return settings.training_image or _pytorch(settings, "training", instance_type)


def inference_image(settings: Settings, instance_type: str) -> str:
    """The PyTorch inference image for an instance type. Raises BadRequest when the SDK knows none."""
    return settings.inference_image or _pytorch(settings, "inference", instance_type)


def rule_evaluator_image(settings: Settings) -> str:
    """The image that evaluates Debugger and Profiler rules. Raises BadRequest for a region without one."""
    try:
        return _retrieve(settings.region, "debugger")
    except ValueError as error:
        raise _unknown(error, 'Send "debugger": null and "profiler": null, or use another region.') from error


def _pytorch(settings: Settings, scope: Scope, instance_type: str) -> str:
    version, python = settings.framework_version, settings.python_version
    try:
        return _retrieve(
            settings.region, "pytorch", version=version, python=python, instance_type=instance_type, scope=scope
        )
    except ValueError as error:
        action = (
            "Correct instance_type, or SAGEHOUND_FRAMEWORK_VERSION and SAGEHOUND_PYTHON_VERSION, "
            f"or name the image in SAGEHOUND_{scope.upper()}_IMAGE."
        )
        raise _unknown(error, action) from error


def _unknown(error: ValueError, action: str) -> Problem:
    return BadRequest(f"The sagemaker SDK has no such image: {error}", action)


@cache
def _retrieve(
    region: str,
    framework: str,
    *,
    version: str | None = None,
    python: str | None = None,
    instance_type: str | None = None,
    scope: str | None = None,
) -> str:
    # The import takes seconds, and compiling the SDK for the first time warns about its own escapes.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sagemaker.core import image_uris  # noqa: PLC0415 - see above

        return str(
            image_uris.retrieve(
                framework, region, version=version, py_version=python, instance_type=instance_type, image_scope=scope
            )
        )
