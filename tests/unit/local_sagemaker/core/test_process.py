"""A command under the shim: its record, its log, and that it never runs twice."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from local_sagemaker.runtime import process, shim
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, Running
from tests.waiting import wait_for

SECONDS = 10.0


def exited(folder: Path) -> Exited:
    """Wait for the exit record."""

    def look() -> Exited | None:
        state = process.observe(folder)
        return state if isinstance(state, Exited) else None

    state: Exited = wait_for(look, "exit record", SECONDS)
    return state


def run(folder: Path, code: str) -> None:
    """Start Python code under the shim."""
    process.spawn(folder, [sys.executable, "-c", code], cwd=folder.parent, env={"PATH": os.environ["PATH"]})


def log_lines(folder: Path) -> list[str]:
    """The log without its time stamps."""
    return [line.split("\t", 1)[1] for line in (folder / "log").read_text().splitlines()]


def test_records_return_code_and_output_of_both_streams(tmp_path: Path) -> None:
    assert process.observe(tmp_path / "job") == NotStarted()
    run(tmp_path / "job", "import sys; print('out'); sys.stdout.flush(); sys.stderr.write('no newline'); sys.exit(3)")
    assert exited(tmp_path / "job").returncode == 3
    assert log_lines(tmp_path / "job") == ["out", "no newline"]


def test_what_was_started_is_seen_at_once(tmp_path: Path) -> None:
    for number in range(20):
        run(tmp_path / str(number), "pass")
        assert process.observe(tmp_path / str(number)) != NotStarted()
    for number in range(20):
        exited(tmp_path / str(number))


def test_lines_carry_their_time(tmp_path: Path) -> None:
    before = time.time() * 1000
    run(tmp_path / "job", "print('a')")
    exited(tmp_path / "job")
    stamp = int((tmp_path / "job" / "log").read_text().split("\t")[0])
    assert before - 1 <= stamp <= time.time() * 1000


def test_a_command_that_is_not_there_is_an_exit_127_with_a_reason(tmp_path: Path) -> None:
    process.spawn(tmp_path / "job", ["/no/such/program"], cwd=tmp_path, env={})
    assert exited(tmp_path / "job").returncode == 127
    assert "/no/such/program" in log_lines(tmp_path / "job")[0]


def test_a_second_spawn_in_the_same_folder_runs_nothing(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    code = f"open({str(marks)!r}, 'a').write('x')"
    for _ in range(3):
        run(tmp_path / "job", code)
    exited(tmp_path / "job")
    assert marks.read_text() == "x"


def test_a_signal_reaches_the_whole_group_and_the_record_tells_it(tmp_path: Path) -> None:
    code = "import subprocess, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"
    run(tmp_path / "job", code)
    wait_for(lambda: (tmp_path / "job" / "log").exists() and log_lines(tmp_path / "job"), "line", SECONDS)
    state = process.observe(tmp_path / "job")
    assert isinstance(state, Running)
    process.send_signal(state, signal.SIGTERM)
    assert exited(tmp_path / "job").returncode == -signal.SIGTERM
    grandchild = int(log_lines(tmp_path / "job")[0])
    wait_for(lambda: gone(grandchild), "end of the grandchild", SECONDS)


def test_what_the_command_leaves_behind_is_ended(tmp_path: Path) -> None:
    run(tmp_path / "job", "import subprocess; print(subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL).pid)")
    assert exited(tmp_path / "job").returncode == 0
    orphan = int(log_lines(tmp_path / "job")[0])
    wait_for(lambda: gone(orphan), "end of the orphan", SECONDS)


def test_a_killed_shim_and_command_are_lost(tmp_path: Path) -> None:
    run(tmp_path / "job", "import time; time.sleep(60)")
    record = wait_for(
        lambda: (tmp_path / "job" / "process.json").exists() and (tmp_path / "job" / "process.json").read_text(),
        "record of the process",
        SECONDS,
    )
    pids = json.loads(record)
    os.kill(pids["shim_pid"], signal.SIGKILL)
    os.kill(pids["pid"], signal.SIGKILL)
    wait_for(lambda: process.observe(tmp_path / "job") == Lost(), "loss", SECONDS)


def test_another_process_with_the_same_pid_is_not_ours(tmp_path: Path) -> None:
    for record in ("claim", "process.json"):
        (tmp_path / record).write_text(json.dumps({"pid": os.getpid(), "start_time": 1}))
    assert process.observe(tmp_path) == Lost()


def test_a_shim_that_takes_its_time_is_not_lost(tmp_path: Path) -> None:
    assert shim.claim(str(tmp_path), os.getpid())
    os.utime(tmp_path / "claim", (0, 0))  # a full disk may keep it from its record for hours
    assert process.observe(tmp_path) == Running(pid=0)


@pytest.mark.parametrize("claim", ["", json.dumps({"pid": 0, "start_time": 0})])
def test_a_claim_without_a_living_shim_is_lost(tmp_path: Path, claim: str) -> None:
    (tmp_path / "claim").write_text(claim)
    assert process.observe(tmp_path) == Lost()


def test_a_line_that_is_too_long_becomes_several_and_loses_nothing(tmp_path: Path) -> None:
    length = 2 * shim.MAX_LINE_BYTES + 70_000
    run(tmp_path / "job", f"print('x' * {length}); print('end', end='')")
    assert exited(tmp_path / "job").returncode == 0
    *pieces, end = log_lines(tmp_path / "job")
    assert [len(piece) for piece in pieces] == [shim.MAX_LINE_BYTES, shim.MAX_LINE_BYTES, 70_000]
    assert end == "end"


def gone(pid: int) -> bool:
    """Whether no process, or only a zombie, has this pid."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except FileNotFoundError:
        return True


