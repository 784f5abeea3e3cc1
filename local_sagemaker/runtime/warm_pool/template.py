"""The interpreter of a warm pool: it has imported what scripts import, and forks one process a job.

Started as `python template.py FOLDER FD`, with FOLDER/template.json (`{"modules": [...], "own": [...], "sets": [...]}`)
and a socket to the engine, which it never outlives. It imports `modules`, says so, and from then on takes a folder of a
command (shim.py) a line: the fork becomes the shim and forks the script (child.py, place.py, script.py).

A fork takes none of its parent's threads along, so nothing may run here that a fork does not know of. Left out, for
scripts to import themselves, are packages that start such threads, and those that ask at their import for a variable
that is another one for each job (`own`): they are found out while they are imported, and this program then starts anew
without them. It says that it cannot be used when scripts set (`sets`) what was read at an import: they do so before.

Standard library only, and of that little: it is what every job finds imported.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder: nothing in it is for scripts

import ctypes
import gc
import importlib.util
import json
import os
import signal

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

PR_SET_PDEATHSIG = 1
RUNTIME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(*place: str) -> "ModuleType":
    """A file of this package as a module that is in nobody's way."""
    path = os.path.join(RUNTIME, *place)
    spec = importlib.util.spec_from_file_location(f"_{place[-1].removesuffix('.py')}", path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - for the type checker
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(control: int) -> "str | None":
    """Fork a process for each folder that comes in; answers the folder there. None when the engine is gone."""
    pending = b""
    while chunk := os.read(control, 65536):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            try:
                child = os.fork()
            except OSError as error:
                tell(control, {"error": str(error)})
                continue
            if child == 0:
                os.close(control)
                return str(json.loads(line))
            tell(control, {"pid": child})
    return None


def tell(control: int, message: "dict[str, Any]") -> None:
    """Say something to the engine."""
    os.write(control, json.dumps(message).encode() + b"\n")


def main(folder: str, control: int) -> None:
    """Import, serve, and become what was forked."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died just before
        return
    shim, imports = load("shim.py"), load("warm_pool", "importing.py")
    child, place, script = (load("warm_pool", name) for name in ("child.py", "place.py", "script.py"))
    path = os.path.join(folder, "template.json")
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    importing = imports.Importing(wanted["own"])
    importing.run(wanted["modules"], wanted["left_out"])
    if importing.left_out:
        wanted["left_out"] |= importing.left_out
        shim.write_json(path, wanted)
        os.execv(sys.executable, [sys.executable, os.path.abspath(__file__), folder, str(control)])  # noqa: S606
    why = imports.unusable(importing, wanted["modules"], wanted["sets"])
    tell(control, {"ready": not why, "why": why, "left_out": wanted["left_out"], "failed": importing.failed})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel takes note of the ends of forks
    gc.collect()
    gc.freeze()  # collections in forks leave the shared pages alone
    job = None if why else serve(control)
    if job is None:
        os._exit(0)
    command = child.supervise(shim, job)
    place.become(command)
    script.run(command, job, place)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
