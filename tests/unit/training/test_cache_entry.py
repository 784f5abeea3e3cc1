"""Jobs that fill one entry together: real processes, some of which are killed."""

import errno
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.training.scripts import FOLDER, Scripts
from tests.waiting import wait_for

PARTS = 4
# Fills an entry of the cache argv[1], and prints which parts it computed and their sum. Part argv[3] takes it until the
# file `go` is there; `write` as argv[4] has it hang while it writes that part.
JOB = f"""
import json, os, sys, time
sys.path.insert(0, {str(FOLDER)!r})
from pathlib import Path
import numpy as np
import part_file
from part_file import part_in_memory
from shared_cache import SharedCache
from stopping import StopRequest
folder, name, slow, where = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
entry = SharedCache(folder / "cache", 10**9).entry("features", {{"data": "x"}}, {PARTS})
computed = []
def wait(_descriptor=None):
    (folder / f"{{name}}.waits").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
def compute(number):
    computed.append(number)
    if number == slow:
        if where == "write":
            part_file.os.fdatasync = wait
        else:
            wait()
    return part_in_memory({{}}, [np.full(1000, number, np.uint8)])
parts = entry.fill(compute, StopRequest())
print(json.dumps([computed, [int(part.content.sum()) for part in parts]]))
"""


class Jobs:
    """Processes that fill the same entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, name: str, slow: int = -1, where: str = "compute") -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", JOB, str(self.folder), name, str(slow), where]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        if slow >= 0:
            wait_for((self.folder / f"{name}.waits").exists, f"{name} at part {slow}")
        return process

    def go(self) -> None:
        (self.folder / "go").touch()


@pytest.fixture
def jobs(tmp_path: Path) -> Any:
    jobs = Jobs(tmp_path)
    yield jobs
    for process in jobs.started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def result(process: "subprocess.Popen[str]") -> tuple[list[int], list[int]]:
    """Which parts it computed, and what it found in all of them."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    computed, sums = json.loads(output.splitlines()[-1])
    return computed, sums


def test_two_jobs_share_the_work(jobs: Jobs) -> None:
    first = jobs.start("first", slow=0)
    second = jobs.start("second")
    wait_for(lambda: len(list(jobs.folder.glob("cache/*/*.part"))) == PARTS - 1, "the other parts")
    assert second.poll() is None, "it waits for the first one's part"
    jobs.go()
    assert result(first) == ([0], [0, 1000, 2000, 3000])
    assert result(second) == ([1, 2, 3], [0, 1000, 2000, 3000])


@pytest.mark.parametrize("where", ["compute", "write"])
def test_the_work_of_a_killed_job_is_taken_over(jobs: Jobs, where: str) -> None:
    killed = jobs.start("killed", slow=1, where=where)
    waiting = jobs.start("waiting")
    wait_for(lambda: len(list(jobs.folder.glob("cache/*/*.part"))) == PARTS - 1, "the other parts")
    unfinished = list(jobs.folder.glob("cache/*/*.tmp"))
    assert len(unfinished) == (where == "write")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert result(waiting) == ([2, 3, 1], [0, 1000, 2000, 3000])
    assert result(jobs.start("later")) == ([], [0, 1000, 2000, 3000])
    assert not list(jobs.folder.glob("cache/*/*.tmp")), "what the killed one had not finished is removed"


def test_what_a_living_job_writes_is_left_alone(jobs: Jobs) -> None:
    living = jobs.start("living", slow=1, where="write")
    other = jobs.start("other")  # which tidies up at its start
    wait_for(lambda: len(list(jobs.folder.glob("cache/*/*.part"))) == PARTS - 1, "the other parts")
    assert len(list(jobs.folder.glob("cache/*/*.tmp"))) == 1
    jobs.go()
    assert result(living)[1] == result(other)[1] == [0, 1000, 2000, 3000]


def entry(scripts: Scripts, folder: Path, max_bytes: int = 10**9) -> Any:
    return scripts.shared_cache.SharedCache(folder, max_bytes).entry("features", {"data": "x"}, PARTS)


class Computing:
    """Computes parts, and remembers which."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self.computed: list[int] = []

    def __call__(self, number: int) -> Any:
        self.computed.append(number)
        return self.scripts.part_file.part_in_memory({}, [np.full(1000, number, np.uint8)])


def values(parts: list[Any]) -> list[int]:
    """What is in each part."""
    return [int(part.content[0]) for part in parts]


def test_nobody_waits_for_ever(scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts.cache_entry, "PATIENCE_SECONDS", 0.0)
    mine, compute = entry(scripts, tmp_path), Computing(scripts)
    with scripts.cache_entry.try_lock(mine.folder / "00002.lock") as locked:  # by somebody who hangs
        assert locked
        parts = mine.fill(compute, scripts.stopping.StopRequest())
    assert compute.computed == values(parts) == [0, 1, 2, 3]


def test_a_job_that_waits_can_be_stopped(scripts: Scripts, tmp_path: Path) -> None:
    class Stop:
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 20:
                raise scripts.stopping.StopRequested

    mine = entry(scripts, tmp_path)
    with scripts.cache_entry.try_lock(mine.folder / "00002.lock"), pytest.raises(scripts.stopping.StopRequested):
        mine.fill(Computing(scripts), Stop())


def test_a_full_disk_leaves_the_rest_to_memory(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_descriptor: int) -> None:
        if len(list(tmp_path.glob("*/*.part"))) >= 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(scripts.part_file.os, "fdatasync", full)
    kept: list[int] = []

    def keep(number: int, part: Any) -> Any:
        kept.append(number)
        return part

    parts = entry(scripts, tmp_path).fill(Computing(scripts), scripts.stopping.StopRequest(), keep)
    assert values(parts) == [0, 1, 2, 3]
    assert kept == [2, 3]
    assert sorted(path.name for path in tmp_path.glob("*/*.part")) == ["00000.part", "00001.part"]
    assert capsys.readouterr().out.count("No space left on device") == 1


def test_a_folder_that_may_not_be_written_to_is_read(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    stop = scripts.stopping.StopRequest()
    entry(scripts, tmp_path).fill(Computing(scripts), stop)
    next(tmp_path.glob("*/00002.part")).unlink()
    monkeypatch.setattr(scripts.shared_cache, "_open_in_use", read_only)
    monkeypatch.setattr(scripts.cache_entry, "write_part", read_only)
    compute = Computing(scripts)
    parts = entry(scripts, tmp_path).fill(compute, stop)
    assert compute.computed == [2]
    assert values(parts) == [0, 1, 2, 3]
    assert "Read-only file system" in capsys.readouterr().out
