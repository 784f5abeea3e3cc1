"""Filters, order and pages of lists."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.store import pages
from local_sagemaker.store.database import Database


@dataclass(frozen=True)
class Row:
    name: str
    created_at: float
    status: str = "Completed"


ROWS = [Row(f"job-{number}", 100.0 + number // 2, "Failed" if number == 3 else "Completed") for number in range(6)]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """ROWS as endpoints, changed in the opposite order."""
    database = Database(tmp_path_factory.mktemp("state") / "db")
    for number, row in enumerate(ROWS):
        add(database, row, 200.0 - number)
    return database


def add(database: Database, row: Row, modified_at: float) -> None:
    """Insert an endpoint that says what the row says."""
    status = "Failed" if row.status == "Failed" else "Deleting"
    database.connection.execute(
        "INSERT INTO endpoints (name, arn, status, created_at, modified_at) VALUES (?, ?, ?, ?, ?)",
        (row.name, f"arn:{row.name}", status, row.created_at, modified_at),
    )


def names(database: Database, **members: Any) -> list[str]:
    return [row["name"] for row in listing.rows(database, pages.ENDPOINTS, members)[0]]


def test_order(database: Database) -> None:
    newest_first = ["job-5", "job-4", "job-3", "job-2", "job-1", "job-0"]
    assert names(database) == newest_first
    assert names(database, SortOrder="Ascending") == newest_first[::-1]
    assert names(database, SortBy="LastModifiedTime", SortOrder="Ascending") == newest_first
    assert names(database, SortBy="Status")[0] == "job-3"
    rows, _ = listing.rows(database, pages.ENDPOINTS, {}, default_sort="Name", default_order="Ascending")
    assert [row["name"] for row in rows] == newest_first[::-1]


def test_filters(database: Database) -> None:
    assert names(database, NameContains="b-3") == ["job-3"]
    assert names(database, NameContains="%") == []
    assert names(database, StatusEquals="Failed") == ["job-3"]
    assert names(database, CreationTimeAfter=101.5) == ["job-5", "job-4"]
    assert names(database, CreationTimeBefore=datetime.fromtimestamp(101, UTC)) == ["job-1", "job-0"]
    assert names(database, LastModifiedTimeAfter=198.5) == ["job-1", "job-0"]
    assert names(database, LastModifiedTimeBefore=195.5) == ["job-5"]
    assert names(database, StatusEquals="Deleting", NameContains="job-1", CreationTimeBefore=101) == ["job-1"]


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
def test_pages_give_each_row_once(database: Database, order: str, sort_by: str) -> None:
    members: dict[str, Any] = {"SortOrder": order, "SortBy": sort_by, "MaxResults": 2}
    seen: list[str] = []
    in_memory: list[str] = []
    token = memory_token = None
    for _ in range(3):
        found, token = listing.rows(database, pages.ENDPOINTS, {**members, "NextToken": token})
        seen += [row["name"] for row in found]
        kept, memory_token = listing.page(ROWS, {**members, "NextToken": memory_token})
        in_memory += [row.name for row in kept]
    assert token is None
    assert memory_token is None
    assert seen == names(database, SortOrder=order, SortBy=sort_by)
    assert sorted(seen) == sorted(in_memory) == [row.name for row in ROWS]


def test_a_new_row_moves_no_page(database: Database) -> None:
    _, token = listing.rows(database, pages.ENDPOINTS, {"MaxResults": 2})
    with pytest.raises(ZeroDivisionError), database.transaction():
        add(database, Row("newer", 999.0), 0.0)
        assert names(database, MaxResults=2, NextToken=token) == ["job-3", "job-2"]
        raise ZeroDivisionError  # roll back


def test_a_token_belongs_to_its_query(database: Database) -> None:
    _, token = listing.rows(database, pages.ENDPOINTS, {"MaxResults": 2})
    for members in ({"NextToken": "garbage"}, {"NextToken": token, "NameContains": "job"}):
        with pytest.raises(ValidationException, match="NextToken"):
            listing.rows(database, pages.ENDPOINTS, members)
    with pytest.raises(ValidationException, match="NextToken"):
        listing.rows(database, pages.MODELS, {"NextToken": token})


@pytest.mark.parametrize(
    "wanted",
    [
        pages.Page(limit=10),
        pages.Page(limit=10, descending=True, after=(100.0, "a")),
        pages.Page(limit=10, sort_by="Name", after=("a", "a")),
        pages.Page(limit=10, descending=True, filters={"StatusEquals": "Failed"}, after=(100.0, "a")),
        pages.Page(limit=10, filters={"CreationTimeAfter": 5.0, "NameContains": "a"}),
    ],
)
def test_a_page_is_read_from_an_index(database: Database, wanted: pages.Page) -> None:
    asked: list[str] = []
    database.connection.set_trace_callback(asked.append)
    pages.rows(database, pages.TRAINING_JOBS, wanted)
    database.connection.set_trace_callback(None)
    plan = database.connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
    assert ["USING INDEX" in step["detail"] for step in plan] == [True], "the rows come in order, and only as many"
