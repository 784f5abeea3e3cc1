"""Objects of the service's bucket, and of others where SageMaker was told to write there."""

from collections.abc import Iterator
from typing import IO

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.aws.errors import code_of, is_not_found, problems

TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


def put_if_absent(clients: Clients, bucket: str, key: str, body: bytes) -> str:
    """Upload `body` unless the key is there already; answers its s3:// URI.

    For keys that name their content, so that whatever is there under the key is the same.
    """
    with problems():
        try:
            clients.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            clients.s3.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


@problems()
def create(clients: Clients, bucket: str, key: str, body: bytes, content_type: str) -> bool:
    """Write a small object; False, and nothing written, when the key is taken. Of several at once one writes."""
    try:
        clients.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
    except ClientError as error:
        if code_of(error) in TAKEN:
            return False
        raise
    return True


@problems()
def upload(clients: Clients, bucket: str, key: str, file: IO[bytes], content_type: str) -> str:
    """Write an object of any size, read from `file` in parts; answers its s3:// URI."""
    clients.s3.upload_fileobj(file, bucket, key, ExtraArgs={"ContentType": content_type})
    return f"s3://{bucket}/{key}"


@problems()
def read(clients: Clients, s3_uri: str, limit_bytes: int) -> bytes | None:
    """The first `limit_bytes` of the object, or None when there is none."""
    bucket, key = _place(s3_uri)
    try:
        body = clients.s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    try:
        return body.read(limit_bytes)
    finally:
        body.close()


@problems()
def delete(clients: Clients, s3_uri: str) -> None:
    """Delete the object; one that is gone already is no error."""
    bucket, key = _place(s3_uri)
    clients.s3.delete_object(Bucket=bucket, Key=key)


@problems()
def uris_below(clients: Clients, bucket: str, key_prefix: str) -> list[str]:
    """The s3:// URIs of all objects whose keys begin so."""

    def found() -> Iterator[str]:
        for page in clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key_prefix):
            for item in page.get("Contents", []):
                yield f"s3://{bucket}/{item['Key']}"

    return list(found())


def _place(s3_uri: str) -> tuple[str, str]:
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    return bucket, key
