"""Query parameters of the lists of jobs. A parameter that a list does not know is an error."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from service.schemas.job import TrainingJobStatus, TuningJobStatus
from service.schemas.page import MAX_LIMIT, Body

DEFAULT_LIMIT = 20


class SortOrder(StrEnum):
    """Which end of the list comes first."""

    ASCENDING = "ascending"
    DESCENDING = "descending"


class TrainingJobSort(StrEnum):
    """What a list of training jobs is sorted by."""

    CREATED_AT = "created_at"
    NAME = "name"
    STATUS = "status"


class TuningJobSort(StrEnum):
    """What a list of tuning jobs is sorted by."""

    CREATED_AT = "created_at"
    NAME = "name"
    STATUS = "status"


class TrialSort(StrEnum):
    """What a tuning job's training jobs are sorted by."""

    CREATED_AT = "created_at"
    OBJECTIVE = "objective"
    NAME = "name"
    STATUS = "status"


class PageFilter(Body):
    """Which part of a sorted list."""

    sort_order: SortOrder = SortOrder.DESCENDING
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items a page has at most.")] = DEFAULT_LIMIT
    cursor: Annotated[
        str | None,
        Field(
            min_length=1, max_length=8192, description="`next_cursor` of the page before; without it the first page."
        ),
    ] = None


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the years 1 to 9999 in UTC") from None


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class JobFilter(PageFilter):
    """Which jobs of the account."""

    name_contains: Annotated[
        str | None, Field(min_length=1, max_length=63, pattern=r"^[a-zA-Z0-9\-]+$", description="Part of the name.")
    ] = None
    created_after: Annotated[
        Time | None,
        Field(description="Made after this time, with its zone.", examples=["2026-11-22T09:00:00Z"]),
    ] = None
    created_before: Annotated[
        Time | None,
        Field(description="Made before this time, with its zone.", examples=["2026-11-23T09:00:00Z"]),
    ] = None


class TrainingJobFilter(JobFilter):
    """Which training jobs."""

    status: TrainingJobStatus | None = None
    sort_by: TrainingJobSort = TrainingJobSort.CREATED_AT


class TuningJobFilter(JobFilter):
    """Which tuning jobs."""

    status: TuningJobStatus | None = None
    sort_by: TuningJobSort = TuningJobSort.CREATED_AT


class TrialFilter(PageFilter):
    """Which training jobs of a tuning job."""

    status: TrainingJobStatus | None = None
    sort_by: Annotated[TrialSort, Field(description="`objective` lists only the training jobs that have told it.")] = (
        TrialSort.CREATED_AT
    )
