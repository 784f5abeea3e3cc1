"""profilerconfig.json: whether the job is profiled, and where its script's own profile goes."""

import json
from pathlib import Path
from typing import Any

# What a ProfilerConfig may ask of the framework, and PyTorch 2 has no more.
FRAMEWORK_PROFILING = (
    "DetailedProfilingConfig",
    "DataloaderProfilingConfig",
    "PythonProfilingConfig",
    "HorovodProfilingConfig",
    "SMDataParallelProfilingConfig",
)


class ProfilerConfig:
    """The file, read again when it has changed: UpdateTrainingJob rewrites it while the job runs."""

    def __init__(self, path: Path, default_folder: Path) -> None:
        self._path = path
        self._default_folder = default_folder
        self._read: tuple[int, int] | None = None
        self._folder: Path | None = None

    def folder(self) -> Path | None:
        """Where the profile goes as the file says now; None while the profiler is disabled."""
        try:
            status = self._path.stat()
            if self._read == (status.st_mtime_ns, status.st_ino):
                return self._folder
            self._read = (status.st_mtime_ns, status.st_ino)
            content = json.loads(self._path.read_text(encoding="utf-8"))
            folder = profile_folder(content, self._default_folder)
        except (OSError, ValueError, TypeError) as error:
            print(f"profiler: {self._path} cannot be read, nothing changes: {error}", flush=True)
            return self._folder
        _tell(content, folder, self._folder)
        self._folder = folder
        return folder


def profile_folder(content: Any, default: Path) -> Path | None:
    """The folder that the file's `content` names, None where it disables the profiler. Raises TypeError."""
    if not isinstance(content, dict) or not isinstance(content.get("ProfilingParameters") or {}, dict):
        raise TypeError("it is not a ProfilerConfig")
    if str(content.get("DisableProfiler")).lower() == "true":
        return None
    return Path((content.get("ProfilingParameters") or {}).get("LocalPath") or default)


def _tell(content: Any, folder: Path | None, before: Path | None) -> None:
    """Say what changes for the script, in the log."""
    if folder != before:
        print(f"profiler: {'off' if folder is None else f'times of steps go to {folder}'}", flush=True)
    asked = sorted(set(FRAMEWORK_PROFILING) & set(content.get("ProfilingParameters") or {}))
    if asked and folder is not None:
        print(f"profiler: {', '.join(asked)}: not collected, PyTorch 2 has no framework profiling", flush=True)
