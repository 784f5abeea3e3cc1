"""The script in a process that has taken its place (place.py): its file is run as __main__, to the end.

When it ends, FOLDER/imports.json is written: `{"modules": [...], "sets": [...]}`, the installed modules that it has
imported, in order, and the environment variables that it has set. Standard library only.
"""

import builtins
import contextlib
import gc
import importlib.machinery
import io
import json
import os
import sys
import types

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from types import ModuleType, TracebackType
    from typing import Any

STARTED_WITH = frozenset(sys.modules)
KEPT: "list[ModuleType]" = []  # the template's own __main__, whose code still runs


def run(command: "dict[str, Any]", folder: str, place: "ModuleType") -> None:
    """Run the script's file as __main__, to the end of this process."""
    main = types.ModuleType("__main__")
    path = os.path.join(os.getcwd(), command["argv"][1])
    main.__dict__.update(__builtins__=builtins, __file__=path, __cached__=None, __annotations__={})
    main.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    KEPT.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    try:
        with io.open_code(path) as file:
            source = file.read()
        exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - what it is for
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - as Python itself does
        fail(error)
    finally:
        with contextlib.suppress(OSError):  # a full disk, say: then it is learned another time
            record(folder, place)
        gc.unfreeze()  # what the template froze ends with the process as everything else does


def fail(error: BaseException) -> None:
    """End as Python does when nothing catches an error: told by sys.excepthook, without the frames of this file."""
    trace: TracebackType | None = error.__traceback__ and error.__traceback__.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    if isinstance(error, KeyboardInterrupt):
        sys.excepthook = lambda *_: None
        raise error  # for the interpreter to end by the signal
    sys.exit(1)


def record(folder: str, place: "ModuleType") -> None:
    """Write down what was imported, and which variables were set."""
    modules = [
        name
        for name, module in list(sys.modules.items())
        if name not in STARTED_WITH and place.installed(getattr(getattr(module, "__spec__", None), "origin", None))
    ]
    path = os.path.join(folder, "imports.json")
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        json.dump({"modules": modules, "sets": sorted(place.SET)}, file)
    os.replace(f"{path}.tmp", path)
