"""statuses.json: the evaluator's answer to the engine."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostics.rules.rule_evaluation import RuleStatus
from local_sagemaker.runtime import shim


@dataclass(frozen=True)
class Standing:
    """How a rule stands; `stop_training`: it fired, and asks for the job to be stopped (None: a Profiler rule)."""

    name: str
    rule: str
    status: RuleStatus
    details: str
    stop_training: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """Without a time."""
        found = {"name": self.name, "rule": self.rule, "status": self.status.value, "details": self.details}
        return found if self.stop_training is None else found | {"stop_training": self.stop_training}


class Statuses:
    """Written by rename, and only when something is new. What stands as it stood keeps its time, over restarts too.

    A full disk is waited for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = self._earlier()

    @property
    def empty(self) -> bool:
        """Whether nothing was ever written, not by an earlier evaluator of this job either."""
        return not self._written

    def write(self, debug: Sequence[Standing], profiler: Sequence[Standing]) -> None:
        """Tell how the rules stand."""
        now = time.time()
        content: dict[str, object] = {
            "debug": [self._dated("debug", standing, now) for standing in debug],
            "profiler": [self._dated("profiler", standing, now) for standing in profiler],
        }
        if content != self._written:
            shim.patiently(lambda: shim.write_json(str(self._path), content))
            self._written = content

    def _dated(self, kind: str, standing: Standing, now: float) -> dict[str, Any]:
        plain = standing.as_json()
        before = next((rule for rule in self._written.get(kind, []) if rule["name"] == standing.name), None)
        if before is not None and {name: before.get(name) for name in plain} == plain:
            return plain | {"modified_at": before["modified_at"]}
        return plain | {"modified_at": now}

    def _earlier(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):  # ValueError: the machine went down before the disk had it
            return {}
        return found
