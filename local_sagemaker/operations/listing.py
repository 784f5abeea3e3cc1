"""What all List operations have in common: filters, order, and pages with an opaque NextToken.

A token remembers the last row it gave, so rows that come or go between two pages neither repeat nor hide others.
"""

import base64
import binascii
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from local_sagemaker.errors import ValidationException
from local_sagemaker.store import pages
from local_sagemaker.store.database import Database
from local_sagemaker.store.pages import Listed

DEFAULT_PAGE = 10  # AWS's own for the resources here

Order = Literal["Ascending", "Descending"]


class Listable(Protocol):
    """What a row needs to be listed. Times are epoch seconds."""

    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> float: ...


Row = TypeVar("Row", bound=Listable)
SortKey = Callable[[Any], float | str]

SORT_KEYS: Mapping[str, SortKey] = {
    "Name": lambda row: str(row.name),
    "CreationTime": lambda row: float(row.created_at),
    "Status": lambda row: str(row.status),
}


def epoch(moment: datetime | float) -> float:
    """Epoch seconds of a time stamp as the wire decoded it: a number or a datetime."""
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def rows(
    database: Database,
    listed: Listed,
    members: Mapping[str, Any],
    *,
    default_sort: str = "CreationTime",
    default_order: Order = "Descending",
) -> tuple[list[sqlite3.Row], str | None]:
    """The rows of the asked page of a table, and the token of the next one, None at the end.

    Reads NameContains, StatusEquals, CreationTimeAfter/Before, LastModifiedTimeAfter/Before, SortBy, SortOrder,
    MaxResults (10) and NextToken of the request. Raises ValidationException for a token of another query.
    """
    query = _digest(members, listed.table)
    limit = members.get("MaxResults") or DEFAULT_PAGE
    wanted = pages.Page(
        limit=limit + 1,
        sort_by=members.get("SortBy") or default_sort,
        descending=(members.get("SortOrder") or default_order) == "Descending",
        filters={
            name: epoch(members[name]) if "Time" in name else members[name]
            for name in pages.FILTERS
            if members.get(name) is not None
        },
        after=_decode(members["NextToken"], query) if members.get("NextToken") else None,
    )
    found = pages.rows(database, listed, wanted)
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], _encode(last["sort_value"], last["name"], query)


def page(
    rows: Sequence[Row],
    members: Mapping[str, Any],
    *,
    default_sort: str = "CreationTime",
    default_order: Order = "Descending",
    sort_keys: Mapping[str, SortKey] = SORT_KEYS,
) -> tuple[list[Row], str | None]:
    """As `rows`, of few rows that are in memory and filtered already but for StatusEquals (against `row.status`)."""
    sort_key = sort_keys[members.get("SortBy") or default_sort]
    descending = (members.get("SortOrder") or default_order) == "Descending"

    def place(row: Row) -> tuple[float | str, str]:
        return sort_key(row), row.name

    status = members.get("StatusEquals")
    ordered = sorted(
        (row for row in rows if not status or getattr(row, "status", None) == status), key=place, reverse=descending
    )
    query = _digest(members, "")
    if token := members.get("NextToken"):
        last = _decode(token, query)
        ordered = [row for row in ordered if (place(row) < last if descending else place(row) > last)]
    limit = members.get("MaxResults") or DEFAULT_PAGE
    found = ordered[:limit]
    if len(ordered) <= limit:
        return found, None
    return found, _encode(*place(found[-1]), query)


def answer(member: str, summaries: Sequence[Mapping[str, Any]], next_token: str | None) -> dict[str, Any]:
    """A List operation's response: `{member: summaries}`, with NextToken only when there is more."""
    return {member: list(summaries), **({"NextToken": next_token} if next_token else {})}


def _digest(members: Mapping[str, Any], what: str) -> str:
    asked = {name: value for name, value in members.items() if name not in {"NextToken", "MaxResults"}}
    text = json.dumps([asked, what], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _encode(sort_value: float | str, name: str, query: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort_value, name, query]).encode()).decode()


def _decode(token: str, query: str) -> tuple[Any, str]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError) as error:
        raise ValidationException("Invalid NextToken: it was not given by this operation") from error
    if not isinstance(place, list) or len(place) != 3 or place[2] != query:
        raise ValidationException("Invalid NextToken: it belongs to a request with other filters or another order")
    return place[0], str(place[1])
