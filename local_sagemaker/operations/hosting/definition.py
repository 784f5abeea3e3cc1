"""What models and endpoint configurations have in common: both are kept as they were given, until they are deleted."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.store import definitions, tags
from local_sagemaker.store.definitions import Definition, Kind

# How AWS's messages call them.
CALLED: Mapping[Kind, str] = {"model": "model", "endpoint-config": "endpoint configuration"}


def keep(context: Context, kind: Kind, name: str, members: Mapping[str, Any]) -> Definition:
    """Remember a definition and its Tags. Raises ValidationException when there is one of that name."""
    given = {member: value for member, value in members.items() if member != "Tags"}
    definition = Definition(kind, name, context.arn(kind, name), clock.now(), given)
    with context.database.transaction():
        if not definitions.insert(context.database, definition):
            raise ValidationException(f'Cannot create already existing {CALLED[kind]} "{definition.arn}".')
        tags.put_tags(context.database, definition.arn, members.get("Tags") or [])
    return definition


def find(context: Context, kind: Kind, name: str) -> Definition:
    """The definition of that name. Raises ValidationException in AWS's words."""
    definition = definitions.find(context.database, kind, name)
    if definition is None:
        raise ValidationException(f'Could not find {CALLED[kind]} "{context.arn(kind, name)}".')
    return definition


def forget(context: Context, kind: Kind, name: str) -> None:
    """Delete the definition of that name; endpoints that use it go on. Raises ValidationException."""
    definition = find(context, kind, name)
    with context.database.transaction():
        definitions.delete(context.database, definition)
        tags.delete_tags(context.database, definition.arn)
