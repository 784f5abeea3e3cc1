"""What happens in Downloading: channels, checkpoints, code, configuration and requirements. Repeatable as a whole."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_sagemaker.runtime.objects import ObjectError, ObjectNotFound, Objects, ObjectsUnreachable
from local_sagemaker.runtime.training import channels as training_channels
from local_sagemaker.runtime.training.configuration import write_configuration
from local_sagemaker.runtime.training.input_failed import InputFailed
from local_sagemaker.runtime.training.manifests import BadManifest
from local_sagemaker.runtime.training.source import prepare_source
from local_sagemaker.runtime.training.spec import TrainingSpec

__all__ = ["InputFailed", "prepare"]


def prepare(spec: TrainingSpec, objects: Objects, cache_dir: Path) -> None:
    """Lay out the job's folder for its script, from nothing. Raises InputFailed."""
    folder = spec.folder
    folder.root.mkdir(parents=True, exist_ok=True)
    folder.root.chmod(0o700)  # the script's environment may hold credentials
    shutil.rmtree(folder.ml, ignore_errors=True)
    if spec.attempt == 1:
        folder.log.unlink(missing_ok=True)  # of an attempt at this step that was cut off
    for made in (folder.model, folder.output_data, folder.output / "intermediate", folder.data, folder.home):
        made.mkdir(parents=True, exist_ok=True)
    spec.checkpoints.mkdir(parents=True, exist_ok=True)
    write_configuration(spec)
    for channel in spec.channels:
        _download_channel(spec, channel, objects)
    _download_checkpoints(spec, objects)
    if spec.entrypoint:
        folder.code.mkdir(exist_ok=True)
        return
    prepare_source(spec, objects, cache_dir)


def _download_channel(spec: TrainingSpec, channel: Mapping[str, Any], objects: Objects) -> None:
    name, uri = channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"]
    folder, hosts = spec.folder.data / name, training_channels.channel_hosts(channel, spec.groups)
    folder.mkdir(parents=True)
    if spec.host not in hosts:
        return
    try:
        training_channels.download_channel(channel, folder, spec.host, hosts, objects)
    except training_channels.NoData as error:
        raise InputFailed(
            f"ClientError: Data download failed: No S3 objects found under S3 URL {uri!r} given in input data source"
            f" (channel {name}). Please ensure that the bucket exists in the selected region ({spec.region}) and"
            " that objects exist under that S3 prefix"
        ) from error
    except ObjectError as error:
        raise InputFailed(f"{_blame(error)}: Data download failed for channel {name}: {error}") from error
    except BadManifest as error:
        raise InputFailed(f"ClientError: Data download failed for channel {name}: {uri}: {error}") from error


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


def _blame(error: ObjectError) -> str:
    return "InternalServerError" if isinstance(error, ObjectsUnreachable) else "ClientError"
