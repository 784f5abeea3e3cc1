"""Starting the sampler of a host of a training job, and starting it again when it was killed."""

import contextlib
import json
import logging
import os
import sys
from pathlib import Path

from diagnostics.instances import instance_type
from local_sagemaker.runtime import compute_share, process, shim
from local_sagemaker.runtime.sampling.interval import interval_seconds
from local_sagemaker.runtime.training.configuration import PROFILER_FILE
from local_sagemaker.runtime.training.spec import TrainingSpec

logger = logging.getLogger(__name__)

REPOSITORY = Path(__file__).resolve().parents[3]
MAX_STARTS = 5  # of one script's sampler
PLAN = "sampling.json"


def ensure_sampling(host: TrainingSpec) -> None:
    """Have the host's script sampled, where ProfilerConfig asks for it and its sampler is not there (any more).

    The sampler ends with the script; while DisableProfiler is true it only waits.
    """
    if interval_seconds(host.request.get("ProfilerConfig") or {}) is None:
        return
    if not isinstance(process.observe(host.folder.root), process.Running):
        return
    folder = host.folder.root / "sampler"
    starts = _starts(folder)
    match process.observe(folder):
        case process.Running():
            return
        case process.NotStarted():  # or a moment ago: then this one gives way to that
            starts = max(1, starts)
        case process.Exited(returncode=0):  # with an earlier start of the script
            process.forget(folder)
            starts = 1
        case _:
            if starts == MAX_STARTS:
                return
            process.forget(folder)
            starts += 1
            if starts == MAX_STARTS:
                logger.warning("%s: the last start of the sampler of %s; see %s", host.name, host.host, folder / "log")
    _start(host, folder, starts)


def _starts(folder: Path) -> int:
    """How often the sampler was started for this script."""
    with contextlib.suppress(FileNotFoundError):
        return int(json.loads((folder / PLAN).read_bytes())["starts"])
    return 0


def _start(host: TrainingSpec, folder: Path, starts: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    instance = instance_type(host.instance_type)
    plan: dict[str, object] = {
        "starts": starts,
        "script": str(host.folder.root.resolve()),
        "root": str(host.folder.profiler.resolve()),
        "host": host.host,
        "profiler_config": str((host.folder.config / PROFILER_FILE).resolve()),
        "memory_bytes": instance.memory_gib * 2**30,
        "gpus": min(instance.gpus, compute_share.host_gpus()),
    }
    shim.write_json(str(folder / PLAN), plan)
    process.spawn(
        folder,
        [sys.executable, "-m", "local_sagemaker.runtime.sampling", str(folder.resolve())],
        cwd=REPOSITORY,
        env={"PATH": os.environ.get("PATH", os.defpath)},
    )
