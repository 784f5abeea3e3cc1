"""S3 through boto3, as the SDKs and the engine use it."""

import hashlib
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.local_server import boto_client

MEGABYTE = 1024 * 1024
KEYS = ["plain", "a b/c d.txt", "ü/日本/é.bin", "a+b=c&d;e", "100%/q?x#y", "deep/er/and/deeper", "~!@$^*()_-'\""]


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    """A new bucket, named after the test."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-") + f"-{time.time_ns() % 10**9}"
    s3.create_bucket(Bucket=name)
    return name


def md5(body: bytes) -> str:
    """As in ETags."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def refused(call: Any, **members: Any) -> tuple[str, int]:
    """Code and status of the error that a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    response: Any = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("key", KEYS)
def test_an_object_comes_back_as_it_was_put(s3: Any, bucket: str, key: str) -> None:
    body = os.urandom(100_000)
    put = s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="image/jpeg", Metadata={"who": "me"})
    assert put["ETag"] == f'"{md5(body)}"'
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == body
    assert (got["ContentType"], got["Metadata"], got["ETag"]) == ("image/jpeg", {"who": "me"}, put["ETag"])
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["ContentLength"], head["ETag"]) == (len(body), put["ETag"])
    assert abs((datetime.now(UTC) - head["LastModified"]).total_seconds()) < 60
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert refused(s3.head_object, Bucket=bucket, Key=key) == ("404", 404)
    assert refused(s3.get_object, Bucket=bucket, Key=key) == ("NoSuchKey", 404)


def test_objects_are_plain_files(s3: Any, bucket: str, state_dir: Path) -> None:
    s3.put_object(Bucket=bucket, Key="train/1.txt", Body=b"one")
    assert (state_dir / "buckets" / bucket / "train" / "1.txt").read_bytes() == b"one"


def test_files_copied_by_hand_are_sound_objects(s3: Any, base_url: str, state_dir: Path, tmp_path: Path) -> None:
    folder = state_dir / "buckets" / "by-hand" / "train"
    folder.mkdir(parents=True)
    source = tmp_path / "dog.jpg"
    source.write_bytes(b"woof")
    os.utime(source, (1_700_000_000, 1_700_000_000))
    shutil.copy2(source, folder / "dog.jpg")
    assert "by-hand" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    (listed,) = s3.list_objects_v2(Bucket="by-hand", Prefix="train/")["Contents"]
    head = s3.head_object(Bucket="by-hand", Key="train/dog.jpg")
    assert listed["ETag"] == head["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}-1"', head["ETag"])
    assert head["LastModified"] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert s3.get_object(Bucket="by-hand", Key="train/dog.jpg")["Body"].read() == b"woof"
    (folder / "dog.jpg").write_bytes(b"bark")
    assert s3.head_object(Bucket="by-hand", Key="train/dog.jpg")["ETag"] != head["ETag"]


def test_a_file_changed_by_hand_is_not_described_by_what_was_known_before(
    s3: Any, bucket: str, state_dir: Path
) -> None:
    s3.put_object(Bucket=bucket, Key="labels.csv", Body=b"old", ContentType="text/csv")
    (state_dir / "buckets" / bucket / "labels.csv").write_bytes(b"new and longer")
    got = s3.get_object(Bucket=bucket, Key="labels.csv")
    assert got["Body"].read() == b"new and longer"
    assert got["ETag"] != f'"{md5(b"old")}"'


def test_upload_file_and_download_file_in_parts(s3: Any, bucket: str, tmp_path: Path) -> None:
    body = os.urandom(20 * MEGABYTE + 123)
    (tmp_path / "up").write_bytes(body)
    s3.upload_file(str(tmp_path / "up"), bucket, "model/model.tar.gz", ExtraArgs={"ServerSideEncryption": "aws:kms"})
    assert s3.head_object(Bucket=bucket, Key="model/model.tar.gz")["ETag"].endswith('-3"')
    s3.download_file(bucket, "model/model.tar.gz", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == body
    config = TransferConfig(multipart_threshold=6 * MEGABYTE, multipart_chunksize=6 * MEGABYTE)
    s3.copy({"Bucket": bucket, "Key": "model/model.tar.gz"}, bucket, "copy of it", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy of it")["Body"].read() == body
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_multipart_upload_by_hand(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="text/plain")["UploadId"]
    call = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    first = s3.upload_part(**call, PartNumber=1, Body=b"a" * 5 * MEGABYTE)["ETag"]
    last = s3.upload_part(**call, PartNumber=2, Body=b"b")["ETag"]
    assert [part["ETag"] for part in s3.list_parts(**call)["Parts"]] == [first, last]
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": last}]
    wrong = [{"PartNumber": 1, "ETag": last}]
    assert refused(s3.complete_multipart_upload, **call, MultipartUpload={"Parts": wrong}) == ("InvalidPart", 400)
    reversed_parts = {"Parts": parts[::-1]}
    assert refused(s3.complete_multipart_upload, **call, MultipartUpload=reversed_parts) == ("InvalidPartOrder", 400)
    s3.complete_multipart_upload(**call, MultipartUpload={"Parts": parts})
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["ContentLength"], got["ContentType"]) == (5 * MEGABYTE + 1, "text/plain")
    assert refused(s3.upload_part, **call, PartNumber=3, Body=b"c") == ("NoSuchUpload", 404)
    again = s3.create_multipart_upload(Bucket=bucket, Key="k2")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k2", UploadId=again)
    assert refused(s3.list_parts, Bucket=bucket, Key="k2", UploadId=again) == ("NoSuchUpload", 404)
    assert refused(s3.list_parts, Bucket=bucket, Key="k2", UploadId="../../x") == ("NoSuchUpload", 404)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("bytes=0-2", b"012"),
        ("bytes=7-", b"789"),
        ("bytes=-2", b"89"),
        ("bytes=8-100", b"89"),
        ("bytes=-100", b"0123456789"),
    ],
)
def test_ranges(s3: Any, bucket: str, asked: str, answered: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="digits", Range=asked)
    assert got["Body"].read() == answered
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"].endswith("/10")
    assert refused(s3.get_object, Bucket=bucket, Key="digits", Range="bytes=10-") == ("InvalidRange", 416)


def test_conditions(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"1"
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfMatch='"0"') == ("PreconditionFailed", 412)
    assert refused(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == ("304", 304)
    assert refused(s3.head_object, Bucket=bucket, Key="k", IfModifiedSince=datetime(2100, 1, 1, tzinfo=UTC))[1] == 304
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch=etag) == ("NotImplemented", 501)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch=etag) == ("NotImplemented", 501)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def test_only_one_of_many_makes_a_new_object(s3: Any, bucket: str) -> None:
    def put(number: int) -> tuple[str, int] | None:
        try:
            s3.put_object(Bucket=bucket, Key="once", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, range(16)))
    assert answers.count(None) == 1
    assert answers.count(("PreconditionFailed", 412)) == 15
    assert s3.get_object(Bucket=bucket, Key="once")["Body"].read() == str(answers.index(None)).encode()


def test_copies(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a+b c", Body=b"1", ContentType="text/a", Metadata={"m": "1"})
    source = {"Bucket": bucket, "Key": "a+b c"}
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="new", CopySource=source, ContentType="text/b", MetadataDirective="REPLACE")
    same, new = s3.get_object(Bucket=bucket, Key="same"), s3.get_object(Bucket=bucket, Key="new")
    assert (same["Body"].read(), same["ContentType"], same["Metadata"]) == (b"1", "text/a", {"m": "1"})
    assert (new["Body"].read(), new["ContentType"], new["Metadata"]) == (b"1", "text/b", {})
    missing = {"Bucket": bucket, "Key": "nothing"}
    assert refused(s3.copy_object, Bucket=bucket, Key="x", CopySource=missing) == ("NoSuchKey", 404)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_compared(s3: Any, bucket: str, algorithm: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"right", ChecksumAlgorithm=algorithm)
    wrong = {"CRC32": "AAAAAA==", "SHA1": "A" * 27 + "=", "SHA256": "A" * 43 + "="}[algorithm]
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"wrong", **{f"Checksum{algorithm}": wrong}) == (
        "BadDigest",
        400,
    )
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"right"


def test_listing_pages_lose_nothing_and_come_in_order(s3: Any, bucket: str, state_dir: Path) -> None:
    # "a-", "a." and "a0" sort before, before and behind "a/", whatever a folder's own order is.
    keys = sorted([f"a/{n}" for n in range(5)] + [f"a-{n}" for n in range(3)] + ["a.txt", "a0", "b/c/d", "B", "é", "z"])
    for key in keys:
        path = state_dir / "buckets" / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (state_dir / "buckets" / bucket / "empty").mkdir()
    for size in range(1, len(keys) + 2):
        for version in ("list_objects_v2", "list_objects"):
            pages = s3.get_paginator(version).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
            assert [one["Key"] for page in pages for one in page.get("Contents", [])] == keys
            pages = s3.get_paginator(version).paginate(
                Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}
            )
            found = [
                one.get("Key") or one["Prefix"]
                for page in pages
                for one in [*page.get("Contents", []), *page.get("CommonPrefixes", [])]
            ]
            assert sorted(found) == sorted([key for key in keys if "/" not in key] + ["a/", "b/"])
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, StartAfter="a/3")["Contents"]] == keys[
        keys.index("a/4") :
    ]
    below = s3.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert [one["Prefix"] for one in below["CommonPrefixes"]] == ["b/c/"]
    assert s3.list_objects_v2(Bucket=bucket, Prefix="a", Delimiter="-")["CommonPrefixes"] == [{"Prefix": "a-"}]
    assert s3.list_objects_v2(Bucket=bucket, Prefix="nothing")["KeyCount"] == 0


def test_an_upload_under_way_is_not_listed(s3: Any, bucket: str, state_dir: Path) -> None:
    (state_dir / "buckets" / ".nanio" / "staged" / "half").write_bytes(b"half")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"1")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Key"] == "k"


def test_fifty_objects_at_once_and_their_deletion(s3: Any, bucket: str) -> None:
    bodies = {f"n/{number}": os.urandom(50_000) for number in range(50)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: s3.put_object(Bucket=bucket, Key=item[0], Body=item[1]), bodies.items()))
        got = dict(pool.map(lambda key: (key, s3.get_object(Bucket=bucket, Key=key)["Body"].read()), bodies))
    assert got == bodies
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in bodies]})["Deleted"]
    assert len(deleted) == 50
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.head_bucket, Bucket=bucket) == ("404", 404)


def test_one_key_put_by_many_at_once_is_one_of_them(s3: Any, bucket: str) -> None:
    bodies = [bytes([number]) * 200_000 for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda body: s3.put_object(Bucket=bucket, Key="k", Body=body), bodies))
    got = s3.get_object(Bucket=bucket, Key="k")
    body = got["Body"].read()
    assert body in bodies
    assert got["ETag"] == f'"{md5(body)}"'


def test_buckets(s3: Any) -> None:
    s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.head_bucket(Bucket="elsewhere", ExpectedBucketOwner="123456789012")
    assert refused(s3.head_bucket, Bucket="elsewhere", ExpectedBucketOwner="999999999999")[1] == 403
    assert refused(s3.create_bucket, Bucket="elsewhere") == ("BucketAlreadyOwnedByYou", 409)
    assert refused(s3.create_bucket, Bucket="Not_A_Bucket.")[1] == 400
    assert refused(s3.list_objects_v2, Bucket="not-there") == ("NoSuchBucket", 404)
    assert refused(s3.put_object, Bucket="not-there", Key="k", Body=b"1") == ("NoSuchBucket", 404)
    created = {bucket["Name"]: bucket["CreationDate"] for bucket in s3.list_buckets()["Buckets"]}["elsewhere"]
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60


def test_what_is_not_there_is_refused_and_destroys_nothing(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"precious")
    place = {"Bucket": bucket, "Key": "k"}
    not_here = ("NotImplemented", 501)
    assert refused(s3.put_object_tagging, **place, Tagging={"TagSet": []}) == not_here
    assert refused(s3.delete_object_tagging, **place) == not_here
    assert refused(s3.put_object_acl, **place, ACL="public-read") == not_here
    assert refused(s3.get_object_tagging, **place) == not_here
    assert refused(s3.get_object, **place, VersionId="1") == not_here
    assert refused(s3.delete_bucket_policy, Bucket=bucket) == not_here
    assert refused(s3.get_bucket_versioning, Bucket=bucket) == not_here
    assert refused(s3.put_object, **place, Body=b"", StorageClass="GLACIER") == not_here
    assert refused(s3.put_object, **place, Body=b"", Tagging="a=b") == not_here
    assert s3.get_object(**place)["Body"].read() == b"precious"


@pytest.mark.parametrize("key", ["folder/", "a//b", "a/../b", "x" * 300])
def test_keys_that_folders_cannot_hold_are_refused(s3: Any, bucket: str, key: str) -> None:
    assert refused(s3.put_object, Bucket=bucket, Key=key, Body=b"") == ("InvalidObjectName", 400)


def test_an_object_and_a_folder_of_one_name(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"1")
    assert refused(s3.put_object, Bucket=bucket, Key="a", Body=b"2") == ("InvalidObjectName", 400)
    assert refused(s3.put_object, Bucket=bucket, Key="a/b/c", Body=b"3") == ("InvalidObjectName", 400)
    assert refused(s3.get_object, Bucket=bucket, Key="a") == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="a/b/c") == ("NoSuchKey", 404)
    s3.delete_object(Bucket=bucket, Key="a/b/c")
    s3.delete_object(Bucket=bucket, Key="a")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b"]


def test_presigned_urls(base_url: str, s3: Any, bucket: str) -> None:
    import urllib.request

    s3.put_object(Bucket=bucket, Key="a b+c", Body=b"1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b+c"})
    with urllib.request.urlopen(url) as response:
        assert response.read() == b"1"
    with urllib.request.urlopen(f"{base_url}/{bucket}/a%20b%2Bc") as response:  # unsigned
        assert response.read() == b"1"
        assert response.headers["x-amzn-requestid"]


def test_the_resource_interface_lists_as_the_sdk_does(base_url: str, s3: Any, bucket: str) -> None:
    import boto3

    s3.put_object(Bucket=bucket, Key="x/y", Body=b"1")
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")
    objects = session.resource("s3", endpoint_url=base_url).Bucket(bucket).objects.filter(Prefix="x")
    assert [(one.key, one.size) for one in objects] == [("x/y", 1)]
    assert boto_client(base_url, "s3").list_buckets()["Buckets"]
