"""Model data of a variant: model.tar.gz downloaded and unpacked into what stands for /opt/ml/model."""

import contextlib
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.runtime import requirements
from local_sagemaker.runtime.archive import BadArchive, extract
from local_sagemaker.runtime.objects import BadObjectUri, ObjectError, ObjectNotFound, Objects
from local_sagemaker.runtime.serving.environment import code_dir

GIB = 1024**3


class ModelDataFailed(Exception):
    """The model data cannot be had; the message is a FailureReason."""


def is_fetched(folder: Path) -> bool:
    """Whether `folder/model` is complete."""
    return (folder / "model").is_dir()


@dataclass(frozen=True)
class ModelSource:
    """Where a variant's model comes from, and what bounds it. `environment` is the container's.

    Not `compressed`: `model_data_url` is an object, or a prefix that ends in /, of the files themselves.
    """

    model_data_url: str
    environment: Mapping[str, str]
    volume_size_gb: int | None
    compressed: bool = True


def packages_dir(folder: Path) -> Path:
    """What the model's requirements.txt asks for beyond this environment; missing when that is nothing."""
    return folder / "packages"


def fetch(objects: Objects, source: ModelSource, folder: Path, cache_dir: Path, log: Path) -> None:
    """Download and unpack into `folder/model`, complete or not at all, and install code/requirements.txt. Repeatable.

    A SAGEMAKER_SUBMIT_DIRECTORY in S3, as older SDKs name it, is unpacked to `model/code`. pip's output goes to `log`.
    Raises ModelDataFailed.
    """
    if is_fetched(folder):
        return
    unpacked = folder / "model.partial"
    shutil.rmtree(unpacked, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    limit_bytes = source.volume_size_gb * GIB if source.volume_size_gb else None
    if source.compressed:
        _unpack(objects, source.model_data_url, folder / "model.tar.gz", unpacked, limit_bytes)
    else:
        _copy(objects, source.model_data_url, unpacked, limit_bytes)
    submit_directory = source.environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submit_directory.startswith("s3://"):
        _unpack(objects, submit_directory, folder / "sourcedir.tar.gz", unpacked / "code", limit_bytes)
    needed = code_dir(source.environment, unpacked) / "requirements.txt"
    if needed.is_file():
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            requirements.install(needed, packages_dir(folder), cache_dir, log)
        except requirements.InstallRequirementsFailed as error:
            raise ModelDataFailed(f"The model's requirements.txt cannot be installed: {error}") from error
    unpacked.rename(folder / "model")


def _unpack(objects: Objects, url: str, archive: Path, folder: Path, limit_bytes: int | None) -> None:
    try:
        objects.download_file(url, archive)
        if limit_bytes is not None:
            _check_size(url, archive, limit_bytes)
        extract(archive, folder)
    except (ObjectNotFound, BadObjectUri) as error:
        raise ModelDataFailed(f"Could not find model data at {url}: {error}.") from error
    except ObjectError as error:
        raise ModelDataFailed(f"Failed to download model data from {url}: {error}.") from error
    except BadArchive as error:
        raise ModelDataFailed(
            f"Failed to extract model data archive from {url}: {error}. Please make it a valid tar.gz archive."
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            archive.unlink()


def _copy(objects: Objects, url: str, folder: Path, limit_bytes: int | None) -> None:
    folder.mkdir()
    try:
        if not url.endswith("/"):
            objects.download_file(url, folder / url.rpartition("/")[2])
        elif not objects.download_prefix(url, folder):
            raise ModelDataFailed(f"Could not find model data at {url}: there are no objects below it.")
    except (ObjectNotFound, BadObjectUri) as error:
        raise ModelDataFailed(f"Could not find model data at {url}: {error}.") from error
    except ObjectError as error:
        raise ModelDataFailed(f"Failed to download model data from {url}: {error}.") from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if limit_bytes is not None and size > limit_bytes:
        raise _too_large(url, size, limit_bytes)


def _check_size(url: str, archive: Path, limit_bytes: int) -> None:
    try:
        with tarfile.open(archive) as tar:
            size = sum(member.size for member in tar) + archive.stat().st_size
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadArchive(str(error)) from error
    if size > limit_bytes:
        raise _too_large(url, size, limit_bytes)


def _too_large(url: str, size: int, limit_bytes: int) -> ModelDataFailed:
    return ModelDataFailed(
        f"Model data at {url} needs {size / GIB:.2f} GB, more than the variant's VolumeSizeInGB of"
        f" {limit_bytes // GIB}. Set a larger VolumeSizeInGB in the endpoint configuration."
    )
