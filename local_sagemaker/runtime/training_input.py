"""What happens in Downloading: channels, checkpoints, code, configuration and requirements. Repeatable as a whole."""

import shutil
import tarfile
from pathlib import Path, PurePosixPath

from local_sagemaker.runtime import archive, hyperparameters, requirements
from local_sagemaker.runtime.objects import ObjectError, ObjectNotFound, Objects, ObjectsUnreachable
from local_sagemaker.runtime.training_environment import TrainingSpec, write_configuration


class InputFailed(Exception):
    """The input cannot be used; the message is the FailureReason."""


def prepare(spec: TrainingSpec, objects: Objects, cache_dir: Path) -> None:
    """Lay out the job's folder for its script, from nothing. Raises InputFailed."""
    folder = spec.folder
    folder.root.mkdir(parents=True, exist_ok=True)
    folder.root.chmod(0o700)  # the script's environment may hold credentials
    shutil.rmtree(folder.ml, ignore_errors=True)
    folder.log.unlink(missing_ok=True)
    for made in (folder.model, folder.output_data, folder.output / "intermediate", folder.data, folder.home):
        made.mkdir(parents=True, exist_ok=True)
    spec.checkpoints.mkdir(parents=True, exist_ok=True)
    write_configuration(spec)
    for channel in spec.channels:
        _download_channel(spec, channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"], objects)
    _download_checkpoints(spec, objects)
    _unpack_code(spec, objects)
    _install_requirements(spec, cache_dir)


def _download_channel(spec: TrainingSpec, channel: str, uri: str, objects: Objects) -> None:
    try:
        objects.download_prefix(uri, spec.folder.data / channel)
    except ObjectNotFound as error:
        raise InputFailed(
            f"ClientError: Data download failed: No S3 objects found under S3 URL {uri!r} given in input data source"
            f" (channel {channel}). Please ensure that the bucket exists in the selected region ({spec.region}) and"
            " that objects exist under that S3 prefix"
        ) from error
    except ObjectError as error:
        raise InputFailed(f"{_blame(error)}: Data download failed for channel {channel}: {error}") from error


def _download_checkpoints(spec: TrainingSpec, objects: Objects) -> None:
    config = spec.request.get("CheckpointConfig")
    if not config:
        return
    try:
        if objects.any_exists(config["S3Uri"].rstrip("/") + "/"):
            objects.download_prefix(config["S3Uri"].rstrip("/") + "/", spec.checkpoints)
    except ObjectNotFound as error:  # the bucket
        raise InputFailed(f"ClientError: Checkpoints cannot be read: {error}") from error
    except ObjectError as error:
        raise InputFailed(f"{_blame(error)}: Checkpoints cannot be read: {error}") from error


def _unpack_code(spec: TrainingSpec, objects: Objects) -> None:
    code = spec.folder.code
    source = str(spec.hyperparameters[hyperparameters.SUBMIT_DIRECTORY])
    if source.startswith(("s3://", "file://")):
        packed = spec.folder.root / "sourcedir.tar.gz"
        try:
            objects.download_file(source, packed)
        except ObjectNotFound as error:
            raise InputFailed(f"ClientError: The source of the training script is missing: {error}") from error
        except ObjectError as error:
            raise InputFailed(f"{_blame(error)}: The source of the training script: {error}") from error
        if not tarfile.is_tarfile(packed):
            raise InputFailed(f"ClientError: {source} is not a tar.gz archive of the training script")
        try:
            archive.extract(packed, code)
        except archive.BadArchive as error:
            raise InputFailed(f"ClientError: {source}: {error}") from error
    elif Path(source).is_dir():  # a channel, by its path under /opt/ml
        shutil.copytree(source, code)
    else:
        raise InputFailed(
            f"ClientError: sagemaker_submit_directory {source!r} is neither an S3 URI nor a channel's path"
        )
    program = PurePosixPath(spec.program)
    if program.is_absolute() or ".." in program.parts or not (code / program).is_file():
        held = ", ".join(sorted(path.name for path in code.iterdir())[:20]) or "nothing"
        raise InputFailed(f"ClientError: sagemaker_program {spec.program!r} is not in {source}, which holds: {held}")


def _install_requirements(spec: TrainingSpec, cache_dir: Path) -> None:
    wanted = spec.folder.code / "requirements.txt"
    if not wanted.is_file():
        return
    try:
        requirements.install(wanted, spec.folder.site_packages, cache_dir, spec.folder.log)
    except requirements.InstallRequirementsFailed as error:
        raise InputFailed(f"AlgorithmError: {error}") from error
    except UnicodeDecodeError as error:
        raise InputFailed(
            f"AlgorithmError: InstallRequirementsError: requirements.txt is not UTF-8: {error}"
        ) from error


def _blame(error: ObjectError) -> str:
    return "InternalServerError" if isinstance(error, ObjectsUnreachable) else "ClientError"
