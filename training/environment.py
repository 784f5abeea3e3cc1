"""Where SageMaker put things: the container contract's SM_* variables and files."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import DiagnosticsError, TrainingJobError
from script_mode import VARIABLE, ScriptMode, read_script_mode

DEFAULT_CHECKPOINT_FOLDER = Path("/opt/ml/checkpoints")
CACHE_VARIABLE = "LOCAL_SAGEMAKER_JOB_CACHE"


@dataclass(frozen=True)
class Environment:
    """Folders and facts of one job; `channels` maps a channel's name to its folder."""

    channels: Mapping[str, Path]
    model_folder: Path
    output_folder: Path
    checkpoint_folder: Path | None
    cache_folder: str  # what all jobs of the machine share; empty where they share none
    host_cache_folder: str  # what the processes of this host may share for as long as they work; empty of one process
    debug_hook_config: Path | None
    profiler_config: Path | None
    profiler_folder: Path
    script_mode: ScriptMode | None
    job_name: str
    host: str
    cpus: int


def read_environment(variables: Mapping[str, str]) -> Environment:
    """The environment that `variables` (os.environ) describe; what is not set lies where the container has it."""
    config = Path(variables.get("SM_INPUT_CONFIG_DIR", "/opt/ml/input/config"))
    output_folder = Path(variables.get("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data"))
    checkpoint_folder = _checkpoint_folder(config / "checkpointconfig.json")
    debug_hook_config = _first_file(variables.get("SMDEBUG_CONFIG_FILE_PATH"), config / "debughookconfig.json")
    script_mode = read_script_mode(variables, checkpoint_folder)
    if script_mode is not None and script_mode.hook is not None and debug_hook_config is not None:
        raise DiagnosticsError(
            f"the job has a DebugHookConfig and, in {VARIABLE}, a hook of its own: give it one of them"
        )
    return Environment(
        channels={
            name.removeprefix("SM_CHANNEL_").lower(): Path(folder)
            for name, folder in variables.items()
            if name.startswith("SM_CHANNEL_")
        },
        model_folder=Path(variables.get("SM_MODEL_DIR", "/opt/ml/model")),
        output_folder=output_folder,
        checkpoint_folder=checkpoint_folder,
        cache_folder=variables.get(CACHE_VARIABLE, ""),
        host_cache_folder=_host_cache_folder(variables),
        debug_hook_config=debug_hook_config,
        profiler_config=_first_file(variables.get("SMPROFILER_CONFIG_PATH"), config / "profilerconfig.json"),
        profiler_folder=Path(variables.get("SM_OUTPUT_DIR", output_folder.parent)) / "profiler",
        script_mode=script_mode,
        job_name=variables.get("TRAINING_JOB_NAME", "local"),
        host=variables.get("SM_CURRENT_HOST", "algo-1"),
        cpus=_cpus(variables),
    )


def _checkpoint_folder(config: Path) -> Path | None:
    """checkpointconfig.json's LocalPath; else SageMaker's default folder where it exists; else nowhere."""
    if not config.is_file():
        return DEFAULT_CHECKPOINT_FOLDER if DEFAULT_CHECKPOINT_FOLDER.is_dir() else None
    try:
        local_path = json.loads(config.read_text(encoding="utf-8")).get("LocalPath")
    except (ValueError, AttributeError) as error:
        raise TrainingJobError(f"{config} is not a JSON object: {error}") from error
    return Path(local_path) if local_path else DEFAULT_CHECKPOINT_FOLDER


def _first_file(*candidates: str | Path | None) -> Path | None:
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def _processes(variables: Mapping[str, str]) -> int:
    """Those that torchrun has started on this host."""
    return int(variables.get("LOCAL_WORLD_SIZE", "1"))


def _host_cache_folder(variables: Mapping[str, str]) -> str:
    """Named by torchrun's process, the parent of them all."""
    name = f"training-cache-{os.getppid()}"
    return str(Path(tempfile.gettempdir()) / name) if _processes(variables) > 1 else ""


def _cpus(variables: Mapping[str, str]) -> int:
    """CPUs to compute with: OMP_NUM_THREADS is the stricter wish, SM_NUM_CPUS what the instance has.

    The processes of a host divide them. There torchrun itself sets OMP_NUM_THREADS to 1 where nobody has set it.
    """
    processes = _processes(variables)
    for name in ("OMP_NUM_THREADS", "SM_NUM_CPUS"):
        is_torchruns = name == "OMP_NUM_THREADS" and variables.get(name) == "1" and processes > 1
        if variables.get(name, "").isdigit() and int(variables[name]) > 0 and not is_torchruns:
            return max(1, int(variables[name]) // processes)
    return max(1, len(os.sched_getaffinity(0)) // processes)
