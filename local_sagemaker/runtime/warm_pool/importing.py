"""Importing modules in a process that is to be forked, and finding out which of them it must not have imported.

A fork takes none of its parent's threads along, and finds variables read that are another job's. Standard library only.
"""

import importlib
import os
import sys

CONTRACT = ("SM_", "SAGEMAKER_")  # a job's own variables, whether this process has heard of them or not
# What libraries in C read when they are loaded.
LIBRARIES = ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "NUMEXPR_")


class Importing:
    """The imports of this process, and what they told about themselves."""

    def __init__(self, own: "list[str]") -> None:
        self._own = frozenset(own)
        self._lasting = 1  # threads that no fork ends
        self.read: set[str] = set()  # names of variables
        self.left_out: dict[str, str] = {}  # package: why
        self.failed: dict[str, str] = {}

    def run(self, modules: "list[str]", left_out: "dict[str, str]") -> None:
        """Import the modules, but for packages that are to be left out."""
        plain, asked = type(os.environ), set[str]()

        class Watched(plain):  # type: ignore[valid-type, misc] # whatever class it is
            def __getitem__(self, name: str) -> str:
                asked.add(name)
                return str(super().__getitem__(name))

        os.environ.__class__ = Watched
        try:
            for module in modules:
                package = module.partition(".")[0]
                if package not in left_out and module not in sys.modules:
                    asked.clear()
                    self._one(module)
                    self.read |= asked
                    if why := self._unfit(asked):
                        self.left_out.setdefault(package, why)
        finally:
            os.environ.__class__ = plain

    def _one(self, module: str) -> None:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - whatever a package raises; its user will see it
            self.failed[module] = f"{type(error).__name__}: {error}"

    def _unfit(self, asked: "set[str]") -> str:
        job_variables = sorted(name for name in asked if name in self._own or name.startswith(CONTRACT))
        if job_variables:
            return f"reads {', '.join(job_variables)} when it is imported"
        if threads() > self._lasting and (left := after_a_fork()) > self._lasting:
            self._lasting = left
            return "starts threads when it is imported"
        return "starts the GPU's driver when it is imported" if holds_a_gpu() else ""


def threads() -> int:
    """The threads of this process."""
    return len(os.listdir("/proc/self/task"))


def after_a_fork() -> int:
    """The threads that a fork leaves: a pool that knows of forks, such as OpenBLAS's, ends there, until it is used."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return threads()


def holds_a_gpu() -> bool:
    """Whether a driver was started: it works in no fork."""
    for number in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith("/dev/nvidia"):
                return True
        except OSError:  # the listing's own
            continue
    return False


def unusable(importing: Importing, modules: "list[str]", sets: "list[str]") -> str:
    """Why scripts cannot be forked from here, after the imports; empty when they can."""
    late = sorted(name for name in sets if name in importing.read or name.startswith(LIBRARIES))
    if late and modules:
        return f"scripts set {', '.join(late)}, which is read at an import"
    if holds_a_gpu():
        return "a package starts the GPU's driver when it is imported"
    return "" if threads() == 1 or after_a_fork() == 1 else "threads run that do not know of forks"
