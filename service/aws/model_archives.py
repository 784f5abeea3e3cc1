"""Model artifacts in S3: a training job's model.tar.gz becomes a deployable one, with inference code under code/.

The deployable archive lies under the digest of its source and of the code, so it is made once, and two requests at the
same time write the same bytes. Everything streams through files on disk; an artifact never has to fit into memory.
"""

import gzip
import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.aws.errors import is_not_found, problems
from service.errors import BadRequest, InternalError

ARCHIVE_FORMAT = 1  # counts up when the same source and code are to give another archive
ENTRY_POINT = "inference.py"
CODE_DIR = "code"
NO_CODE = (".", "__pycache__", "Dockerfile")
CLASSES_FILE = "classes.json"
REQUIRED_MEMBERS = frozenset({"model.json", CLASSES_FILE, "model.xml", "model.bin"})
MAX_UNPACKED_BYTES = 8 * 2**30
MAX_CLASSES_BYTES = 4 * 2**20
# Weights hardly compress: level 1 costs a tenth of the default's time for the same size.
COMPRESSION_LEVEL = 1
BROKEN = (tarfile.TarError, EOFError, zlib.error)


@dataclass(frozen=True)
class ModelArtifact:
    """A model.tar.gz in S3, with what tells one version of it from another."""

    s3_uri: str
    bucket: str
    key: str
    etag: str
    size_bytes: int


@problems()
def find(clients: Clients, s3_uri: str) -> ModelArtifact:
    """The artifact at `s3://BUCKET/KEY`. Raises BadRequest when there is none."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    head = _head(clients, bucket, key)
    if head is None:
        raise BadRequest(
            f"There is no object {s3_uri}.", "Give the s3:// URI of a model.tar.gz, or a training_job instead."
        )
    etag, size_bytes = head
    return ModelArtifact(s3_uri, bucket, key, etag, size_bytes)


@problems()
def deployable(clients: Clients, artifact: ModelArtifact) -> str:
    """The S3 URI of the artifact with the service's inference code in it; made when it is not there yet.

    Raises BadRequest for an archive that cannot be read or lacks a member that inference needs.
    """
    code = _code_files(clients.settings.inference_source_dir)
    bucket = clients.bucket()
    key = f"{clients.settings.prefix}/models/{_digest(artifact, code)}/model.tar.gz"
    if _head(clients, bucket, key) is None:
        with tempfile.TemporaryFile(prefix="sagehound-model-") as packed:
            with (
                _members(clients, artifact) as source,
                gzip.GzipFile("", "wb", COMPRESSION_LEVEL, packed, 0) as zipped,
                tarfile.open(fileobj=zipped, mode="w") as target,
            ):
                _copy_model(source, target, artifact.s3_uri)
                _add_code(target, code)
            packed.seek(0)
            clients.s3.upload_fileobj(packed, bucket, key)
    return f"s3://{bucket}/{key}"


@problems()
def read_classes(clients: Clients, artifact: ModelArtifact) -> bytes:
    """classes.json of the artifact, read no further than to its end. Raises BadRequest when it has none."""
    with _members(clients, artifact) as source:
        for member in source:
            if _plain_name(member) != CLASSES_FILE:
                continue
            if member.size > MAX_CLASSES_BYTES:
                raise _bad(artifact.s3_uri, f"its {CLASSES_FILE} has {member.size:,} bytes")
            content = source.extractfile(member)
            if content is not None:
                return content.read()
    raise _bad(artifact.s3_uri, f"it has no {CLASSES_FILE}")


@contextmanager
def _members(clients: Clients, artifact: ModelArtifact) -> Iterator[tarfile.TarFile]:
    """The archive as a stream out of S3: of the very version that `find` saw."""
    body = clients.s3.get_object(Bucket=artifact.bucket, Key=artifact.key, IfMatch=artifact.etag)["Body"]
    try:
        with tarfile.open(fileobj=body, mode="r|gz") as source:
            yield source
    except BROKEN as error:
        raise _bad(artifact.s3_uri, f"it is no complete tar.gz archive: {error}") from error
    finally:
        body.close()


def _copy_model(source: tarfile.TarFile, target: tarfile.TarFile, s3_uri: str) -> None:
    """All members but code/, in their order, without owners and times."""
    names: set[str] = set()
    unpacked_bytes = 0
    for member in source:
        name = _plain_name(member)
        if member.isdir() or PurePosixPath(name).parts[:1] == (CODE_DIR,):
            continue
        if not member.isfile() or name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise _bad(s3_uri, f"its member {member.name!r} is a link or device, or lies outside of the model's folder")
        unpacked_bytes += member.size
        if unpacked_bytes > MAX_UNPACKED_BYTES:
            raise _bad(s3_uri, f"it unpacks to more than {MAX_UNPACKED_BYTES / 2**30:g} GiB")
        target.addfile(_header(name, member.size), source.extractfile(member))
        names.add(name)
    missing = REQUIRED_MEMBERS - names
    if missing:
        raise _bad(s3_uri, f"it lacks {', '.join(sorted(missing))}")


def _add_code(target: tarfile.TarFile, code: list[tuple[str, Path]]) -> None:
    for name, path in code:
        with path.open("rb") as file:
            target.addfile(_header(f"{CODE_DIR}/{name}", path.stat().st_size), file)


def _header(name: str, size_bytes: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size_bytes
    header.mode = 0o644
    return header


def _plain_name(member: tarfile.TarInfo) -> str:
    """`model.json` for ./model.json."""
    return member.name.removeprefix("./")


def _code_files(folder: Path) -> list[tuple[str, Path]]:
    """The files that become code/, by relative name. Raises InternalError when the setting names no such folder."""
    files = sorted(
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(NO_CODE) for part in path.relative_to(folder).parts)
    )
    if ENTRY_POINT not in [name for name, _ in files]:
        raise InternalError(
            f"The folder {folder} has no {ENTRY_POINT}.",
            "Let SAGEHOUND_INFERENCE_SOURCE_DIR name the folder of the inference code, and start the service again.",
        )
    return files


def _digest(artifact: ModelArtifact, code: list[tuple[str, Path]]) -> str:
    code_digests = [(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in code]
    identity = [ARCHIVE_FORMAT, artifact.s3_uri, artifact.etag, artifact.size_bytes, code_digests]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def _head(clients: Clients, bucket: str, key: str) -> tuple[str, int] | None:
    try:
        head = clients.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    return head["ETag"], head["ContentLength"]


def _bad(s3_uri: str, reason: str) -> BadRequest:
    return BadRequest(
        f"{s3_uri} cannot be deployed: {reason}.",
        "Deploy the model.tar.gz that a training job of this service wrote, or name the training_job.",
    )
