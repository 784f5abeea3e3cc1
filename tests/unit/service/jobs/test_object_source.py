"""A prefix in S3, as diagnostics reads files."""

from collections.abc import Iterator

import pytest

from diagnostics.source import FileMissing
from service.aws.clients import Clients
from service.aws.object_source import MAX_AHEAD, MAX_PART_BYTES, ObjectSource
from service.errors import AccessDenied, BadRequest
from service.settings import Settings
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal
from tests.unit.service.jobs.fake_s3 import PAGE_KEYS

ROOT = "/dogs/jobs/dogs-1/debug-output"


@pytest.fixture(scope="module")
def clients(settings: Settings) -> Clients:
    """Made at the first use, when AWS is the fake."""
    return Clients(settings)


@pytest.fixture
def source(clients: Clients, aws: FakeAws) -> Iterator[ObjectSource]:
    """The job's debug-output. Nothing of it is under way when the next test begins."""
    source = ObjectSource(clients, "s3://dogs/jobs/dogs-1/debug-output")
    yield source
    source._pool.shutdown(cancel_futures=True)


def test_names_are_relative_sorted_and_go_on_after_a_name(source: ObjectSource, aws: FakeAws) -> None:
    for name in ("index/b", "index/a", "events/é ü+.x", "index/c", "folder/"):
        aws.objects[f"{ROOT}/{name}"] = b""
    aws.objects["/dogs/jobs/dogs-1/debug-output-2/index/x"] = b""
    assert source.names() == ["events/é ü+.x", "index/a", "index/b", "index/c"]
    assert source.names("index/") == ["index/a", "index/b", "index/c"]
    assert source.names("index/", "index/a") == ["index/b", "index/c"]
    assert source.names("index/", "events/z") == ["index/a", "index/b", "index/c"]
    assert source.names("none/") == []


def test_long_listings_have_several_pages(source: ObjectSource, aws: FakeAws) -> None:
    names = [f"index/{number:06d}" for number in range(2 * PAGE_KEYS + 1)]
    aws.objects |= {f"{ROOT}/{name}": b"" for name in names}
    assert source.names("index/") == names
    assert len(aws.requests("GET")) == 3


def test_parts_are_asked_for_as_ranges(source: ObjectSource, aws: FakeAws) -> None:
    aws.objects[f"{ROOT}/events/1"] = bytes(range(100))
    assert source.read("events/1") == bytes(range(100))
    assert source.read("events/1", 10, 5) == bytes(range(10, 15))
    assert source.read("events/1", 90) == bytes(range(90, 100))
    assert source.read("events/1", 90, 50) == bytes(range(90, 100))
    assert source.read("events/1", 100) == b""  # a file that has not grown
    assert source.read("events/1", 5, 0) == b""
    assert [asked["range"] for asked in aws.requests("GET")] == [
        None, "bytes=10-14", "bytes=90-", "bytes=90-139", "bytes=100-",
    ]  # fmt: skip


def test_what_is_not_there_is_missing(source: ObjectSource, aws: FakeAws) -> None:
    with pytest.raises(FileMissing, match="events/9"):
        source.read("events/9")
    source.prefetch([("events/9", 0, None)])
    with pytest.raises(FileMissing):
        source.read("events/9")
    source.check()  # a file that is missing is no failure of S3
    assert source.version("events/9") is None
    assert source.modified_at("events/9") is None


def test_version_is_another_one_for_other_bytes(source: ObjectSource, aws: FakeAws) -> None:
    aws.objects[f"{ROOT}/end"] = b"1"
    first = source.version("end")
    assert source.version("end") == first
    aws.objects[f"{ROOT}/end"] = b"2"
    assert source.version("end") != first
    assert source.modified_at("end") == 1795417200.0


def test_what_is_fetched_ahead_is_asked_for_once(source: ObjectSource, aws: FakeAws) -> None:
    aws.objects |= {f"{ROOT}/index/{number}": str(number).encode() for number in range(40)}
    parts: list[tuple[str, int, int | None]] = [(f"index/{number}", 0, None) for number in range(40)]
    source.prefetch(parts)
    source.prefetch(parts)
    assert [source.read(name) for name, _, _ in parts] == [str(number).encode() for number in range(40)]
    assert len(aws.requests("GET")) == 40
    assert source.read("index/7") == b"7"  # what was read is not kept
    assert len(aws.requests("GET")) == 41


def test_fetching_ahead_is_bounded(source: ObjectSource, aws: FakeAws) -> None:
    aws.objects |= {f"{ROOT}/index/{number}": b"x" for number in range(3 * MAX_AHEAD)}
    source.prefetch([("index/0", 0, MAX_PART_BYTES + 1)])
    assert len(source._ahead) == 0
    source.prefetch([(f"index/{number}", 0, None) for number in range(3 * MAX_AHEAD)])
    assert len(source._ahead) == MAX_AHEAD
    source.close()
    assert len(source._ahead) == 0


def test_a_long_announcement_is_fetched_ahead_to_its_end(source: ObjectSource, aws: FakeAws) -> None:
    many = 2 * MAX_AHEAD + 8
    aws.objects |= {f"{ROOT}/index/{number}": str(number).encode() for number in range(many)}
    source.prefetch([(f"index/{number}", 0, None) for number in range(many)])
    for number in range(many):
        assert source.read(f"index/{number}") == str(number).encode()
        assert len(source._ahead) == min(MAX_AHEAD, many - number - 1)
    assert len(aws.requests("GET")) == many


def test_what_nobody_comes_for_makes_room(source: ObjectSource, aws: FakeAws) -> None:
    aws.objects |= {f"{ROOT}/index/{number}": b"x" for number in range(2 * MAX_AHEAD)}
    source.prefetch([(f"index/{number}", 0, None) for number in range(2 * MAX_AHEAD)])
    assert source.read(f"index/{MAX_AHEAD + 8}") == b"x"  # all before it was skipped
    assert list(source._ahead) == [(f"index/{number}", 0, None) for number in range(MAX_AHEAD + 9, 2 * MAX_AHEAD)]
    source.prefetch([("index/0", 0, None)])  # another announcement takes the place of the one before
    assert list(source._ahead) == [("index/0", 0, None)]


def test_refusals_are_problems_and_remembered(source: ObjectSource, aws: FakeAws) -> None:
    aws.s3_refusal = Refusal("AccessDenied", "Access Denied", 403)
    with pytest.raises(AccessDenied, match="ListObjectsV2: Access Denied"):
        source.names()
    source.check()
    with pytest.raises(AccessDenied, match="GetObject"):
        source.read("index/1")
    aws.s3_refusal = None
    with pytest.raises(AccessDenied, match="GetObject"):  # a rule may have taken it for its own fault
        source.check()


def test_missing_bucket_is_no_missing_file(source: ObjectSource, aws: FakeAws) -> None:
    aws.s3_refusal = Refusal("NoSuchBucket", "The specified bucket does not exist", 404)
    with pytest.raises(BadRequest, match="bucket does not exist"):
        source.read("index/1")
