"""A template is started with what is known, given up where it is of no use, and replaced when more is known."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.engine.training import shared_imports
from local_sagemaker.engine.training.shared_imports import SharedImports
from local_sagemaker.runtime.warm_pool.imports import Imports, LearnedImports
from local_sagemaker.runtime.warm_pool.kind import Kind

MANY = tuple(f"m{number}" for number in range(shared_imports.WORTH))


class NoProcess:
    """A template whose state is set by hand."""

    pid = 1

    def __init__(self, _folder: Path, _kind: Kind, imports: Imports) -> None:
        self.imports, self.alive, self.ready, self.why = imports, True, False, ""
        self.left_out: dict[str, str] = {}
        self.started_at = float("inf")

    def look(self) -> None:
        """Nothing is new."""

    def end(self) -> None:
        """It has ended."""
        self.alive = False


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SharedImports:
    """One whose code says that it imports numpy."""
    monkeypatch.setattr(shared_imports, "TemplateProcess", NoProcess)
    kind = Kind("code", "process", {}, (), Imports(("numpy",), ("LR",)))
    return SharedImports(kind, LearnedImports(tmp_path / "cache"), lambda: tmp_path / "pool")


def template(shared: SharedImports) -> NoProcess:
    """Its template."""
    found: Any = shared.template()
    assert isinstance(found, NoProcess)
    return found


def learn(shared: SharedImports, folder: Path, *modules: str, sets: tuple[str, ...] = ()) -> None:
    """A job has ended."""
    (folder / "imports.json").write_text(json.dumps({"modules": modules, "sets": sets}))
    shared.learn(folder)


def test_first_what_the_code_says_then_what_was_learned(shared: SharedImports, tmp_path: Path) -> None:
    first = template(shared)
    assert first.imports == Imports(("numpy",), ("LR",))
    first.ready = True
    learn(shared, tmp_path, "numpy", "PIL")
    assert template(shared) is first  # little is new
    learn(shared, tmp_path, *MANY)
    second = template(shared)
    assert not first.alive
    assert second.imports.modules == ("numpy", "PIL", *MANY)


@pytest.mark.parametrize("how", ["why", "dead", "late"])
def test_what_is_of_no_use_is_tried_once_and_scripts_still_show_what_they_import(
    shared: SharedImports, tmp_path: Path, how: str
) -> None:
    spoil(template(shared), how)
    bare = template(shared)
    assert bare.imports == Imports()
    bare.ready = True
    learn(shared, tmp_path, "numpy", *MANY)
    spoil(template(shared), how)
    assert shared.template() is None
    assert not shared.running


def test_where_no_process_starts_at_all_scripts_start_without(shared: SharedImports) -> None:
    for _ in range(2):
        spoil(template(shared), "dead")
    assert shared.template() is None
    assert shared.template() is None


def spoil(template: NoProcess, how: str) -> None:
    """Make a template that imports be of no use."""
    template.why = "threads" if how == "why" else ""
    template.alive = how != "dead"
    template.started_at = float("-inf") if how == "late" else float("inf")


def test_one_that_was_killed_is_started_again_but_not_for_ever(shared: SharedImports) -> None:
    first = template(shared)
    for _ in range(shared_imports.KILLS):
        last = template(shared)
        assert last.imports == first.imports
        last.ready, last.alive = True, False
    assert template(shared).imports == Imports()


def test_packages_that_are_left_out_are_remembered(shared: SharedImports, tmp_path: Path) -> None:
    first = template(shared)
    first.ready, first.left_out = True, {"smdebug": "reads SM_HPS"}
    assert template(shared) is first
    assert LearnedImports(tmp_path / "cache").of("code").left_out == {"smdebug": "reads SM_HPS"}
    first.alive = False
    assert template(shared).imports == replace(first.imports, left_out={"smdebug": "reads SM_HPS"})


def test_when_there_are_enough_scripts_start_without(tmp_path: Path, shared: SharedImports) -> None:
    enough = SharedImports(shared.kind, LearnedImports(tmp_path), lambda: None)
    assert enough.template() is None
