"""The log as events, from both ends."""

from pathlib import Path

import pytest

from local_sagemaker.runtime import job_log


def write(path: Path, *lines: str) -> list[str]:
    path.write_text("".join(f"{1000 + number}\t{line}\n" for number, line in enumerate(lines)))
    return list(lines)


def test_forward_resumes_where_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = write(log, "a", "", "ünï", "tab\there")
    events = list(job_log.events_from(log, 0))
    assert [event.message for event in events] == lines
    assert [event.timestamp_ms for event in events] == [1000, 1001, 1002, 1003]
    assert [event.message for event in job_log.events_from(log, events[1].end)] == lines[2:]


def test_a_line_being_written_is_not_there_yet(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1000\twhole\n1001\thal")
    assert [event.message for event in job_log.events_from(log, 0)] == ["whole"]
    assert [event.message for event in job_log.events_before(log, job_log.size_bytes(log))] == ["whole"]


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_backward_is_forward_reversed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(job_log, "CHUNK_BYTES", chunk)
    log = tmp_path / "log"
    write(log, *(f"line {number} " + "x" * (number * 7 % 90) for number in range(50)), "with\rreturn", "")
    forward = list(job_log.events_from(log, 0))
    assert list(job_log.events_before(log, job_log.size_bytes(log))) == forward[::-1]
    assert list(job_log.events_before(log, forward[10].end)) == forward[10::-1]
    assert list(job_log.events_before(log, 0)) == []


def test_no_log_has_no_events(tmp_path: Path) -> None:
    assert list(job_log.events_from(tmp_path / "none", 0)) == []
    assert list(job_log.events_before(tmp_path / "none", 10)) == []
    assert job_log.size_bytes(tmp_path / "none") == 0


def test_append_writes_what_is_read(tmp_path: Path) -> None:
    job_log.append(tmp_path / "log", ["one", "two"])
    assert [event.message for event in job_log.events_from(tmp_path / "log", 0)] == ["one", "two"]
