"""A fork takes the place of `python3 train.py`: environment, paths, arguments, and what modules keep of a process.

What a script sees is what it sees in a process of its own; where that cannot be, because a folder of its holds a module
by the name of an imported one, the process is replaced by just that. Standard library only.
"""

import contextlib
import importlib
import importlib.machinery
import os
import signal
import sys

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any

SET: "set[str]" = set()  # variables that the script has set
INSTALLED: "list[str]" = []  # folders of modules that are not the script's own
AT_START = {"sitecustomize", "usercustomize"}  # what Python imports by itself


def become(command: "dict[str, Any]") -> None:
    """Take on the command's environment, paths and arguments, in this process or, where it must be, a new one."""
    argv, env, cwd = command["argv"], command["env"], os.path.realpath(command["cwd"])
    before, own = python_path(os.environ), python_path(env)
    os.environ.clear()
    os.environ.update(env)
    if any(hides(folder) for folder in {cwd, *own} - set(before)):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execve(argv[0], argv, env)  # noqa: S606
    sys.modules.pop("mount_namespace", None)  # the shim's
    move_prefix(argv[0])
    sys.path[: len(before)] = [cwd, *own]
    sys.path_importer_cache.clear()
    others = [path for path in sys.path if os.path.realpath(path) != cwd]
    INSTALLED.extend(place + os.sep for path in others for place in (path, os.path.realpath(path)))
    sys.orig_argv[:] = argv
    sys.argv[:] = argv[1:]
    refresh()


def python_path(env: "Mapping[str, str]") -> "list[str]":
    """The folders of PYTHONPATH."""
    return [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]


def hides(folder: str) -> bool:
    """Whether a script would find a module in its folder that it does not find once others were imported here."""
    imported = {name.partition(".")[0] for name in sys.modules} - {"__main__"} | AT_START
    suffixes = importlib.machinery.all_suffixes()
    found = set()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(folder):
            stem = next((name.removesuffix(suffix) for suffix in suffixes if name.endswith(suffix)), name)
            if stem != name or os.path.isdir(os.path.join(folder, name)):
                found.add(stem)
    return bool(found & imported - set(sys.builtin_module_names))


def move_prefix(executable: str) -> None:
    """Have the interpreter's paths be those of the job's Python environment instead of the template's."""
    old, new = sys.prefix, os.path.dirname(os.path.dirname(executable))
    sys.executable, sys.prefix, sys.exec_prefix = executable, new, new
    sys.path[:] = [new + path[len(old) :] if path.startswith(old + os.sep) else path for path in sys.path]
    if "site" in sys.modules:
        site: Any = sys.modules["site"]
        site.PREFIXES = [new if prefix == old else prefix for prefix in site.PREFIXES]
    if "sysconfig" in sys.modules:
        importlib.reload(sys.modules["sysconfig"])  # it keeps paths


def refresh() -> None:
    """What modules keep of the process in which they were imported."""
    if "multiprocessing" in sys.modules:
        import multiprocessing.process  # noqa: PLC0415 - it is there
        import multiprocessing.spawn  # noqa: PLC0415

        multiprocessing.process.ORIGINAL_DIR = os.getcwd()  # type: ignore[attr-defined]
        multiprocessing.spawn.set_executable(sys.executable)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # or all jobs would draw the same; `random` sees to itself
    plain = type(os.environ)

    class Watched(plain):  # type: ignore[valid-type, misc] # whatever class it is
        def __setitem__(self, name: str, value: str) -> None:
            if is_own(sys._getframe(1)):
                SET.add(name)
            super().__setitem__(name, value)

    Watched.__name__, Watched.__qualname__, Watched.__module__ = plain.__name__, plain.__qualname__, plain.__module__
    os.environ.__class__ = Watched


def is_own(frame: "FrameType | None") -> bool:
    """Whether the code that sets a variable is the script's own, not an installed package's."""
    while frame is not None and frame.f_globals.get("__name__") in {"os", "collections.abc", "_collections_abc"}:
        frame = frame.f_back
    return frame is not None and not installed(frame.f_globals.get("__file__"))


def installed(file: "str | None") -> bool:
    """Whether a module's file belongs to Python or to an installed package."""
    return bool(file) and str(file).startswith(tuple(INSTALLED))
