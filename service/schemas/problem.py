"""RFC 9457 problem details: the schema of every error, and the `responses` of a route made from Problem classes."""

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


def problem_responses(*problems: type[Problem], instance: str) -> dict[int | str, dict[str, Any]]:
    """The error half of a route's `responses`: one entry a status, one example a class.

    `instance` is the path that the examples show.
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
            entry["description"] += f"; {problem.title[0].lower()}{problem.title[1:]}"
        entry["content"][MEDIA_TYPE]["examples"][problem.__name__] = {"value": problem(*problem.example).body(instance)}
    return responses
