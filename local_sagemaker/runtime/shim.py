"""Runs one command for the engine and leaves a record that survives the engine's death.

Started as `python -I -S shim.py FOLDER` with the command in FOLDER/command.json
(`{"argv": [...], "cwd": ..., "env": {...}}`). It writes, each by rename:

    claim          created once; a second shim for the same folder exits at once
    process.json   {"pid", "start_time", "shim_pid", "shim_start_time"} of the running command
    log            `<epoch ms>\\t<line>\\n` for every line of its output
    exit.json      {"returncode", "ended_at"}; a negative return code is the signal's number

The command leads a process group of its own, so that a signal reaches all of it and never the shim.
Standard library only: it must start in milliseconds.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from typing import Any

MAX_LINE_BYTES = 256 * 1024  # CloudWatch's own limit for one event


def start_time(pid: int) -> int:
    """Clock ticks after boot at which process `pid` began (field 22 of /proc/PID/stat)."""
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[19])


def write_json(path: str, value: dict[str, object]) -> None:
    """Write `value` so that a reader sees all of it or none."""
    temporary = path + ".tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def main(folder: str) -> int:
    """Run the folder's command to its end and record how it ended."""
    os.chdir(folder)
    try:
        os.close(os.open("claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return 0
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda *_: None)  # unlike SIG_IGN, not inherited by the command
    with open("command.json", encoding="utf-8") as file:
        command = json.load(file)
    with open("log", "ab", buffering=0) as log:
        returncode = run(command, log.fileno())
    write_json("exit.json", {"returncode": returncode, "ended_at": time.time()})
    return 0


def run(command: "dict[str, Any]", log: int) -> int:
    """Start the command, copy its output into `log` with a time stamp a line, return its code."""
    try:
        child = subprocess.Popen(
            command["argv"],
            cwd=command["cwd"],
            env=command["env"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL character in an argument or variable
        append(log, f"{type(error).__name__}: {error}".encode())
        return 127
    write_json(
        "process.json",
        {
            "pid": child.pid,
            "start_time": start_time(child.pid),
            "shim_pid": os.getpid(),
            "shim_start_time": start_time(os.getpid()),
        },
    )
    copy_lines(child, log)
    return int(child.returncode)


def copy_lines(child: "subprocess.Popen[bytes]", log: int) -> None:
    """Copy lines until the command has ended; then end what it left behind in its process group."""
    source = child.stdout.fileno()  # type: ignore[union-attr]
    ended = os.pidfd_open(child.pid)
    pending = b""
    while True:
        ready, _, _ = select.select([source, ended], [], [])
        if source not in ready:
            break
        chunk = os.read(source, 65536)
        if not chunk:
            break
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            append(log, line)
        if len(pending) > MAX_LINE_BYTES:
            append(log, pending)
            pending = b""
    if pending:
        append(log, pending)
    child.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def append(log: int, line: bytes) -> None:
    """Add one line to the log."""
    os.write(log, str(int(time.time() * 1000)).encode() + b"\t" + line[:MAX_LINE_BYTES] + b"\n")


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # the engine waits for this parent only; the shim itself belongs to init from here on
    os.setsid()
    sys.exit(main(sys.argv[1]))
