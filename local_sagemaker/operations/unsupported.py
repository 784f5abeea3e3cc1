"""Refusing what local_sagemaker cannot do: never accepted and ignored."""

from local_sagemaker.errors import ValidationException


def refuse(member: str, hint: str) -> None:
    """Raise ValidationException that names the member and says what to do instead."""
    raise ValidationException(f"local_sagemaker does not support {member}: {hint}.")
