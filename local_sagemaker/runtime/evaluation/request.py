"""evaluation.json: what the engine tells the evaluator."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostics.job import JobFacts


@dataclass(frozen=True)
class EvaluationRequest:
    """A job with its files, a folder a host, and its rules as in CreateTrainingJob."""

    job: JobFacts
    region: str
    scripts: tuple[Path, ...]  # process folders of the hosts' scripts
    tensors: tuple[Path, ...]
    profiles: tuple[Path, ...]
    debug_rules: tuple[Mapping[str, Any], ...]
    profiler_rules: tuple[Mapping[str, Any], ...]
    endpoint_url: str
    buckets_dir: Path

    @property
    def ended(self) -> bool:
        """Whether the script has ended on all hosts: its files are all written."""
        return self.job.ended_at is not None


class RequestFile:
    """evaluation.json, read again when it was written again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written_at: int | None = None
        self._request: EvaluationRequest | None = None

    @property
    def changed(self) -> bool:
        """Whether it was written since it was read. It is replaced by rename, so it is always there."""
        return self._path.stat().st_mtime_ns != self._written_at

    def read(self) -> EvaluationRequest:
        """What the engine says now."""
        if self._request is None or self.changed:
            self._written_at = self._path.stat().st_mtime_ns
            self._request = parse(json.loads(self._path.read_bytes()))
        return self._request


def parse(content: Mapping[str, Any]) -> EvaluationRequest:
    """Of the file's content."""
    return EvaluationRequest(
        job=JobFacts(**content["job"]),
        region=content["region"],
        scripts=tuple(map(Path, content["scripts"])),
        tensors=tuple(map(Path, content["tensors"])),
        profiles=tuple(map(Path, content["profiles"])),
        debug_rules=tuple(content["debug_rules"]),
        profiler_rules=tuple(content["profiler_rules"]),
        endpoint_url=content["endpoint_url"],
        buckets_dir=Path(content["buckets_dir"]),
    )
