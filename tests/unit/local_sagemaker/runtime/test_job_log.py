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


@pytest.mark.parametrize("lines", [0, 1, 2, 7, 300])
def test_the_first_line_of_a_time(tmp_path: Path, lines: int) -> None:
    log = tmp_path / "log"
    times = [1000 + number // 3 * 10 for number in range(lines)]
    written = [f"{time}\t{'x' * (time % 7)}\n".encode() for time in times]
    log.write_bytes(b"".join(written) + b"99")
    for asked in (0, 999, 1000, 1001, 1010, 1990, 9999):
        expected = sum(len(line) for time, line in zip(times, written, strict=True) if time < asked)
        assert job_log.offset_at(log, asked) == expected


def test_of_a_long_log_few_lines_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"%d\tline\n" % time for time in range(100_000, 200_000)))
    read: list[int] = []
    event = job_log._event

    def counted(line: bytes, start: int) -> job_log.LogEvent:
        read.append(start)
        return event(line, start)

    monkeypatch.setattr(job_log, "_event", counted)
    assert job_log.offset_at(log, 150_000) == 50_000 * 12
    assert len(read) < 60
    assert job_log.offset_at(tmp_path / "none", 1) == 0
