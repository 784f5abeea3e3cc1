"""What happens in Uploading: model, output, Debugger's files and checkpoints. Repeatable as a whole."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from local_sagemaker.runtime import archive
from local_sagemaker.runtime.objects import ObjectError, Objects, ObjectsUnreachable, file_names
from local_sagemaker.runtime.training_environment import TrainingSpec

END_OF_TENSORS = "training_job_end.ts"  # how readers of Debugger's files know that no more will come

ModelWanted = Literal["always", "any", "never"]
FileStates = dict[str, tuple[int, int]]


class OutputFailed(Exception):
    """The results cannot be uploaded; the message is the FailureReason. They stay in the job's folder."""


def model_artifacts_uri(name: str, output: dict[str, str]) -> str:
    """S3ModelArtifacts of a job with this OutputDataConfig."""
    base = f"{output['S3OutputPath'].rstrip('/')}/{name}/output"
    return f"{base}/model/" if output.get("CompressionType") == "NONE" else f"{base}/model.tar.gz"


def upload(spec: TrainingSpec, objects: Objects, model: ModelWanted) -> None:
    """Upload what the script left. `model`: whether an artifact is made of the model folder, even of an empty one.

    Raises OutputFailed.
    """
    try:
        _upload_output(spec, objects, model)
        _upload_debugger(spec, objects)
        upload_checkpoints(spec, objects, {})
    except ObjectError as error:
        blame = "InternalServerError" if isinstance(error, ObjectsUnreachable) else "ClientError"
        raise OutputFailed(
            f"{blame}: Artifact upload failed: {error}. The results are still in {spec.folder.ml.resolve()}"
        ) from error


def upload_checkpoints(spec: TrainingSpec, objects: Objects, known: FileStates) -> FileStates:
    """Upload the checkpoints that are not as in `known`; answers what is there now."""
    config = spec.request.get("CheckpointConfig")
    if not config or not spec.checkpoints.is_dir():
        return known
    now = _states(spec.checkpoints)
    changed = [name for name, state in now.items() if known.get(name) != state]
    objects.upload_folder(spec.checkpoints, config["S3Uri"], changed)
    return now


def _upload_output(spec: TrainingSpec, objects: Objects, model: ModelWanted) -> None:
    config, folder = spec.request["OutputDataConfig"], spec.folder
    base = f"{config['S3OutputPath'].rstrip('/')}/{spec.name}/output"
    parts = []
    if _has_files(folder.output_data):
        parts.append((folder.output_data, "output", "data"))
    if model == "always" or (model == "any" and _has_files(folder.model)):
        parts.append((folder.model, "model", "model"))
    for source, packed_name, loose_name in parts:
        if config.get("CompressionType") == "NONE":
            objects.upload_folder(source, f"{base}/{loose_name}")
            continue
        packed = folder.root / "upload" / f"{packed_name}.tar.gz"
        packed.parent.mkdir(exist_ok=True)
        source.mkdir(parents=True, exist_ok=True)  # the script may have removed it
        archive.pack(source, packed)
        objects.upload_file(packed, f"{base}/{packed_name}.tar.gz")


def _upload_debugger(spec: TrainingSpec, objects: Objects) -> None:
    hook, profiler = spec.request.get("DebugHookConfig"), spec.request.get("ProfilerConfig") or {}
    if hook:
        spec.tensors.mkdir(parents=True, exist_ok=True)
        (spec.tensors / END_OF_TENSORS).touch()
        objects.upload_folder(spec.tensors, f"{hook['S3OutputPath'].rstrip('/')}/{spec.name}/debug-output")
    local = (profiler.get("ProfilingParameters") or {}).get("LocalPath")
    if local and profiler.get("S3OutputPath") and spec.folder.path(local).is_dir():
        objects.upload_folder(
            spec.folder.path(local), f"{profiler['S3OutputPath'].rstrip('/')}/{spec.name}/profiler-output"
        )


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))


def _states(folder: Path) -> FileStates:
    return dict(_present(folder, file_names(folder)))


def _present(folder: Path, names: Iterable[str]) -> Iterable[tuple[str, tuple[int, int]]]:
    for name in names:
        try:
            stat = (folder / name).stat()
        except FileNotFoundError:
            continue
        yield name, (stat.st_mtime_ns, stat.st_size)
