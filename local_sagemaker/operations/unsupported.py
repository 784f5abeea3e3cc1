"""Refusing what local_sagemaker cannot do: never accepted and ignored."""

from collections.abc import Iterable, Mapping
from typing import Any

from local_sagemaker.errors import ValidationException


def refuse_given(members: Mapping[str, Any], hints: Mapping[str, str], where: str = "") -> None:
    """Raise ValidationException for the first of `hints`' members that is given; False and empty ones are not."""
    for name, hint in hints.items():
        if members.get(name):
            refuse(f"{where}{name}", hint)


def refuse_other(members: Mapping[str, Any], known: Iterable[str], where: str = "") -> None:
    """Raise ValidationException for a given member that is not `known`: one that is newer than this code."""
    for name in sorted(set(members) - set(known)):
        if members[name]:
            refuse(f"{where}{name}", "leave it out")


def refuse(member: str, hint: str) -> None:
    """Raise ValidationException that names the member and says what to do instead."""
    raise ValidationException(f"local_sagemaker does not support {member}: {hint}.")
