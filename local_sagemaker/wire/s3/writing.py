"""The requests that write objects: PutObject, CopyObject, and the parts and the end of a multipart upload.

nanio's own write and sync in the event loop, do not compare checksums, take UploadPartCopy for an empty part, and copy
without a new content type. The folders of multipart uploads stay nanio's, so that its other requests find them.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nanio.errors import (
    EntityTooSmall,
    InvalidArgument,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    MalformedXML,
    NoSuchUpload,
    NotImplemented_,
    PreconditionFailed,
)
from nanio.etag import multipart_etag, unquote_etag
from nanio.handlers._body import extract_user_metadata, parse_xml_safely, read_bounded_body
from nanio.storage.backend import ObjectInfo
from nanio.storage.multipart import MultipartInit, MultipartManager
from nanio.storage.paths import multipart_dir, multipart_part_md5_path, multipart_part_path
from nanio.xml import complete_multipart_upload_xml, copy_object_result_xml
from starlette.requests import Request
from starlette.responses import Response

from local_sagemaker.wire.s3.body import UploadBody, content_encoding
from local_sagemaker.wire.s3.conditions import not_modified
from local_sagemaker.wire.s3.storage import CHUNK_BYTES, FolderStorage, InvalidRange, Staged

MIN_PART_BYTES = 5 * 1024 * 1024  # S3's, for all parts but the last
_DEFAULT_TYPE = "binary/octet-stream"
_SOURCE_CONDITION = "x-amz-copy-source-if-"


async def put_object(request: Request, storage: FolderStorage, bucket: str, key: str) -> Response:
    """PutObject."""
    storage.check_key(bucket, key)
    members = _members(request)
    only_new = "if-none-match" in request.headers
    info = storage.commit(bucket, key, await _stage_body(request, storage), only_new=only_new, **members)
    return Response(headers={"ETag": info.etag})


async def copy_object(request: Request, storage: FolderStorage, bucket: str, key: str) -> Response:
    """CopyObject: metadata of the source, or, with x-amz-metadata-directive: REPLACE, of the request."""
    storage.check_key(bucket, key)
    source, info = _source(request, storage)
    directive = request.headers.get("x-amz-metadata-directive", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise InvalidArgument(f"x-amz-metadata-directive is {directive!r}, and must be COPY or REPLACE")
    if source == (bucket, key) and directive == "COPY":
        raise InvalidRequest("An object is copied onto itself only with x-amz-metadata-directive: REPLACE.")
    members = _members(request) if directive == "REPLACE" else _copied_members(info)
    copy = storage.commit(bucket, key, await storage.stage((await storage.get_object(*source)).body), **members)
    return _xml(copy_object_result_xml(etag=copy.etag, last_modified=copy.last_modified))


async def upload_part(request: Request, storage: FolderStorage, root: Path) -> Response:
    """UploadPart."""
    upload_id, number = _part(request, root)
    return Response(headers={"ETag": _keep_part(root, upload_id, number, await _stage_body(request, storage))})


async def upload_part_copy(request: Request, storage: FolderStorage, root: Path) -> Response:
    """UploadPartCopy: a part out of another object, or of a range of it."""
    upload_id, number = _part(request, root)
    (bucket, key), info = _source(request, storage)
    first, last = _section(request.headers.get("x-amz-copy-source-range"), info.size)
    section = await storage.get_object(bucket, key, range_start=first, range_end=last)
    etag = _keep_part(root, upload_id, number, await storage.stage(section.body))
    result = copy_object_result_xml(etag=etag, last_modified=datetime.now(UTC))
    return _xml(result.replace(b"CopyObjectResult", b"CopyPartResult"))


async def complete_multipart_upload(request: Request, storage: FolderStorage, root: Path) -> Response:
    """CompleteMultipartUpload: the parts become the object at once."""
    upload_id = _upload_id(request, root)
    upload = MultipartManager(root).load_init(upload_id)
    storage.check_key(upload.bucket, upload.key)
    parts = _asked_parts(await read_bounded_body(request))
    files = _part_files(root, upload_id, parts)
    staged = await storage.stage(_concatenated(files))
    etag = multipart_etag(unquote_etag(etag) for _, etag in parts)
    info = storage.commit(upload.bucket, upload.key, staged, **{**_copied_members(upload), "etag": etag})
    await asyncio.to_thread(shutil.rmtree, multipart_dir(root, upload_id))
    location = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    xml = complete_multipart_upload_xml(bucket=upload.bucket, key=upload.key, etag=info.etag, location=location)
    return _xml(xml)


def checked_upload_id(upload_id: str) -> str:
    """An upload id as nanio makes them. Raises NoSuchUpload for anything else: it becomes a part of a path."""
    if not re.fullmatch(r"[\w-]{16,64}", upload_id, re.ASCII):
        raise NoSuchUpload(resource=upload_id)
    return upload_id


async def _stage_body(request: Request, storage: FolderStorage) -> Staged:
    body = UploadBody(request)
    staged = await storage.stage(body, body.digests.values())
    try:
        body.verify(staged.size)
    except BaseException:
        staged.path.unlink()
        raise
    return staged


def _members(request: Request) -> dict[str, Any]:
    """What a request says about its object beside the bytes."""
    return {
        "content_type": request.headers.get("content-type", _DEFAULT_TYPE),
        "user_metadata": extract_user_metadata(request),
        "content_encoding": content_encoding(request.headers),
        "content_disposition": request.headers.get("content-disposition"),
        "cache_control": request.headers.get("cache-control"),
    }


def _copied_members(of: ObjectInfo | MultipartInit) -> dict[str, Any]:
    return {
        "content_type": of.content_type,
        "user_metadata": dict(of.user_metadata),
        "content_encoding": of.content_encoding,
        "content_disposition": of.content_disposition,
        "cache_control": of.cache_control,
    }


def _source(request: Request, storage: FolderStorage) -> tuple[tuple[str, str], ObjectInfo]:
    """Bucket and key of x-amz-copy-source (`[/]BUCKET/KEY[?versionId=null]`, percent-encoded), and what is known."""
    path, _, version = request.headers["x-amz-copy-source"].partition("?versionId=")
    if version not in ("", "null"):
        raise NotImplemented_("local_sagemaker's S3 does not have versions of objects")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not key:
        raise InvalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    info = storage.head_object(bucket, key)
    conditions = {
        name.removeprefix("x-amz-copy-source-"): value
        for name, value in request.headers.items()
        if name.startswith(_SOURCE_CONDITION)
    }
    if not_modified(conditions, info):
        raise PreconditionFailed
    return (bucket, key), info


def _section(text: str | None, size: int) -> tuple[int | None, int | None]:
    """First and last byte of x-amz-copy-source-range; None for the whole object."""
    if text is None:
        return None, None
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", text)
    if found is None:
        raise InvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last")
    first, last = int(found[1]), int(found[2])
    if first > last or last >= size:
        raise InvalidRange(f"The range {first}-{last} is not within the source's {size} bytes")
    return first, last


def _upload_id(request: Request, root: Path) -> str:
    upload_id = checked_upload_id(request.query_params["uploadId"])
    if not multipart_dir(root, upload_id).is_dir():
        raise NoSuchUpload(resource=upload_id)
    return upload_id


def _part(request: Request, root: Path) -> tuple[str, int]:
    number = request.query_params["partNumber"]
    if not number.isdecimal() or not 1 <= int(number) <= 10_000:
        raise InvalidArgument("Part number must be an integer between 1 and 10000, inclusive")
    return _upload_id(request, root), int(number)


def _keep_part(root: Path, upload_id: str, number: int, staged: Staged) -> str:
    if not multipart_dir(root, upload_id).is_dir():  # aborted meanwhile
        staged.path.unlink()
        raise NoSuchUpload(resource=upload_id)
    multipart_part_md5_path(root, upload_id, number).write_text(staged.md5)
    staged.path.rename(multipart_part_path(root, upload_id, number))
    return f'"{staged.md5}"'


def _asked_parts(body: bytes) -> list[tuple[int, str]]:
    """(number, ETag) of each part that the request names."""
    parts = []
    for element in parse_xml_safely(body):
        fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
        if not fields.get("PartNumber", "").isdecimal() or not fields.get("ETag"):
            raise MalformedXML("each Part has a PartNumber and an ETag")
        parts.append((int(fields["PartNumber"]), fields["ETag"]))
    if not parts:
        raise MalformedXML("an upload is completed with at least one Part")
    if any(after[0] <= before[0] for before, after in pairwise(parts)):
        raise InvalidPartOrder
    return parts


def _part_files(root: Path, upload_id: str, parts: Sequence[tuple[int, str]]) -> list[Path]:
    files = []
    for number, etag in parts:
        file = multipart_part_path(root, upload_id, number) if number <= 10_000 else Path("/nonexistent")
        if not file.is_file() or unquote_etag(etag) != multipart_part_md5_path(root, upload_id, number).read_text():
            raise InvalidPart(f"part {number} was not uploaded, or with another ETag")
        files.append(file)
    if any(file.stat().st_size < MIN_PART_BYTES for file in files[:-1]):
        raise EntityTooSmall(f"all parts but the last have at least {MIN_PART_BYTES} bytes")
    return files


async def _concatenated(files: Sequence[Path]) -> AsyncIterator[bytes]:
    for path in files:
        with path.open("rb", buffering=0) as file:
            while part := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield part


def _xml(body: bytes) -> Response:
    return Response(body, media_type="application/xml")
