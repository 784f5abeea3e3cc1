"""A folder of images -> S3, in parallel, passing over what is there already."""

import hashlib
import mimetypes
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from datasets.progress import Progress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3_URI = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
CONNECTIONS = 8


class UploadFailed(Exception):
    """S3 refused or could not be reached; the message says what and where."""


def parse_s3_uri(text: str) -> tuple[str, str]:
    """Bucket and prefix without a slash at its end. Raises ValueError."""
    match = S3_URI.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not like s3://bucket/prefix")
    return match["bucket"], (match["prefix"] or "").strip("/")


def upload(folder: Path, names: Sequence[str], s3_uri: str) -> int:
    """Put the named files below `folder` under the prefix, and answer how many were sent.

    The bucket is made when it is missing. An object of the same size and MD5 (its ETag) is not sent again. Where S3 is,
    AWS_ENDPOINT_URL says. Raises UploadFailed.
    """
    bucket, prefix = parse_s3_uri(s3_uri)
    try:
        # A session of its own: boto3's default one would keep the first credentials it saw.
        client = boto3.session.Session().client(
            "s3", config=Config(max_pool_connections=CONNECTIONS, retries={"mode": "standard", "max_attempts": 5})
        )
        _make_bucket(client, bucket)
        there = dict(_objects(client, bucket, prefix))
    except (BotoCoreError, ClientError) as error:
        raise UploadFailed(f"{s3_uri} cannot be opened: {error}") from error

    def send(name: str) -> bool:
        key = f"{prefix}/{name}" if prefix else name
        path = folder / name
        if there.get(key) == (path.stat().st_size, hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()):
            return False
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        try:
            # One request whatever the size, so that the ETag is the MD5.
            client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType=kind)
        except (BotoCoreError, ClientError) as error:
            raise UploadFailed(f"{path} cannot be uploaded to s3://{bucket}/{key}: {error}") from error
        return True

    sent = 0
    with Progress(f"Uploading to {s3_uri}", len(names), "files") as progress, ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            for was_sent in pool.map(send, names):
                sent += was_sent
                progress.add()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sent


def _make_bucket(client: "S3Client", bucket: str) -> None:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        region = client.meta.region_name
        if region in {"us-east-1", "aws-global"}:
            client.create_bucket(Bucket=bucket)
        else:
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]  # a region by name


def _objects(client: "S3Client", bucket: str, prefix: str) -> Iterator[tuple[str, tuple[int, str]]]:
    """Size and ETag of each key below the prefix."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/" if prefix else "")
    for page in pages:
        for entry in page.get("Contents", []):
            yield entry["Key"], (entry["Size"], entry["ETag"].strip('"'))
