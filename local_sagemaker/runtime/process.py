"""A command that outlives the engine: started under the shim, found again after a restart.

A pid alone proves nothing, since the kernel hands it out again; pid and start time together do.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_sagemaker.runtime import shim

CLAIM_SECONDS = 1.0  # a shim takes milliseconds, and only on a full disk longer than this


@dataclass(frozen=True)
class NotStarted:
    """No shim has claimed the folder."""


@dataclass(frozen=True)
class Running:
    """The command is alive, or about to start (`pid` 0). `pid` leads its process group.

    The end of `shim_pid` comes after the record of its own.
    """

    pid: int
    shim_pid: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Exited:
    """The command ended; a negative return code is the signal's number."""

    returncode: int
    ended_at: float


@dataclass(frozen=True)
class Lost:
    """The command was started and is gone without a record: the machine or its shim was killed."""


ProcessState = NotStarted | Running | Exited | Lost


@dataclass(frozen=True)
class Command:
    """What runs under the shim: `argv` in `cwd` with the whole environment `env`.

    `mounts` are {path that the command sees: folder or file of this machine}, such as {"/opt/ml": folder / "ml"}, in a
    mount namespace of its own; `hostname` is what it takes for this machine's name. `cwd` and paths in `argv` and `env`
    are as the command sees them. Give neither where `mount_namespace.available()` says why not: a view that cannot be
    made ends the command with code 127 and the reason in its log.
    """

    argv: Sequence[str]
    cwd: str | Path
    env: Mapping[str, str]
    mounts: Mapping[str, Path] | None = None
    hostname: str | None = None


def spawn(
    folder: Path,
    argv: Sequence[str],
    *,
    cwd: str | Path,
    env: Mapping[str, str],
    mounts: Mapping[str, Path] | None = None,
) -> None:
    """Start `Command(...)`, as `start` does."""
    start(folder, Command(argv, cwd, env, mounts))


def start(folder: Path, command: Command, fork: Callable[[Path], bool] | None = None) -> None:
    """Start the command under the shim. At most one command ever runs in a folder, however often this is called.

    Afterwards `observe` no longer says NotStarted, unless the disk is full: then the shim comes when there is room.
    `fork` may do it in its own way (warm_pool/template_process.py); where it answers False, this does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, object] = {"argv": list(command.argv), "cwd": str(command.cwd), "env": dict(command.env)}
    if command.mounts or command.hostname:
        content["mounts"] = {target: str(source.resolve()) for target, source in (command.mounts or {}).items()}
        content["hostname"] = command.hostname
    shim.write_json(str(folder / "command.json"), content)
    if fork is None or not fork(folder.resolve()):
        subprocess.run(
            [sys.executable, "-I", "-S", shim.__file__, str(folder.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    deadline = time.monotonic() + CLAIM_SECONDS
    while not (folder / "claim").exists() and time.monotonic() < deadline:
        time.sleep(0.001)


def prevent(folder: Path) -> bool:
    """Take the folder's claim, so that no command will ever run there. False when a shim was quicker.

    From then on it counts as ended by SIGTERM.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not shim.claim(str(folder), shim_pid=0):
        return False
    shim.write_json(str(folder / "exit.json"), {"returncode": -signal.SIGTERM, "ended_at": time.time()})
    return True


def forget(folder: Path) -> None:
    """Make room for another command where one has ended; its log stays."""
    for record in ("exit.json", "process.json", "claim"):  # as long as the claim is there, this was cut short
        (folder / record).unlink(missing_ok=True)


def observe(folder: Path) -> ProcessState:
    """What is true of the folder's command now, from its files and /proc alone."""
    claim = _read(folder / "claim")
    if claim is None:
        return NotStarted()
    alive = _alive(claim["pid"], claim["start_time"])
    # Each looked at after who writes it: a record written in between is seen, so nothing that ended well is lost.
    process = _read(folder / "process.json")
    alive = alive or (process is not None and _alive(process["pid"], process["start_time"]))
    exit_record = _read(folder / "exit.json")
    if exit_record is not None:
        return Exited(returncode=exit_record["returncode"], ended_at=exit_record["ended_at"])
    if not alive:
        return Lost()
    return Running(0) if process is None else Running(process["pid"], claim["pid"])


def send_signal(state: Running, signum: signal.Signals) -> None:
    """Send a signal to the whole process group; nothing happens when it is gone or not yet known."""
    if state.pid <= 0:
        return
    try:
        os.killpg(state.pid, signum)
    except ProcessLookupError:
        return


def _alive(pid: int, start_time: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] != b"Z" and int(fields[19]) == start_time


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_bytes())  # type: ignore[no-any-return]
    except FileNotFoundError:
        return None
    except ValueError:  # the machine itself went down before the disk had it
        return {"pid": 0, "start_time": 0} if path.name == "claim" else None
