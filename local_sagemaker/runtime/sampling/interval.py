"""How often to sample, as profilerconfig.json says now: UpdateTrainingJob rewrites it while the job runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_MILLISECONDS = 500


class ProfilerConfigFile:
    """The file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed_at: int | None = None
        self._interval: float | None = None

    def interval_seconds(self) -> float | None:
        """Seconds between two samples; None: none are wanted, or the file is gone with the job."""
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at != self._changed_at:
                self._interval = interval_seconds(json.loads(self._path.read_bytes()))
                self._changed_at = changed_at
        except FileNotFoundError:
            return None
        return self._interval


def interval_seconds(profiler: Mapping[str, Any]) -> float | None:
    """What a ProfilerConfig asks for; None: no sampling."""
    if profiler.get("DisableProfiler") or not profiler.get("S3OutputPath"):
        return None
    return float(profiler.get("ProfilingIntervalInMilliseconds") or DEFAULT_MILLISECONDS) / 1000
