"""Runs one command for the engine and leaves a record that survives the engine's death.

Started as `python -I -S shim.py FOLDER` with the command in FOLDER/command.json
(`{"argv": [...], "cwd": ..., "env": {...}}`, and where the command has a view of its own `"mounts"`, `"hostname"`: see
mount_namespace.py). It writes, each by rename:

    claim          {"pid", "start_time"} of the shim; made once: a second one for the same folder exits at once
    process.json   {"pid", "start_time", "shim_pid", "shim_start_time"} of the running command
    log            `<epoch ms>\\t<line>\\n` for every line of its output
    exit.json      {"returncode", "ended_at", "cpu_seconds"}; a negative return code is the signal's number

The command leads a process group of its own, so that a signal reaches all of it and never the shim. What it leaves
behind when it ends, daemons in other sessions included, is killed: as the last process of a container takes it along.
Standard library only: it must start in milliseconds. A warm pool's template (warm_pool/template.py) runs the same code
in a process that it has forked, and the command in a fork of that one.
"""

import contextlib
import errno
import functools
import json
import os
import select
import signal
import subprocess
import sys
import time

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PR_SET_CHILD_SUBREAPER = 36
FULL_DISK_SECONDS = 0.5  # between two tries to write
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


def patiently(write: "Callable[[], Any]") -> "Any":
    """Do what writes, as soon as the disk has room for it: a full disk costs a job time, and nothing else."""
    while True:
        try:
            return write()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            time.sleep(FULL_DISK_SECONDS)


def claim(folder: str, shim_pid: int) -> bool:
    """Be the one that runs, or prevents (`shim_pid` 0), the folder's command. False when another was quicker.

    The file names the process that sees to the command: as long as it lives, nothing is lost, however long it takes.
    """
    own = os.path.join(folder, f"claim.{os.getpid()}")
    try:
        with open(own, "w", encoding="ascii") as file:
            json.dump({"pid": shim_pid, "start_time": start_time(shim_pid) if shim_pid else 0}, file)
        os.link(own, os.path.join(folder, "claim"))  # with its content at once, or not at all
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(own)
    return True


def main(folder: str, start: "Callable[[dict[str, Any]], Any] | None" = None) -> int:
    """Run the folder's command to its end and record how it ended. `start` as for `run`."""
    os.chdir(folder)
    if not patiently(lambda: claim(folder, os.getpid())):
        return 0
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda *_: None)  # unlike SIG_IGN, not inherited by the command
    with open("command.json", encoding="utf-8") as file:
        command = json.load(file)
    with patiently(lambda: open("log", "ab", buffering=0)) as log:
        returncode = run(command, log.fileno(), start or start_program)
    cpu_seconds = sum(os.times()[:4])  # the shim's own, and those of all processes that it has waited for
    record: dict[str, object] = {"returncode": returncode, "ended_at": time.time(), "cpu_seconds": cpu_seconds}
    patiently(lambda: write_json("exit.json", record))
    return 0


def run(command: "dict[str, Any]", log: int, start: "Callable[[dict[str, Any]], Any]") -> int:
    """Start the command, copy its output into `log` with a time stamp a line, return its code.

    `start` answers what subprocess.Popen does: `pid`, `stdout`, `wait` and `returncode`.
    """
    become_subreaper()
    try:
        if "mounts" in command:
            enter_view(command["mounts"], command.get("hostname"))
        child = start(command)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in an argument or variable
        append(log, [f"{type(error).__name__}: {error}".encode()])
        return 127
    record: dict[str, object] = {
        "pid": child.pid,
        "start_time": start_time(child.pid),
        "shim_pid": os.getpid(),
        "shim_start_time": start_time(os.getpid()),
    }
    patiently(lambda: write_json("process.json", record))
    copy_lines(child, log)
    return int(child.returncode)


def start_program(command: "dict[str, Any]") -> "subprocess.Popen[bytes]":
    """Start the command as a program."""
    return subprocess.Popen(
        command["argv"],
        cwd=command["cwd"],
        env=command["env"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def enter_view(mounts: "dict[str, str]", hostname: "str | None") -> None:
    """See this machine's folders at the container's paths from here on (mount_namespace.py). Raises OSError."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)  # -I leaves it out
    try:
        from mount_namespace import enter  # type: ignore[import-not-found]  # noqa: PLC0415 - found by the line above
    finally:
        sys.path.remove(here)
    enter(mounts, hostname)


def copy_lines(child: "subprocess.Popen[bytes]", log: int) -> None:
    """Copy lines until the command has ended; then end what it left behind, and copy the rest."""
    source = child.stdout.fileno()  # type: ignore[union-attr]
    ended, orphaned = os.pidfd_open(child.pid), wake_on_children()
    watched, pending = [source, ended, orphaned], b""
    while True:
        ready, _, _ = select.select(watched, [], [])
        if orphaned in ready:
            os.read(orphaned, 65536)
            reap_orphans(child.pid)
        if ended in ready:
            # Nobody writes any more from here on, so that the rest has an end.
            child.wait()
            end_rest(child.pid)
            watched = [source]
        if source in ready or ended in ready:
            chunk = os.read(source, 65536)
            if not chunk:
                break
            *lines, pending = (pending + chunk).split(b"\n")
            append(log, lines)
            while len(pending) > MAX_LINE_BYTES:
                append(log, [pending[:MAX_LINE_BYTES]])
                pending = pending[MAX_LINE_BYTES:]
    if pending:
        append(log, [pending])
    child.wait()
    end_rest(child.pid)


def become_subreaper() -> None:
    """Have the processes that lose their parent become children of this one, instead of init's."""
    import ctypes  # noqa: PLC0415 - here rather than at the top, where tests and the engine would pay for it

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wake_on_children() -> int:
    """A file descriptor that becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def reap_orphans(command: int) -> None:
    """Take note of the end of every child but the command itself, so that no zombies gather."""
    while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != command:
        os.waitpid(ended.si_pid, 0)


def end_rest(command: int) -> None:
    """Kill the command's group and every process below this one, also those that are born meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(command, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            for pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)


def descendants(root: int) -> "list[int]":
    """The processes below `root`, from /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{name}/stat", "rb") as stat:
                parent = int(stat.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found, below = [], children.get(root, [])
    while below:
        found += below
        below = [pid for parent in below for pid in children.get(parent, [])]
    return found


def append(log: int, lines: "list[bytes]") -> None:
    """Add lines to the log; what is too long for one becomes several."""
    stamp = str(int(time.time() * 1000)).encode() + b"\t"
    starts = ((line, start) for line in lines for start in range(0, len(line) or 1, MAX_LINE_BYTES))
    text = b"".join(stamp + line[start : start + MAX_LINE_BYTES] + b"\n" for line, start in starts)
    while text:
        text = text[patiently(functools.partial(os.write, log, text)) :]


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # the engine waits for this parent only; the shim itself belongs to init from here on
    os.setsid()
    sys.exit(main(sys.argv[1]))
