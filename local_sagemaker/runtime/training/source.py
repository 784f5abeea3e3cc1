"""A training script's source: fetched, unpacked into the code folder and installed, as SageMaker's toolkit does.

PYTHON_PROGRAM  train.py            requirements.txt is installed, then `python train.py`
PYTHON_PACKAGE  beside a setup.py   the package is installed with requirements.txt, then `python -m train`
COMMAND         anything else       made executable, then `/bin/sh -c ./train.sh`; requirements.txt is not installed
"""

import enum
import shutil
from pathlib import Path, PurePosixPath

from local_sagemaker.runtime import archive, job_log, requirements
from local_sagemaker.runtime.objects import ObjectError, ObjectNotFound, Objects, ObjectsUnreachable
from local_sagemaker.runtime.training import hyperparameters
from local_sagemaker.runtime.training.input_failed import InputFailed
from local_sagemaker.runtime.training.spec import TrainingSpec


class EntryPoint(enum.Enum):
    """How a sagemaker_program is run."""

    PYTHON_PROGRAM = enum.auto()
    PYTHON_PACKAGE = enum.auto()
    COMMAND = enum.auto()


def entry_point(program: str, code: Path) -> EntryPoint:
    """How `program` is run with what lies in `code`."""
    if program.endswith(".sh"):
        return EntryPoint.COMMAND
    if (code / "setup.py").is_file():
        return EntryPoint.PYTHON_PACKAGE
    return EntryPoint.PYTHON_PROGRAM if program.endswith(".py") else EntryPoint.COMMAND


def prepare_source(spec: TrainingSpec, objects: Objects, cache_dir: Path) -> None:
    """Fill the code folder and install what the source asks for. Raises InputFailed."""
    source = str(spec.hyperparameters[hyperparameters.SUBMIT_DIRECTORY])
    _fetch(spec, source, objects)
    kind = entry_point(spec.program, spec.folder.code)
    _check_program(spec, source, kind)
    if kind is EntryPoint.COMMAND:
        (spec.folder.code / spec.program).chmod(0o777)
        if (spec.folder.code / "requirements.txt").is_file():
            note = f"requirements.txt is not installed: {spec.program} is no Python program, and may do so itself."
            job_log.append(spec.folder.log, [note])
        return
    _install(spec, kind, cache_dir)


def _fetch(spec: TrainingSpec, source: str, objects: Objects) -> None:
    """From an archive in S3, or a folder or archive of this machine: file://, or a channel's by its path."""
    code = spec.folder.code
    try:
        if source.startswith("s3://"):
            found = objects.file(source)
        else:
            found = Path(source.removeprefix("file://")) if source.startswith("file://") else _place(spec, source)
            if found.is_dir():
                shutil.copytree(found, code, ignore_dangling_symlinks=True)  # an editor's locks are such
                return
            if not found.is_file():
                raise InputFailed(
                    f"ClientError: sagemaker_submit_directory {source!r} is neither an S3 URI nor a channel's path"
                )
        archive.extract(found, code)
    except ObjectNotFound as error:
        raise InputFailed(f"ClientError: The source of the training script is missing: {error}") from error
    except ObjectError as error:
        blame = "InternalServerError" if isinstance(error, ObjectsUnreachable) else "ClientError"
        raise InputFailed(f"{blame}: The source of the training script: {error}") from error
    except archive.BadArchive as error:
        raise InputFailed(f"ClientError: {source} is not a tar.gz archive of the training script: {error}") from error


def _place(spec: TrainingSpec, seen: str) -> Path:
    """What the script sees at a path: below /opt/ml, such as a channel."""
    return spec.folder.path(seen) if seen.startswith("/opt/ml/") else Path(seen)


def _check_program(spec: TrainingSpec, source: str, kind: EntryPoint) -> None:
    program, code = PurePosixPath(spec.program), spec.folder.code
    inside = not program.is_absolute() and ".." not in program.parts and not spec.program.startswith("-")
    if kind is EntryPoint.PYTHON_PACKAGE and inside:
        return  # setup.py says what modules there are
    if not inside or not (code / program).is_file() or not (code / program).resolve().is_relative_to(code.resolve()):
        held = ", ".join(sorted(path.name for path in code.iterdir())[:20]) or "nothing"
        raise InputFailed(f"ClientError: sagemaker_program {spec.program!r} is not in {source}, which holds: {held}")


def _install(spec: TrainingSpec, kind: EntryPoint, cache_dir: Path) -> None:
    wanted, package = spec.folder.code / "requirements.txt", kind is EntryPoint.PYTHON_PACKAGE
    try:
        if package:
            requirements.install_package(spec.folder.code, spec.folder.site_packages, spec.folder.log)
        elif wanted.is_file():
            requirements.install(wanted, spec.folder.site_packages, cache_dir, spec.folder.log)
    except requirements.InstallRequirementsFailed as error:
        raise InputFailed(f"AlgorithmError: {error}") from error
    except UnicodeDecodeError as error:
        raise InputFailed(
            f"AlgorithmError: InstallRequirementsError: requirements.txt is not UTF-8: {error}"
        ) from error
