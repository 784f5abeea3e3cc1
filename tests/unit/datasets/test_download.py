"""Downloads that break off, from a real server on loopback."""

import json
import random
from pathlib import Path

import pytest

from datasets.download import DownloadFailed, download
from tests.unit.datasets.origin import Origin, serving

CONTENT = random.Random(3).randbytes(3_000_000)


class Pauses(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def test_whole_at_once(tmp_path: Path) -> None:
    with serving(Origin(CONTENT)) as origin:
        download(origin.url, tmp_path / "new" / "dogs.zip")
    assert (tmp_path / "new" / "dogs.zip").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["dogs.zip"]


def test_it_goes_on_where_the_connection_broke_off(tmp_path: Path) -> None:
    pauses = Pauses()
    with serving(Origin(CONTENT, faults=["cut 1000000", "cut 700000", "cut 1"])) as origin:
        download(origin.url, tmp_path / "dogs.zip", pauses)
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT
    assert origin.statuses == [200, 206, 206, 206]
    assert [request.get("range") for request in origin.requests] == [
        None, "bytes=1000000-", "bytes=1700000-", "bytes=1700001-",
    ]  # fmt: skip
    assert origin.requests[1]["if-range"] == '"one"'
    assert pauses == []


def test_another_process_goes_on(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, faults=["cut 1000000", *["status 503"] * 6])) as origin:
        with pytest.raises(DownloadFailed, match=r"503.*1,000,000 bytes are kept") as caught:
            download(origin.url, tmp_path / "dogs.zip", Pauses())
        assert "run the command again" in str(caught.value)
        assert not (tmp_path / "dogs.zip").exists()
        download(origin.url, tmp_path / "dogs.zip")
    assert origin.requests[-1]["range"] == "bytes=1000000-"
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_last_modified_serves_where_the_etag_is_weak(tmp_path: Path) -> None:
    date = "Mon, 02 Nov 2026 10:00:00 GMT"
    with serving(Origin(CONTENT, etag='W/"one"', last_modified=date, faults=["cut 5000"])) as origin:
        download(origin.url, tmp_path / "dogs.zip")
    assert origin.requests[1]["if-range"] == date
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_without_a_validator_it_starts_over(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, etag=None, faults=["cut 5000"])) as origin:
        download(origin.url, tmp_path / "dogs.zip")
    assert "range" not in origin.requests[1]
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_a_server_that_ignores_range(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, faults=["cut 1000000", "ignore range"])) as origin:
        download(origin.url, tmp_path / "dogs.zip")
    assert origin.statuses == [200, 200]
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_a_server_that_sends_another_range(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, faults=["cut 1000000", "wrong range"])) as origin:
        download(origin.url, tmp_path / "dogs.zip", Pauses())
    assert origin.statuses == [200, 206, 200]
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_a_file_that_changed_is_never_glued_to_the_old_one(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, faults=["cut 1000000", "replace two"])) as origin:
        download(origin.url, tmp_path / "dogs.zip", Pauses())
    assert origin.statuses == [200, 200]
    assert (tmp_path / "dogs.zip").read_bytes() == bytes(reversed(CONTENT))


def test_a_file_that_became_shorter(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, faults=["cut 1000000", *["status 500"] * 6])) as origin:
        with pytest.raises(DownloadFailed):
            download(origin.url, tmp_path / "dogs.zip", Pauses())
        origin.content = CONTENT[:400_000]  # the same ETag: only the range shows it
        download(origin.url, tmp_path / "dogs.zip", Pauses())
    assert origin.statuses[-2:] == [416, 200]
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT[:400_000]


def test_a_part_that_was_whole_already(tmp_path: Path) -> None:
    with serving(Origin(CONTENT)) as origin:
        (tmp_path / "dogs.zip.part").write_bytes(CONTENT)
        note = {"url": origin.url, "etag": '"one"', "last_modified": None, "size_bytes": len(CONTENT)}
        (tmp_path / "dogs.zip.part.json").write_text(json.dumps(note))
        download(origin.url, tmp_path / "dogs.zip")
    assert origin.statuses == [416]
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "note", ["", "{", '{"url": 1}', '{"url": "http://elsewhere/", "etag": "x", "last_modified": null, "size_bytes": 5}']
)
def test_a_part_of_unknown_origin_is_not_used(tmp_path: Path, note: str) -> None:
    (tmp_path / "dogs.zip.part").write_bytes(b"other" * 1000)
    (tmp_path / "dogs.zip.part.json").write_text(note)
    with serving(Origin(CONTENT)) as origin:
        download(origin.url, tmp_path / "dogs.zip")
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_a_server_that_does_not_say_the_length(tmp_path: Path) -> None:
    with serving(Origin(CONTENT, says_length=False)) as origin:
        download(origin.url, tmp_path / "dogs.zip")
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT


def test_errors_of_the_server_are_waited_out(tmp_path: Path) -> None:
    pauses = Pauses()
    with serving(Origin(CONTENT, faults=["status 500", "status 503", "status 429", "none"])) as origin:
        download(origin.url, tmp_path / "dogs.zip", pauses)
    assert (tmp_path / "dogs.zip").read_bytes() == CONTENT
    assert pauses == [1, 2, 4]


@pytest.mark.parametrize("status", [404, 403, 410, 304])
def test_what_waiting_does_not_help_fails_at_once(tmp_path: Path, status: int) -> None:
    with serving(Origin(CONTENT, faults=[f"status {status}"])) as origin:
        with pytest.raises(DownloadFailed, match=f"{status}.*check the URL"):
            download(origin.url, tmp_path / "dogs.zip", Pauses())
        assert len(origin.requests) == 1


def test_no_server(tmp_path: Path) -> None:
    with serving(Origin(CONTENT)) as origin:
        pass
    pauses = Pauses()
    with pytest.raises(DownloadFailed, match="no connection"):
        download(origin.url, tmp_path / "dogs.zip", pauses)
    assert pauses == [1, 2, 4, 8, 16]
