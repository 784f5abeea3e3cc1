"""What the text of a code says about its imports, for a code that has not run yet, and to tell codes apart.

Codes with the same import statements import the same, whatever else was edited; but where a file may set environment
variables, all of its text counts, for it may change what an import finds.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.runtime.warm_pool.imports import Imports

READING = ("get", "copy", "items", "keys", "values")  # methods of os.environ
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")


@dataclass(frozen=True)
class SourceFile:
    """`counts` is what tells it apart; `modules` are imported as soon as the file is, in order.

    `variables` are strings of it that may be names of variables it sets.
    """

    counts: tuple[str, ...]
    modules: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


@functools.lru_cache(maxsize=2048)
def source_file(text: bytes) -> SourceFile:
    """The facts of a file; of one that is no Python, that it is this one."""
    whole = hashlib.sha256(text).hexdigest()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return SourceFile((whole,))
    modules = tuple(name for statement in tree.body for name in _imported(statement))
    if may_set_variables(tree):
        strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str}
        return SourceFile((whole,), modules, tuple(sorted(filter(VARIABLE.fullmatch, strings))))
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return SourceFile(tuple(sorted({ast.unparse(node) for node in statements})), modules)


def may_set_variables(tree: ast.Module) -> bool:
    """Whether anything is done with os.environ but reading it or handing it to a function."""
    pairs = ((parent, child) for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent))
    return any(_name(child) in {"putenv", "unsetenv"} or _sets(parent, child) for parent, child in pairs)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _sets(parent: ast.AST, node: ast.AST) -> bool:
    if _name(node) != "environ":
        return False
    match parent:
        case ast.Subscript(ctx=ast.Load()) | ast.Compare() | ast.Call() | ast.keyword() | ast.Dict():
            return False
        case ast.Attribute(attr=attribute):
            return attribute not in READING
    return True


def _imported(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        yield statement.module


def told_apart(code: Path) -> list[tuple[str, tuple[str, ...]]]:
    """What tells the code of a folder apart from others: of each file its path and what counts of it."""
    files = (path for path in sorted(code.rglob("*.py")) if path.is_file())
    return [(str(path.relative_to(code)), source_file(path.read_bytes()).counts) for path in files]


def foreseen(code: Path, program: str) -> Imports:
    """What a program of the folder imports at its start, that is not the folder's own, and what it may set."""
    modules: dict[str, None] = {}
    variables: set[str] = set()
    seen: set[Path] = set()

    def follow(path: Path) -> None:
        if path in seen or not path.is_file():
            return
        seen.add(path)
        file = source_file(path.read_bytes())
        variables.update(file.variables)
        for name in file.modules:
            if (code / name.partition(".")[0]).is_dir() or (code / f"{name.partition('.')[0]}.py").exists():
                for own in _own_files(code, name):
                    follow(own)
            else:
                modules[name] = None

    follow(code / program)
    return Imports(tuple(modules), tuple(sorted(variables)))


def _own_files(code: Path, name: str) -> Iterator[Path]:
    """The files of the folder that run when a module of it is imported: its packages', and its own."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        place = code.joinpath(*parts[:length])
        yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())
