"""evaluation.json of a job as the engine writes it, and the evaluator as the engine starts it."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_sagemaker.runtime import process, shim

REPOSITORY = Path(__file__).resolve().parents[5]


def debug_rule(name: str, rule: str, **parameters: str) -> dict[str, Any]:
    """A DebugRuleConfiguration, or a ProfilerRuleConfiguration."""
    return {
        "RuleConfigurationName": name,
        "RuleEvaluatorImage": "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest",
        "RuleParameters": {"rule_to_invoke": rule, **parameters},
    }


class EvaluationFiles:
    """A job's folder with tensors, profiles, and the evaluator's folder."""

    def __init__(self, root: Path) -> None:
        self.tensors = root / "tensors"
        self.profile = root / "profiler"
        self.buckets = root / "buckets"
        self.folder = root / "evaluation"
        self.folder.mkdir(parents=True)
        self.job: dict[str, Any] = {
            "name": "dogs-1",
            "instance_type": "ml.m5.large",
            "instance_count": 1,
            "status": "InProgress",
            "started_at": 1_700_000_000.0,
            "ended_at": None,
            "hyperparameters": {"lr": "0.1"},
        }
        self.debug_rules: Sequence[Mapping[str, Any]] = []
        self.profiler_rules: Sequence[Mapping[str, Any]] = []

    def tell(self, *, ended: bool = False) -> None:
        """Write evaluation.json."""
        if ended:
            self.job |= {"status": "Completed", "ended_at": 1_700_000_060.0}
        shim.write_json(
            str(self.folder / "evaluation.json"),
            {
                "job": self.job,
                "region": "us-east-1",
                "scripts": [],
                "tensors": [str(self.tensors)],
                "profiles": [str(self.profile)],
                "debug_rules": list(self.debug_rules),
                "profiler_rules": list(self.profiler_rules),
                "endpoint_url": "http://127.0.0.1:9",
                "buckets_dir": str(self.buckets),
            },
        )

    def start(self) -> None:
        """Start the evaluator, in an earlier one's place."""
        for record in ("claim", "process.json", "exit.json"):
            (self.folder / record).unlink(missing_ok=True)
        argv = [sys.executable, "-m", "local_sagemaker.runtime.evaluation", str(self.folder)]
        process.spawn(self.folder, argv, cwd=REPOSITORY, env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"})

    def state(self) -> process.ProcessState:
        """The evaluator's."""
        return process.observe(self.folder)

    def log(self) -> str:
        """What it wrote."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def statuses(self) -> dict[str, list[dict[str, Any]]]:
        """statuses.json; empty while there is none."""
        path = self.folder / "statuses.json"
        return json.loads(path.read_bytes()) if path.exists() else {"debug": [], "profiler": []}

    def status(self, name: str, kind: str = "debug") -> str | None:
        """How one rule stands."""
        return next((rule["status"] for rule in self.statuses()[kind] if rule["name"] == name), None)
