import io

import pytest

from datasets.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_for_each_tenth() -> None:
    stream = io.StringIO()
    with Progress("Drawing", 40, "images", stream=stream) as progress:
        for _ in range(40):
            progress.add()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0] == "Drawing:   2 % 1 of 40 images"
    assert lines[-1] == "Drawing: 100 % 40 of 40 images"


def test_a_terminal_keeps_one_line() -> None:
    stream = Terminal()
    with Progress("Fetching", 2_000_000, "MB", start=500_000, stream=stream) as progress:
        for _ in range(3):
            progress.add(500_000)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\rFetching: 100 % 2.0 of 2.0 MB\n")


def test_an_unknown_total() -> None:
    stream = io.StringIO()
    with Progress("Fetching", 0, "MB", stream=stream) as progress:
        progress.add(1_000_000)
    assert stream.getvalue().splitlines()[-1] == "Fetching: 1.0 of ? MB"


def test_a_failure_leaves_no_line_that_says_done() -> None:
    stream = io.StringIO()
    with pytest.raises(OSError, match="disk"), Progress("Drawing", 4, "images", stream=stream):
        raise OSError("disk")
    assert stream.getvalue() == ""
