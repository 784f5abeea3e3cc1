"""A training script that says what it finds: about itself, its interpreter and its process. Run as __main__."""

import gc
import json
import locale
import multiprocessing.process
import multiprocessing.spawn
import os
import resource
import signal
import site
import socket
import sys
import sysconfig
import threading
from typing import Any

MAIN = ("__name__", "__file__", "__spec__", "__package__", "__doc__", "__cached__")


def open_files() -> dict[str, str]:
    """What each file descriptor is."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}").partition(":")[0]
        except FileNotFoundError:  # the listing's own
            continue
    return found


def signals() -> list[object]:
    """Which are blocked, ignored, caught; glibc has one of its own (33) from the first thread on."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    masks = [int(status[name], 16) & 0x7FFFFFFF for name in ("SigBlk", "SigIgn", "SigCgt", "ShdPnd")]
    handlers = [str(signal.getsignal(number)) for number in sorted(signal.valid_signals()) if number < 32]
    return [masks, handlers, signal.set_wakeup_fd(-1)]


def stream(file: Any) -> list[object]:
    """A standard stream."""
    kind = [file.encoding, file.errors, file.line_buffering, file.write_through, file.isatty(), file.seekable()]
    return [*kind, file.fileno(), file.name, file.mode]


def shell(command: str) -> list[str]:
    """What a command of the shell says."""
    with os.popen(command) as pipe:  # noqa: S605 - two commands, both below
        return sorted(pipe.read().splitlines())


def facts() -> dict[str, object]:
    """All of it."""
    main: Any = sys.modules["__main__"]
    limits = [name for name in sorted(dir(resource)) if name.startswith("RLIMIT_")]
    return {
        "arguments": [sys.argv, sys.orig_argv],
        "path": sys.path,
        "prefixes": [sys.executable, sys.prefix, sys.exec_prefix, sys.base_prefix, site.PREFIXES],
        "packages": [sysconfig.get_paths(), site.getsitepackages()],
        "interpreter": [str(sys.flags), sys.warnoptions, locale.getpreferredencoding(), gc.isenabled()],
        "main": [[str(getattr(main, name, "none")) for name in MAIN], type(main.__loader__).__name__],
        "main is this": [main.__dict__ is globals(), str(type(globals()["__builtins__"]))],
        "names": sorted(name for name in globals() if name.startswith("__")),
        "environment": [dict(os.environ), os.getenv("SM_JOB_NAME"), repr(type(os.environ)), shell("env")],
        "process": [os.getcwd(), os.umask(0o22), os.nice(0), os.getuid(), os.getgid(), socket.gethostname()],
        "leads": [os.getpid() == os.getsid(0), os.getpid() == os.getpgrp()],
        "signals": signals(),
        "files": open_files(),
        "threads": [threading.active_count(), threading.current_thread() is threading.main_thread()],
        "streams": [stream(file) for file in (sys.stdin, sys.stdout, sys.stderr)],
        "limits": [resource.getrlimit(getattr(resource, name)) for name in limits],
        "spawn": [
            os.fsdecode(multiprocessing.spawn.get_executable()),
            multiprocessing.process.ORIGINAL_DIR,  # type: ignore[attr-defined]
            multiprocessing.process.current_process().name,
        ],
        "a python of its own": shell("python3 -c 'import sys; print(sys.prefix, sys.path[1:])'"),
        "left over": [name for name in sys.modules if name.strip("_") in {"shim", "mount_namespace", "script"}],
    }


if __name__ == "__main__":
    print(json.dumps(facts()))  # noqa: T201 - a script's output is its log
