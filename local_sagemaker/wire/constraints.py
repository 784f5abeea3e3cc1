"""Checks members against the constraints of botocore's shapes, with AWS's wording.

`1 validation error detected: Value 'x' at 'a.b' failed to satisfy constraint: Member must ...`. A shape is compiled
into one function at first use; a shape without constraints costs nothing.

As AWS does, a member of a list of structures is named by its position (`tags.1.member.key`), while the faults of
scalar members of lists and maps are told of the whole list or map.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_sagemaker.errors import ValidationException
from local_sagemaker.wire.patterns import compiled

# Called with a value, its path and the list to which it adds what is wrong.
Check = Callable[[Any, str, list[str]], None]

MAX_SHOWN_CHARACTERS = 1024
_SIZED = ("string", "blob", "list", "map")


def validate(shape: Shape | None, members: dict[str, Any]) -> None:
    """Raise ValidationException with everything that is wrong with a request."""
    errors: list[str] = []
    check = checker(shape) if shape is not None else None
    if check is not None:
        check(members, "", errors)
    if errors:
        raise ValidationException(_joined(errors))


def _joined(errors: list[str]) -> str:
    plural = "s" if len(errors) > 1 else ""
    return f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}"


def checker(shape: Shape) -> Check | None:
    """The check of a shape; None when nothing can be wrong with a value of the right type."""
    return _checker(shape.name, _ByIdentity(shape))


class _ByIdentity:
    """A shape as a part of a cache's key: botocore makes a new Shape at each look, but its model stays the same."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def __hash__(self) -> int:
        return id(self.shape._shape_model)  # noqa: SLF001

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.shape._shape_model is other.shape._shape_model  # noqa: SLF001
