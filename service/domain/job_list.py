"""The filters of our lists -> the members of SageMaker's List operations."""

from typing import Any

from service.schemas.job_filter import PageFilter

_MEMBERS = {
    "status": "StatusEquals",
    "name_contains": "NameContains",
    "created_after": "CreationTimeAfter",
    "created_before": "CreationTimeBefore",
    "limit": "MaxResults",
    "cursor": "NextToken",
}


def list_request(asked: PageFilter, sort_by: str) -> dict[str, Any]:
    """What is asked for, without what is left open. `sort_by` is SageMaker's word."""
    members = {member: getattr(asked, name, None) for name, member in _MEMBERS.items()}
    members |= {"SortBy": sort_by, "SortOrder": asked.sort_order.value.capitalize()}
    return {member: value for member, value in members.items() if value is not None}
