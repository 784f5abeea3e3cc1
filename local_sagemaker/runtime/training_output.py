"""What happens in Uploading: model, output, Debugger's files and checkpoints of all hosts. Repeatable as a whole."""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from local_sagemaker.runtime import archive
from local_sagemaker.runtime.objects import ObjectError, Objects, ObjectsUnreachable, file_names
from local_sagemaker.runtime.training_spec import TrainingSpec

END_OF_TENSORS = "training_job_end.ts"  # how readers of Debugger's files know that no more will come

ModelWanted = Literal["always", "any", "never"]
FileStates = dict[tuple[Path, str], tuple[int, int]]


class OutputFailed(Exception):
    """The results cannot be uploaded; the message is the FailureReason. They stay in the job's folder."""


def model_artifacts_uri(name: str, output: dict[str, str]) -> str:
    """S3ModelArtifacts of a job with this OutputDataConfig."""
    base = f"{output['S3OutputPath'].rstrip('/')}/{name}/output"
    return f"{base}/model/" if output.get("CompressionType") == "NONE" else f"{base}/model.tar.gz"


def upload(spec: TrainingSpec, objects: Objects, model: ModelWanted) -> None:
    """Upload what the script left. `model`: whether an artifact is made of the model folder, even of an empty one.

    The hosts' folders become one; where two hosts wrote the same file, the first host's counts. Raises OutputFailed.
    """
    try:
        _upload_output(spec, objects, model)
        for host in spec.all_hosts():
            _upload_debugger(host, objects)
    except ObjectError as error:
        raise _failed(spec, error) from error
    upload_last(spec, objects)


def upload_last(spec: TrainingSpec, objects: Objects) -> None:
    """Upload what is kept in step with S3, to the last file. Raises OutputFailed."""
    try:
        upload_changes(spec, objects, {})
    except ObjectError as error:
        raise _failed(spec, error) from error


def is_kept_in_step(spec: TrainingSpec) -> bool:
    """Whether the job has folders that are uploaded while it runs."""
    return bool(spec.request.get("CheckpointConfig") or spec.request.get("TensorBoardOutputConfig"))


def upload_changes(spec: TrainingSpec, objects: Objects, known: FileStates) -> FileStates:
    """Upload the checkpoints and TensorBoard's files that are not as in `known`; answers what is there now."""
    states: FileStates = {}
    for host in spec.all_hosts():
        for folder, uri in _kept_in_step(host):
            now = dict(_present(folder, file_names(folder))) if folder.is_dir() else {}
            objects.upload_folder(
                folder, uri, [name for name, state in now.items() if known.get((folder, name)) != state]
            )
            states |= {(folder, name): state for name, state in now.items()}
    return states


def _kept_in_step(host: TrainingSpec) -> Iterable[tuple[Path, str]]:
    if checkpoint := host.request.get("CheckpointConfig"):
        yield host.checkpoints, checkpoint["S3Uri"]
    if tensorboard := host.request.get("TensorBoardOutputConfig"):
        yield host.tensorboard, f"{tensorboard['S3OutputPath'].rstrip('/')}/{host.name}/tensorboard-output"


def _failed(spec: TrainingSpec, error: ObjectError) -> OutputFailed:
    blame = "InternalServerError" if isinstance(error, ObjectsUnreachable) else "ClientError"
    return OutputFailed(
        f"{blame}: Artifact upload failed: {error}. The results are still in {spec.folder.ml.resolve()}"
    )


def _upload_output(spec: TrainingSpec, objects: Objects, model: ModelWanted) -> None:
    config, hosts = spec.request["OutputDataConfig"], spec.all_hosts()
    base = f"{config['S3OutputPath'].rstrip('/')}/{spec.name}/output"
    models, outputs = [host.folder.model for host in hosts], [host.folder.output_data for host in hosts]
    parts = []
    if any(map(_has_files, outputs)):
        parts.append((outputs, "output", "data"))
    if model == "always" or (model == "any" and any(map(_has_files, models))):
        parts.append((models, "model", "model"))
    for sources, packed_name, loose_name in parts:
        workspace = spec.folder.root / "upload"
        workspace.mkdir(exist_ok=True)
        source = _merged(sources, workspace / loose_name)
        if config.get("CompressionType") == "NONE":
            objects.upload_folder(source, f"{base}/{loose_name}")
            continue
        packed = workspace / f"{packed_name}.tar.gz"
        archive.pack(source, packed)
        objects.upload_file(packed, f"{base}/{packed_name}.tar.gz")


def _merged(folders: Sequence[Path], target: Path) -> Path:
    """One folder with all their files; the first folder's where several have one of the same name."""
    first, *others = folders
    first.mkdir(parents=True, exist_ok=True)  # the script may have removed it
    if not any(map(_has_files, others)):
        return first
    shutil.rmtree(target, ignore_errors=True)
    for folder in folders[::-1]:
        if folder.is_dir():
            shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True, copy_function=_link)
    return target


def _link(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


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


def _present(folder: Path, names: Iterable[str]) -> Iterable[tuple[str, tuple[int, int]]]:
    for name in names:
        try:
            stat = (folder / name).stat()
        except FileNotFoundError:
            continue
        yield name, (stat.st_mtime_ns, stat.st_size)
