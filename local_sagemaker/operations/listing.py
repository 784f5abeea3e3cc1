"""What all List operations have in common: filters, order, and pages with an opaque NextToken."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from local_sagemaker.errors import ValidationException

DEFAULT_PAGE = 10  # AWS's own for the resources here


class Listable(Protocol):
    """What a row needs to be listed. Times are epoch seconds."""

    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> float: ...
    @property
    def modified_at(self) -> float: ...


Row = TypeVar("Row", bound=Listable)
SortKey = Callable[[Any], float | str]

SORT_KEYS: Mapping[str, SortKey] = {
    "Name": lambda row: str(row.name),
    "CreationTime": lambda row: float(row.created_at),
    "LastModifiedTime": lambda row: float(row.modified_at),
    "Status": lambda row: str(row.status),
}


def epoch(moment: datetime | float) -> float:
    """Epoch seconds of a time stamp as the wire decoded it: a number or a datetime."""
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def page(
    rows: Sequence[Row],
    members: Mapping[str, Any],
    *,
    default_order: Literal["Ascending", "Descending"] = "Descending",
    sort_keys: Mapping[str, SortKey] = SORT_KEYS,
) -> tuple[list[Row], str | None]:
    """The rows of the asked page and the token of the next one, None at the end.

    Reads NameContains, StatusEquals (against `row.status`), CreationTimeAfter/Before, LastModifiedTimeAfter/Before,
    SortBy (CreationTime), SortOrder, MaxResults (10) and NextToken of the request. A token remembers the last row it
    gave, so rows that come or go between two pages neither repeat nor hide others. Raises ValidationException for a
    token that belongs to another query.
    """
    sort_key = sort_keys[members.get("SortBy") or "CreationTime"]
    descending = (members.get("SortOrder") or default_order) == "Descending"
    ordered = sorted(
        (row for row in rows if _matches(row, members)), key=lambda row: (sort_key(row), row.name), reverse=descending
    )
    query = _digest(members, default_order)
    token = members.get("NextToken")
    if token:
        last = _decode(token, query)
        place = (last[0], last[1])
        ordered = [
            row
            for row in ordered
            if ((sort_key(row), row.name) < place if descending else (sort_key(row), row.name) > place)
        ]
    limit = members.get("MaxResults") or DEFAULT_PAGE
    found = ordered[:limit]
    if len(ordered) <= limit:
        return found, None
    return found, _encode([sort_key(found[-1]), found[-1].name, query])


def answer(member: str, summaries: Sequence[Mapping[str, Any]], next_token: str | None) -> dict[str, Any]:
    """A List operation's response: `{member: summaries}`, with NextToken only when there is more."""
    return {member: list(summaries), **({"NextToken": next_token} if next_token else {})}


def _matches(row: Any, members: Mapping[str, Any]) -> bool:
    created_after, created_before = members.get("CreationTimeAfter"), members.get("CreationTimeBefore")
    modified_after, modified_before = members.get("LastModifiedTimeAfter"), members.get("LastModifiedTimeBefore")
    return (
        (members.get("NameContains") or "") in row.name
        and (not members.get("StatusEquals") or row.status == members["StatusEquals"])
        and (created_after is None or row.created_at > epoch(created_after))
        and (created_before is None or row.created_at < epoch(created_before))
        and (modified_after is None or row.modified_at > epoch(modified_after))
        and (modified_before is None or row.modified_at < epoch(modified_before))
    )


def _digest(members: Mapping[str, Any], default_order: str) -> str:
    asked = {name: value for name, value in members.items() if name not in {"NextToken", "MaxResults"}}
    text = json.dumps([asked, default_order], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _encode(place: list[float | str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _decode(token: str, query: str) -> list[Any]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError) as error:
        raise ValidationException("Invalid NextToken: it was not given by this operation") from error
    if not isinstance(place, list) or len(place) != 3 or place[2] != query:
        raise ValidationException("Invalid NextToken: it belongs to a request with other filters or another order")
    return place
