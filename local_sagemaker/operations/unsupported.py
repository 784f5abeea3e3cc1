"""Members that AWS takes and local_sagemaker does not: refused, never ignored."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import ValidationException


def refuse(members: Mapping[str, Any], advice: Mapping[str, str], prefix: str = "") -> None:
    """Raise ValidationException for the first member of `advice` that asks for something; the advice says what to do.

    False, and empty structures, lists and strings, ask for nothing.
    """
    for name, what_to_do in advice.items():
        if members.get(name):
            raise unsupported(f"{prefix}{name}", what_to_do)


def unsupported(what: str, what_to_do: str) -> ValidationException:
    """The error for one thing that is not supported."""
    return ValidationException(f"local_sagemaker does not support {what}: {what_to_do}")
