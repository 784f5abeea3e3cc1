"""Lists: one page of items and where the next begins."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

MAX_LIMIT = 100

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has at most.")]
Cursor = Annotated[
    str | None,
    Query(min_length=1, max_length=8192, description="`next_cursor` of the page before; without it the first page."),
]


class Body(BaseModel):
    """A request body: a member that the schema does not know is an error, never ignored."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    # Pydantic gives the docstring to Page alone, not to a Page of something.
    model_config = ConfigDict(json_schema_extra={"description": "One page of a list."})

    items: list[Item] = Field(description="The items of this page.")
    next_cursor: str | None = Field(
        None, description="Send it as `cursor` to get the next page; null when this is the last one."
    )
