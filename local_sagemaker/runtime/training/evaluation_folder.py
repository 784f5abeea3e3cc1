"""The folder of the evaluator that runs beside a training job: what it is told, what it answers, its process.

evaluation.json tells it the job, its files and its rules; it is read again whenever it changes. statuses.json is its
answer. Both are written by rename.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from diagnostics.job import JobFacts
from local_sagemaker.runtime import process, shim
from local_sagemaker.runtime.training.environment import aws_variables
from local_sagemaker.runtime.training.folder_look import look
from local_sagemaker.runtime.training.spec import TrainingSpec

REPOSITORY = Path(__file__).resolve().parents[3]
MODULE = "local_sagemaker.runtime.evaluation"
NICE = ("nice", "-n", "10")  # the job's script comes first
LEFT_ALONE = 75  # the evaluator's exit status when nobody told it how the job ended


@dataclass(frozen=True)
class EvaluationFolder:
    """Paths of the evaluation of a job; `spec` is its first host."""

    spec: TrainingSpec

    @property
    def root(self) -> Path:
        """The evaluator's process folder."""
        return self.spec.folder.root / "evaluation"

    @property
    def rule_output(self) -> Path:
        """A folder a rule; it becomes rule-output in S3."""
        return self.root / "rule-output"

    @property
    def log(self) -> Path:
        """What the evaluator wrote to its output."""
        return self.root / "log"

    @property
    def request_file(self) -> Path:
        """What the evaluator is told."""
        return self.root / "evaluation.json"

    def is_told(self, request: Mapping[str, Any]) -> bool:
        """Whether this is what the evaluator was told last."""
        with contextlib.suppress(FileNotFoundError):
            return bool(json.loads(self.request_file.read_bytes()) == request)
        return False

    def tell(self, request: Mapping[str, Any]) -> None:
        """Have the evaluator know this."""
        self.root.mkdir(parents=True, exist_ok=True)
        shim.write_json(str(self.request_file), dict(request))

    def statuses_changed_at(self) -> int | None:
        """When the answer was written, in nanoseconds; None while there is none."""
        with contextlib.suppress(FileNotFoundError):
            return (self.root / "statuses.json").stat().st_mtime_ns
        return None

    def statuses(self) -> dict[str, list[dict[str, Any]]]:
        """The answer: {"debug": [...], "profiler": [...]}."""
        found: dict[str, list[dict[str, Any]]] = json.loads((self.root / "statuses.json").read_bytes())
        return found

    def rules_with_output(self) -> list[str]:
        """The rules that wrote something for people."""
        return sorted({name.partition("/")[0] for name in look(self.rule_output, {}).files})

    def start(self, request: Mapping[str, Any], endpoint_url: str, cache_dir: Path) -> None:
        """Start the evaluator, if need be in the place of one that has ended; nothing happens while one runs.

        It may take a moment to show. Until then this may be done again: one of them runs.
        """
        match process.observe(self.root):
            case process.Running():
                return
            case process.Exited() | process.Lost():
                process.forget(self.root)
        self.tell(request)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "MPLCONFIGDIR": str(cache_dir / "matplotlib"),  # of all evaluators: its list of fonts takes seconds
            **aws_variables(self.spec.region, endpoint_url),
        }
        argv = [*NICE, sys.executable, "-m", MODULE, str(self.root.resolve())]
        process.spawn(self.root, argv, cwd=REPOSITORY, env=environment)

    def clear(self) -> None:
        """Remove what was found out; the log stays."""
        self._remove_but(self.log.name)

    def tidy(self, *, keep_output: bool = False) -> None:
        """Remove what is of no use after the end; `keep_output`: it could not be uploaded."""
        self._remove_but(self.log.name, *([self.rule_output.name] if keep_output else []))

    def _remove_but(self, *kept: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            for path in list(self.root.iterdir()):
                if path.name in kept:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def evaluation_request(spec: TrainingSpec, job: JobFacts, endpoint_url: str, buckets_dir: Path) -> dict[str, Any]:
    """The content of evaluation.json for a job on all its hosts, as it stands now."""
    hosts = spec.all_hosts()
    return {
        "job": asdict(job),
        "region": spec.region,
        "scripts": [str(host.folder.root.resolve()) for host in hosts],
        "tensors": [str(host.tensors) for host in hosts],
        "profiles": [str(folder) for host in hosts for folder in (host.folder.profiler.resolve(), host.script_profile)],
        "debug_rules": list(spec.request.get("DebugRuleConfigurations") or []),
        "profiler_rules": list(spec.request.get("ProfilerRuleConfigurations") or []),
        "endpoint_url": endpoint_url,
        "buckets_dir": str(buckets_dir.resolve()),
    }
