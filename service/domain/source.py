"""The source folder of jobs: packed the same way every time, so that its digest is its name."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from service.aws import s3
from service.aws.clients import Clients
from service.errors import InternalError, InvalidRequest

ARCHIVE_NAME = "sourcedir.tar.gz"
_LEFT_OUT_FOLDERS = {"__pycache__", "tests"}


def files_of(folder: Path) -> list[Path]:
    """The files to pack, relative and sorted: nothing hidden, no bytecode, no tests. Links to folders are not followed.

    Raises InternalError when the folder is not there.
    """
    if not folder.is_dir():
        action = "Set SAGEHOUND_TRAINING_SOURCE_DIR to a folder that the service can read."
        raise InternalError(f"The training source folder {folder} is not there.", action)
    return sorted(_walk(folder))


def pack(folder: Path) -> bytes:
    """A tar.gz with the folder's files at its top level: the same files give the same bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for relative in files_of(folder):
            content = (folder / relative).read_bytes()
            member = tarfile.TarInfo(relative.as_posix())
            member.size = len(content)
            member.mode = 0o755 if os.access(folder / relative, os.X_OK) else 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def upload(clients: Clients, bucket: str, folder: Path) -> str:
    """Put the packed folder into the bucket, once for each content; answers its s3:// URI."""
    archive = pack(folder)
    digest = hashlib.sha256(archive).hexdigest()
    key = f"{clients.settings.source_key_prefix}/{digest}/{ARCHIVE_NAME}"
    return s3.put_if_absent(clients, bucket, key, archive)


def check_entry_point(folder: Path, entry_point: str) -> None:
    """Raise InvalidRequest when the folder has no such script."""
    files = [path.as_posix() for path in files_of(folder)]
    if entry_point not in files:
        scripts = ", ".join(path for path in files if path.endswith(".py") and "/" not in path) or "none"
        pointer = {"pointer": "#/body/entry_point", "detail": f"{entry_point} is not in the training source folder"}
        detail = f"There is no script {entry_point} in the training source folder. At its top level are: {scripts}."
        raise InvalidRequest(detail, "Name one of them, or put yours into the folder.", errors=[pointer])


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT_FOLDERS and not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and not name.endswith((".pyc", ".pyo")):
                yield (Path(parent) / name).relative_to(folder)
