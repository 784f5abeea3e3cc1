"""RFC 9457 problem details: the schema of every error, and the `responses` of a route made from Problem classes."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from service.errors import MEDIA_TYPE, Problem


class ProblemDetails(BaseModel):
    """What went wrong and what to do next. A problem may have further members of its own."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(description="What kind of problem, for programs: one URN a kind.")]
    title: Annotated[str, Field(description="What kind of problem, for people.")]
    status: Annotated[int, Field(description="The HTTP status, repeated.", ge=400, le=599)]
    detail: Annotated[str, Field(description="What happened this time, and why.")]
    action: Annotated[str, Field(description="What to do next.")]
    instance: Annotated[str, Field(description="The path that was asked.")]


Told = Mapping[type[Problem], tuple[str, str]]
"""`detail` and `action` of a problem as a route tells it, where the class's own example is about something else."""


def problem_responses(
    *problems: type[Problem], instance: str, told: Told | None = None
) -> dict[int | str, dict[str, Any]]:
    """The error half of a route's `responses`: one entry a status, one example a class.

    `instance` is the path that the examples show; `told` has the route's own examples.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        entry = responses.setdefault(
            problem.status,
            {
                "description": problem.title,
                "content": {
                    MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "examples": {}},
                },
            },
        )
        if problem.title not in entry["description"]:
            entry["description"] += f"; {_inside_a_sentence(problem.title)}"
        detail, action = (told or {}).get(problem, problem.example)
        entry["content"][MEDIA_TYPE]["examples"][problem.__name__] = {
            "summary": problem.title,
            "value": problem(detail, action).body(instance),
        }
    return responses


def _inside_a_sentence(title: str) -> str:
    """Without the capital, unless the first word is an abbreviation (AWS)."""
    return title if title[1].isupper() else f"{title[0].lower()}{title[1:]}"
