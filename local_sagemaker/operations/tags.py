"""AddTags, ListTags, DeleteTags."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from local_sagemaker.errors import ResourceLimitExceeded, ResourceNotFound, ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.store import tags as store

MAX_TAGS = 50


def add_tags(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Add tags to a resource, replacing values of keys that are there."""
    arn = _existing(context, members["ResourceArn"])
    check_tags(members["Tags"])
    with context.database.transaction():
        keys = {tag["Key"] for tag in store.tags_of(context.database, arn)} | {tag["Key"] for tag in members["Tags"]}
        if len(keys) > MAX_TAGS:
            raise ResourceLimitExceeded(f"A resource takes at most {MAX_TAGS} tags; {arn} would have {len(keys)}")
        store.put_tags(context.database, arn, members["Tags"])
    return {"Tags": store.tags_of(context.database, arn)}


def list_tags(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A resource's tags. There are never more than a page holds, so no NextToken is given and none is accepted."""
    arn = _existing(context, members["ResourceArn"])
    if members.get("NextToken"):
        raise ValidationException("Invalid pagination token: ListTags answers all tags in one page")
    return {"Tags": store.tags_of(context.database, arn)}


def delete_tags(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remove tags; keys that are not there are passed over."""
    arn = _existing(context, members["ResourceArn"])
    store.delete_tags(context.database, arn, members["TagKeys"])
    return {}


def check_tags(tags: Sequence[Mapping[str, str]]) -> None:
    """Raise ValidationException for tags that AWS refuses: a key twice, AWS's own prefix, too many."""
    if len(tags) > MAX_TAGS:
        raise ValidationException(f"A resource takes at most {MAX_TAGS} tags, not {len(tags)}")
    twice = [key for key, count in Counter(tag["Key"] for tag in tags).items() if count > 1]
    if twice:
        raise ValidationException(f"Duplicate tag keys found: {', '.join(sorted(twice))}")
    reserved = [tag["Key"] for tag in tags if tag["Key"].lower().startswith("aws:")]
    if reserved:
        raise ValidationException(f"Tag keys starting with aws: are reserved for AWS: {', '.join(sorted(reserved))}")


def _existing(context: Context, arn: str) -> str:
    if not store.resource_exists(context.database, arn):
        raise ResourceNotFound(f"The resource {arn} does not exist")
    return arn
