"""docs/local_sagemaker_operations.md, made of the table of operations, of STRUCTURES, and of botocore's shapes.

`python -m local_sagemaker.operations.coverage_table` writes it. A member of a structure without an entry is honoured;
below a member that is refused or without effect only structures with an entry are told of.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_sagemaker import errors, operations
from local_sagemaker.errors import AwsError
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.table import OPERATIONS

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "local_sagemaker_operations.md"
SERVICES = {
    "sagemaker": "SageMaker",
    "sagemaker-runtime": "SageMaker Runtime",
    "logs": "CloudWatch Logs",
    "cloudwatch": "CloudWatch",
    "iam": "IAM",
    "sts": "STS",
}
HEAD = """# local_sagemaker: operations and fields

Written by `python -m local_sagemaker.operations.coverage_table` from the code; a test fails when it is stale. What
each behaviour rests on stands in [local_sagemaker.md](local_sagemaker.md). A member that is refused answers a
`ValidationException` that names it and says what to do instead; members that are newer than this table are refused too.
"""


class Uncovered(Exception):
    """A structure's entry and its shape do not have the same members."""


def document(names: Iterable[tuple[str, str]], structures: Iterable[Structure]) -> str:
    """The whole document for operations (service, name). Raises Uncovered."""
    by_shape = _by_shape(structures)
    asked = sorted(names, key=lambda key: (list(SERVICES).index(key[0]), key[1]))
    parts = [HEAD]
    for service, title in SERVICES.items():
        mine = [name for other, name in asked if other == service]
        parts += [f"## {title}\n", *_service(service, mine, by_shape)] if mine else []
    return "\n".join([*parts, "## Errors\n", *error_rows(), ""])


def all_structures() -> list[Structure]:
    """STRUCTURES of every module of operations, each once."""
    found: dict[int, Structure] = {}
    for module in pkgutil.walk_packages(operations.__path__, f"{operations.__name__}."):
        for structure in getattr(importlib.import_module(module.name), "STRUCTURES", ()):
            found[id(structure)] = structure
    return list(found.values())


def reachable(shape: Shape | None, by_shape: Mapping[str, Structure]) -> dict[str, StructureShape]:
    """The structures of a request by name, outermost first, that the document tells of."""
    found: dict[str, StructureShape] = {}
    _reach(shape, by_shape, found)
    return found


def check(structure: Structure, shape: StructureShape) -> None:
    """Raise Uncovered unless each member of the shape is in just one category, and nothing else is."""
    named = [*structure.honoured, *structure.without_effect, *structure.refused]
    missing, unknown = set(shape.members) - set(named), set(named) - set(shape.members)
    twice = {name for name in named if named.count(name) > 1}
    for what, members in (("in no category", missing), ("no members", unknown), ("in two categories", twice)):
        if members:
            raise Uncovered(f"{structure.shape}: {what}: {', '.join(sorted(members))}")


def error_rows() -> Iterator[str]:
    """Every error that local_sagemaker answers."""
    yield "| code | HTTP status | in forms (STS, IAM, CloudWatch) | when |"
    yield "|---|---|---|---|"
    for name in sorted(vars(errors)):
        error = getattr(errors, name)
        if isinstance(error, type) and issubclass(error, AwsError) and error is not AwsError:
            codes = f"`{error('').code}` | {error.status} | `{error('').query_code}`"
            meaning = (error.__doc__ or "").strip().partition("\n")[0]
            yield f"| {codes} | {meaning} |"


def _by_shape(structures: Iterable[Structure]) -> dict[str, Structure]:
    by_shape: dict[str, Structure] = {}
    for structure in structures:
        if by_shape.setdefault(structure.shape, structure) != structure:
            raise Uncovered(f"{structure.shape}: two entries that differ")
    return by_shape


def _reach(shape: Shape | None, by_shape: Mapping[str, Structure], found: dict[str, StructureShape]) -> None:
    if isinstance(shape, ListShape):
        _reach(shape.member, by_shape, found)
    elif isinstance(shape, MapShape):
        _reach(shape.value, by_shape, found)
    elif isinstance(shape, StructureShape) and shape.name not in found:
        found[shape.name] = shape
        structure = by_shape.get(shape.name)
        for name, member in shape.members.items():
            if structure is None or name in structure.honoured or member.name in by_shape:
                _reach(member, by_shape, found)


def _service(service: str, names: Iterable[str], by_shape: Mapping[str, Structure]) -> Iterator[str]:
    model = botocore.session.get_session().get_service_model(service)
    shapes: dict[str, StructureShape] = {}
    yield "| operation | structures of its request |"
    yield "|---|---|"
    for name in names:
        mine = reachable(model.operation_model(name).input_shape, by_shape)
        shapes.update(mine)
        yield f"| {name} | {', '.join(mine) or 'none'} |"
    yield ""
    yield "| structure | honoured | without effect | refused |"
    yield "|---|---|---|---|"
    for shape_name, shape in shapes.items():
        structure = by_shape.get(shape_name) or Structure(shape_name, tuple(shape.members))
        check(structure, shape)
        honoured = [name for name in shape.members if name in structure.honoured]
        cells = (", ".join(honoured), _reasons(structure.without_effect), _reasons(structure.refused))
        yield f"| {shape_name} | {' | '.join(cells)} |"
    yield ""


def _reasons(members: Mapping[str, str]) -> str:
    """Members with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in members.items():
        by_reason.setdefault(reason, []).append(name)
    return "<br>".join(
        f"{', '.join(names)}: {reason.replace('|', chr(92) + '|')}" for reason, names in by_reason.items()
    )


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(OPERATIONS, all_structures()), encoding="utf-8")


if __name__ == "__main__":
    main()
