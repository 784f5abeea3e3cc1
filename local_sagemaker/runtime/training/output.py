"""What happens in Uploading: model, output, checkpoints and Debugger's files of all hosts. Repeatable as a whole."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from local_sagemaker.runtime import archive
from local_sagemaker.runtime.objects import ObjectError, Objects, ObjectsUnreachable
from local_sagemaker.runtime.training import debugger_folders, kept_folders
from local_sagemaker.runtime.training.kept_folders import Uploaded
from local_sagemaker.runtime.training.spec import TrainingSpec

KEPT = "The results are still in"  # in the FailureReason of a job whose folder stays

ModelWanted = Literal["always", "any", "never"]


class OutputFailed(Exception):
    """The results cannot be uploaded; the message is the FailureReason. They stay in the job's folder."""


def model_artifacts_uri(name: str, output: dict[str, str]) -> str:
    """S3ModelArtifacts of a job with this OutputDataConfig."""
    base = f"{output['S3OutputPath'].rstrip('/')}/{name}/output"
    return f"{base}/model/" if output.get("CompressionType") == "NONE" else f"{base}/model.tar.gz"


def upload(spec: TrainingSpec, objects: Objects, model: ModelWanted, uploaded: Uploaded) -> None:
    """Upload what the script left. `model`: whether an artifact is made of the model folder, even of an empty one.

    The hosts' folders become one; where two hosts wrote the same file, the first host's counts. `uploaded` is what was
    so while the script ran. Raises OutputFailed.
    """
    with _told(spec):
        _upload_output(spec, objects, model)
    upload_last(spec, objects, uploaded)
    with _told(spec):
        debugger_folders.upload_end_markers(spec, objects)


def upload_last(spec: TrainingSpec, objects: Objects, uploaded: Uploaded) -> None:
    """Upload what is kept in step with S3, to the last file. Raises OutputFailed."""
    debugger_folders.await_samplers(spec)
    with _told(spec):
        kept_folders.upload_changes(spec, objects, uploaded, thorough=True)


@contextlib.contextmanager
def _told(spec: TrainingSpec) -> Iterator[None]:
    """Have whatever keeps results from S3 named beside the folder in which they stay."""
    try:
        yield
    except (ObjectError, OSError, ValueError) as error:  # a full disk; names that are no UTF-8
        ours = isinstance(error, ObjectsUnreachable) or not isinstance(error, ObjectError)
        raise OutputFailed(
            f"{'InternalServerError' if ours else 'ClientError'}: Artifact upload failed: {str(error)[:500]}."
            f" {KEPT} {spec.folder.ml.resolve()}"
        ) from error


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
    for folder in folders:
        if folder.is_dir():
            _add(folder, target)
    return target


def _add(folder: Path, target: Path) -> None:
    """Link into `target` what is in `folder` and not there."""
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(folder) as entries:
        for entry in entries:
            place = target / entry.name
            if not os.path.lexists(place) and not entry.is_dir(follow_symlinks=False):
                os.link(entry.path, place, follow_symlinks=False)
            elif entry.is_dir(follow_symlinks=False) and not place.is_symlink() and not place.is_file():
                _add(Path(entry.path), place)


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
