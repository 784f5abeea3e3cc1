"""Debugger's and Profiler's files of a host: where they lie here, where they go in S3, and how their end is told."""

import time
from collections.abc import Iterator
from pathlib import Path

from local_sagemaker.runtime import process
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.spec import TrainingSpec

END_MARKER = "training_job_end.ts"  # how readers know that no more will come
PROFILE_MARKERS = (f"system/{END_MARKER}", f"framework/{END_MARKER}")
SAMPLER_SECONDS = 10.0  # that it may take to write its last sample


def debugger_folders(host: TrainingSpec) -> Iterator[tuple[Path, str]]:
    """The folders with their URIs."""
    if uri := tensors_uri(host):
        yield host.tensors, uri
    if uri := profile_uri(host):
        yield host.folder.profiler, uri
        yield host.script_profile, uri


def tensors_uri(spec: TrainingSpec) -> str | None:
    """Where tensors go; None without a DebugHookConfig."""
    hook = spec.request.get("DebugHookConfig")
    return f"{hook['S3OutputPath'].rstrip('/')}/{spec.name}/debug-output" if hook else None


def profile_uri(spec: TrainingSpec) -> str | None:
    """Where profiles go; None without a ProfilerConfig that says so."""
    base = (spec.request.get("ProfilerConfig") or {}).get("S3OutputPath")
    return f"{base.rstrip('/')}/{spec.name}/profiler-output" if base else None


def upload_end_markers(spec: TrainingSpec, objects: Objects) -> None:
    """Tell readers, here and in S3, that all has been written; to be done when all else is uploaded."""
    for host in spec.all_hosts():
        if uri := tensors_uri(host):
            _mark(host.tensors, uri, (END_MARKER,), objects)
        if (uri := profile_uri(host)) and is_profiled(host):
            _mark(host.folder.profiler, uri, PROFILE_MARKERS, objects)


def is_profiled(host: TrainingSpec) -> bool:
    """Whether a profile was asked for, or was taken before it was switched off."""
    switched_off = (host.request.get("ProfilerConfig") or {}).get("DisableProfiler")
    return not switched_off or any(folder.is_dir() for folder in (host.folder.profiler, host.script_profile))


def await_samplers(spec: TrainingSpec) -> None:
    """Wait until the samplers, which end with the script, have written their last sample."""
    deadline = time.monotonic() + SAMPLER_SECONDS
    for host in spec.all_hosts():
        while isinstance(process.observe(host.folder.root / "sampler"), process.Running):
            if time.monotonic() > deadline:  # it hangs; what it has written counts
                break
            time.sleep(0.01)


def _mark(folder: Path, uri: str, markers: tuple[str, ...], objects: Objects) -> None:
    for marker in markers:
        path = folder / marker
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    objects.upload_folder(folder, uri, markers)
