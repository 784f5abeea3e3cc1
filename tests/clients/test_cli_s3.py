"""`aws s3` of the AWS CLI, version 1."""

import json
import os
import time
import urllib.request
from pathlib import Path

import pytest

from tests.clients.aws_cli import AwsCli

PICTURES = 200
BIG_BYTES = 20 * 1024 * 1024 + 7  # three parts of the CLI's 8 MiB


@pytest.fixture(scope="module", autouse=True)
def bucket(aws: AwsCli) -> str:
    """`aws s3 mb`."""
    assert aws.ok("s3", "mb", "s3://dogs") == "make_bucket: dogs\n"
    return "s3://dogs"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its path inside."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_data_set_is_synchronised_both_ways(aws: AwsCli, bucket: str) -> None:
    """Names with spaces and accents, a second sync that has nothing to do, --delete, --exclude and --include."""
    breeds, back = aws.cwd / "breeds", aws.cwd / "back"
    for number in range(PICTURES):
        folder = breeds / f"{number % 7:03d}.Épagneul breton"
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / f"dog {number}+&.jpg"
        picture.write_bytes(b"picture %d" % number)
        os.utime(
            picture, (time.time() - 60,) * 2
        )  # S3 tells whole seconds: a file just written looks newer than its object
    (breeds / ".DS_Store").write_bytes(b"junk")

    uploaded = aws.ok("s3", "sync", breeds, f"{bucket}/breeds", "--exclude", "*.DS_Store", "--no-progress")
    assert uploaded.count("upload: ") == PICTURES
    assert aws.ok("s3", "sync", breeds, f"{bucket}/breeds", "--exclude", "*.DS_Store") == ""
    aws.ok("s3", "sync", f"{bucket}/breeds", back, "--quiet")
    (breeds / ".DS_Store").unlink()
    assert contents(back) == contents(breeds)
    assert aws.ok("s3", "sync", f"{bucket}/breeds", back, "--quiet") == ""

    gone = sorted(breeds.rglob("*.jpg"))[:3]
    for path in gone:
        path.unlink()
    changed = next(breeds.rglob("*.jpg"))
    changed.write_bytes(b"another picture")
    said = aws.ok("s3", "sync", breeds, f"{bucket}/breeds", "--delete", "--no-progress")
    assert (said.count("delete: "), said.count("upload: ")) == (3, 1)
    assert "Total Objects: 197" in aws.ok("s3", "ls", f"{bucket}/breeds/", "--recursive", "--summarize")
    aws.ok("s3", "sync", f"{bucket}/breeds", back, "--delete", "--quiet")
    assert contents(back) == contents(breeds)

    removed = aws.ok("s3", "rm", f"{bucket}/breeds", "--recursive", "--exclude", "*", "--include", "*/dog 1*")
    assert removed.count("delete: ") == len([name for name in contents(breeds) if "/dog 1" in name])
    assert aws.ok("s3", "ls", f"{bucket}/breeds/").split()[:2] == ["PRE", "000.Épagneul"]


def test_a_big_file_goes_in_parts(aws: AwsCli, bucket: str) -> None:
    """Multipart upload, ranged download, copy, move, head, standard input and output, a presigned URL."""
    big = aws.cwd / "model.tar.gz"
    big.write_bytes(os.urandom(BIG_BYTES))
    aws.ok("s3", "cp", big, f"{bucket}/models/", "--quiet")
    head = aws.json("s3api", "head-object", "--bucket", "dogs", "--key", "models/model.tar.gz")
    assert head["ContentLength"] == BIG_BYTES
    assert head["ETag"].endswith('-3"')

    aws.ok("s3", "cp", f"{bucket}/models/model.tar.gz", f"{bucket}/models/copy.tar.gz", "--quiet")
    aws.ok("s3", "mv", f"{bucket}/models/copy.tar.gz", aws.cwd / "moved.tar.gz", "--quiet")
    assert (aws.cwd / "moved.tar.gz").read_bytes() == big.read_bytes()
    assert aws("s3", "ls", f"{bucket}/models/copy.tar.gz").code == 1
    url = aws.ok("s3", "presign", f"{bucket}/models/model.tar.gz").strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == big.read_bytes()
    ranged = ("--bucket", "dogs", "--key", "models/model.tar.gz", "--range", "bytes=10-19", "part")
    assert aws.json("s3api", "get-object", *ranged)["ContentLength"] == 10
    assert (aws.cwd / "part").read_bytes() == big.read_bytes()[10:20]

    (aws.cwd / "labels.json").write_text(json.dumps(["Affenpinscher"]))
    metadata = ("--content-type", "application/json", "--metadata", "source=udacity")
    aws.ok("s3", "cp", "labels.json", f"{bucket}/labels.json", *metadata)
    assert json.loads(aws.ok("s3", "cp", f"{bucket}/labels.json", "-")) == ["Affenpinscher"]
    head = aws.json("s3api", "head-object", "--bucket", "dogs", "--key", "labels.json")
    assert (head["ContentType"], head["Metadata"]) == ("application/json", {"source": "udacity"})


def test_listings_take_turns(aws: AwsCli, bucket: str) -> None:
    """s3api's listing with --max-items, --starting-token and --query."""
    folder = aws.cwd / "numbers"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02d}").write_text(str(number))
    aws.ok("s3", "cp", folder, f"{bucket}/numbers/", "--recursive", "--quiet")
    listing = ("s3api", "list-objects-v2", "--bucket", "dogs", "--prefix", "numbers/", "--page-size", "5")
    first = aws.json(*listing, "--max-items", "7")
    rest = aws.json(*listing, "--starting-token", first["NextToken"])
    keys = [entry["Key"] for page in (first, rest) for entry in page["Contents"]]
    assert (len(first["Contents"]), keys) == (7, [f"numbers/{number:02d}" for number in range(12)])
    assert aws.json(*listing, "--query", "length(Contents)") == 12


def test_errors_and_their_codes(aws: AwsCli, bucket: str) -> None:
    """What a script reads: the exit code and the error's code."""
    missing = aws("s3", "cp", f"{bucket}/none.txt", "none.txt")
    assert (
        missing.code,
        '(404) when calling the HeadObject operation: Key "none.txt" does not exist' in missing.stderr,
    ) == (1, True)
    unknown = aws("s3", "ls", "s3://cats")
    assert (unknown.code, "(NoSuchBucket)" in unknown.stderr) == (255, True)
    again = aws("s3api", "head-bucket", "--bucket", "cats")
    assert (again.code, "(404)" in again.stderr) == (255, True)

    (aws.cwd / "kept.txt").write_text("kept")
    aws.ok("s3", "cp", "kept.txt", f"{bucket}/kept.txt", "--quiet")
    full = aws("s3", "rb", bucket)
    assert (full.code, "(BucketNotEmpty)" in full.stderr) == (1, True)
    assert "dogs" in aws.ok("s3", "ls")
    assert aws.ok("s3", "rb", bucket, "--force").splitlines()[-1] == "remove_bucket: dogs"
    assert aws.ok("s3", "ls") == ""