DAEMON = """
import os, subprocess, sys, time
endless = "trap '' TERM; while :; do echo still here; sleep 0.01; done"
detached = subprocess.Popen(["sh", "-c", endless], start_new_session=True)
print(detached.pid, flush=True)
time.sleep(float(sys.argv[1]))
"""


def told_pid(folder: Path) -> int:
    """The daemon's pid, which its starter told; the daemon itself may have written before."""
    return next(int(line) for line in log_lines(folder) if line.isdigit())


def test_a_daemon_in_a_session_of_its_own_does_not_outlive_the_command(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", DAEMON, "0.1"]
    process.spawn(tmp_path / "job", argv, cwd=tmp_path, env={"PATH": os.environ["PATH"]})
    assert exited(tmp_path / "job").returncode == 0  # though the daemon never stops to write
    assert gone(told_pid(tmp_path / "job"))


def test_killing_the_group_of_a_stopped_command_ends_its_daemons_too(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", DAEMON, "60"]
    process.spawn(tmp_path / "job", argv, cwd=tmp_path, env={"PATH": os.environ["PATH"]})
    wait_for(
        lambda: (tmp_path / "job" / "log").exists() and any(map(str.isdigit, log_lines(tmp_path / "job"))),
        "pid of the daemon",
        SECONDS,
    )
    state = process.observe(tmp_path / "job")
    assert isinstance(state, Running)
    for signum in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
        process.send_signal(state, signum)
    assert exited(tmp_path / "job").returncode == -signal.SIGKILL
    assert gone(told_pid(tmp_path / "job"))


def test_processes_that_lose_their_parent_do_not_gather_as_zombies(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "for _ in range(20):\n"
        "    if os.fork() == 0:\n"
        "        os.fork()\n"
        "        os._exit(0)\n"
        "while True:\n"
        "    try: os.wait()\n"
        "    except ChildProcessError: break\n"
        "print('forked', flush=True)\n"
        "time.sleep(60)\n"
    )
    run(tmp_path / "job", code)
    wait_for(lambda: (tmp_path / "job" / "log").exists() and log_lines(tmp_path / "job") == ["forked"], "line", SECONDS)
    state = process.observe(tmp_path / "job")
    assert isinstance(state, Running)
    wait_for(lambda: shim.descendants(state.shim_pid) == [state.pid], "end of the others", SECONDS)
    process.send_signal(state, signal.SIGKILL)
    exited(tmp_path / "job")


def test_a_command_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    run(tmp_path / "job", "import os, time; print('on', flush=True); os.close(1); os.close(2); time.sleep(0.3)")
    started = time.time()
    assert exited(tmp_path / "job").ended_at > started + 0.1
    assert log_lines(tmp_path / "job") == ["on"]


def test_a_prevented_command_never_runs(tmp_path: Path) -> None:
    assert process.prevent(tmp_path / "job")
    assert not process.prevent(tmp_path / "job")
    run(tmp_path / "job", "print('on')")
    assert exited(tmp_path / "job").returncode == -signal.SIGTERM
    assert not (tmp_path / "job" / "log").exists()
