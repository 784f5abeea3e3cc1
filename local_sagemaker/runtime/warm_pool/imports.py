"""What scripts have imported, remembered by the digest of their code: a folder of small files.

Only what a run of the same code in the same Python environment has imported is imported for the next one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_sagemaker.runtime import shim

MOST_CODES = 256  # that are remembered: a file has some 60 kB
RECORD = "imports.json"  # what script.py writes into a command's folder


@dataclass(frozen=True)
class Imports:
    """Modules in the order of their imports, variables that the code sets, packages that are left out and why."""

    modules: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def with_run(self, modules: list[str], sets: list[str]) -> "Imports":
        """What is known after one more run: runs of one code differ in what they need."""
        new = [module for module in modules if module not in set(self.modules)]
        return Imports((*self.modules, *new), tuple(sorted({*self.sets, *sets})), self.left_out)


class LearnedImports:
    """The folder. Files that cannot be read, or are not there, know nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, digest: str) -> Imports:
        """What is known of a code."""
        known = _read(self._path(digest))
        return Imports(tuple(known.get("modules", ())), tuple(known.get("sets", ())), dict(known.get("left_out", {})))

    def learn(self, digest: str, folder: Path) -> None:
        """Add what the command of `folder` has imported, where it wrote that down."""
        run = _read(folder / RECORD)
        if run:
            before = self.of(digest)
            self._keep(digest, before, before.with_run(run["modules"], run["sets"]))

    def leave_out(self, digest: str, packages: Mapping[str, str]) -> None:
        """Remember packages that cannot be imported ahead."""
        before = self.of(digest)
        self._keep(digest, before, Imports(before.modules, before.sets, {**before.left_out, **packages}))

    def _keep(self, digest: str, before: Imports, after: Imports) -> None:
        if after == before:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        known: dict[str, object] = {
            "modules": list(after.modules),
            "sets": list(after.sets),
            "left_out": dict(after.left_out),
        }
        shim.write_json(str(self._path(digest)), known)
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[:-MOST_CODES]:
            path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
