"""Starting the sampler of a host of a training job, and starting it again when it was killed."""

import os
import sys
from pathlib import Path

from diagnostics.instances import instance_type
from local_sagemaker.runtime import compute_share, process, shim
from local_sagemaker.runtime.sampling.interval import interval_seconds
from local_sagemaker.runtime.training.configuration import PROFILER_FILE
from local_sagemaker.runtime.training.spec import TrainingSpec

REPOSITORY = Path(__file__).resolve().parents[3]
RECORDS = ("claim", "process.json", "exit.json")


def ensure_sampling(host: TrainingSpec) -> None:
    """Have the host's script sampled, where ProfilerConfig asks for it and its sampler is not there (any more).

    The sampler ends with the script; while DisableProfiler is true it only waits.
    """
    if interval_seconds(host.request.get("ProfilerConfig") or {}) is None:
        return
    folder = host.folder.root / "sampler"
    if isinstance(process.observe(folder), process.Running):
        return
    if not isinstance(process.observe(host.folder.root), process.Running):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for record in RECORDS:
        (folder / record).unlink(missing_ok=True)
    instance = instance_type(host.instance_type)
    plan: dict[str, object] = {
        "script": str(host.folder.root.resolve()),
        "root": str(host.folder.profiler.resolve()),
        "host": host.host,
        "profiler_config": str((host.folder.config / PROFILER_FILE).resolve()),
        "memory_bytes": instance.memory_gib * 2**30,
        "gpus": min(instance.gpus, compute_share.host_gpus()),
    }
    shim.write_json(str(folder / "sampling.json"), plan)
    process.spawn(
        folder,
        [sys.executable, "-m", "local_sagemaker.runtime.sampling", str(folder.resolve())],
        cwd=REPOSITORY,
        env={"PATH": os.environ.get("PATH", os.defpath)},
    )
