"""Tags, as a mapping. The service's own begin with `sagehound:` and are told apart from the user's."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

OWN_PREFIX = "sagehound:"
TUNING_JOB_TAG = "sagehound:from-tuning-job"

_RESERVED_PREFIXES = (OWN_PREFIX, "aws:")
_PATTERN = r"^[\w\s.:/=+\-@]*$"


def _not_reserved(tags: dict[str, str]) -> dict[str, str]:
    reserved = [key for key in tags if key.lower().startswith(_RESERVED_PREFIXES)]
    if reserved:
        raise ValueError(f"tags {reserved}: the prefixes {' and '.join(_RESERVED_PREFIXES)} are reserved")
    return tags


TagKey = Annotated[str, StringConstraints(pattern=_PATTERN, min_length=1, max_length=128)]
TagValue = Annotated[str, StringConstraints(pattern=_PATTERN, max_length=256)]
Tags = Annotated[
    dict[TagKey, TagValue],
    Field(max_length=40, description="Tags for your bills and rules, at most 40.", examples=[{"team": "dogs"}]),
    AfterValidator(_not_reserved),
]


def of_user(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags without the service's own."""
    return {key: value for key, value in tags.items() if not key.startswith(OWN_PREFIX)}
