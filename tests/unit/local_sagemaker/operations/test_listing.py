"""Filters, order and pages of lists."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing


@dataclass(frozen=True)
class Row:
    name: str
    created_at: float
    modified_at: float
    status: str = "Completed"


ROWS = [
    Row(f"job-{number}", 100.0 + number // 2, 200.0 - number, "Failed" if number == 3 else "Completed")
    for number in range(6)
]


def names(**members: Any) -> list[str]:
    return [row.name for row in listing.page(ROWS, members)[0]]


def test_newest_first_unless_asked_otherwise() -> None:
    assert names() == ["job-5", "job-4", "job-3", "job-2", "job-1", "job-0"]
    assert names(SortOrder="Ascending") == names()[::-1]
    assert names(SortBy="LastModifiedTime", SortOrder="Ascending") == [
        "job-5",
        "job-4",
        "job-3",
        "job-2",
        "job-1",
        "job-0",
    ]
    assert names(SortBy="Status")[0] == "job-3"


def test_filters() -> None:
    assert names(NameContains="b-3") == ["job-3"]
    assert names(StatusEquals="Failed") == ["job-3"]
    assert names(CreationTimeAfter=101.5) == ["job-5", "job-4"]
    assert names(CreationTimeBefore=datetime.fromtimestamp(101, UTC)) == ["job-1", "job-0"]
    assert names(LastModifiedTimeAfter=198.5) == ["job-1", "job-0"]
    assert names(LastModifiedTimeBefore=195.5) == ["job-5"]


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
def test_pages_give_each_row_once(order: str, sort_by: str) -> None:
    members: dict[str, Any] = {"SortOrder": order, "SortBy": sort_by, "MaxResults": 2}
    seen: list[str] = []
    token = None
    while True:
        found, token = listing.page(ROWS, {**members, "NextToken": token} if token else members)
        seen += [row.name for row in found]
        if token is None:
            break
    assert sorted(seen) == [row.name for row in ROWS]
    assert seen == names(SortOrder=order, SortBy=sort_by)


def test_a_new_row_moves_no_page() -> None:
    _, token = listing.page(ROWS, {"MaxResults": 2})
    found, _ = listing.page([*ROWS, Row("newer", 999.0, 0.0)], {"MaxResults": 2, "NextToken": token})
    assert [row.name for row in found] == ["job-3", "job-2"]


def test_a_token_belongs_to_its_query() -> None:
    _, token = listing.page(ROWS, {"MaxResults": 2})
    for members in ({"NextToken": "garbage"}, {"NextToken": token, "NameContains": "job"}):
        with pytest.raises(ValidationException, match="NextToken"):
            listing.page(ROWS, members)
