"""Which commands may be forked from the same template: those that differ in nothing that a process has from its start.

Code, Python environment and every variable must be the same but for those that are each job's own, which a fork can
still be given.
"""

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.runtime.process import Command
from local_sagemaker.runtime.warm_pool.imports import Imports
from local_sagemaker.runtime.warm_pool.source_imports import foreseen, told_apart

# Variables that are another job's otherwise: the container's contract, and where the job lies.
OWN_PREFIXES = ("SM_", "SAGEMAKER_", "TRAINING_JOB_", "SMDEBUG_", "SMPROFILER_")
OWN = frozenset({"HOME", "PATH", "PYTHONPATH", "MASTER_ADDR", "MASTER_PORT", "PET_MASTER_PORT", "CURRENT_HOST"})


@dataclass(frozen=True)
class Kind:
    """`code` and `process` are digests: of the imports and packages of the script, and of what its process starts with.

    `environment` is what all commands of the kind have in common, `own` the names of the others' variables; `foreseen`
    is what the code says that it imports, for as long as nobody has seen it run.
    """

    code: str
    process: str
    environment: Mapping[str, str]
    own: tuple[str, ...]
    foreseen: Imports

    @property
    def key(self) -> tuple[str, str]:
        """Commands with the same are of one kind."""
        return self.code, self.process


def kind_of(command: Command, code: Path, site_packages: Path) -> Kind:
    """The kind of a command whose files lie in `code` and whose own packages, if any, in `site_packages`."""
    own = tuple(sorted(name for name in command.env if is_own(name)))
    common = {name: value for name, value in command.env.items() if name not in own}
    packages = str(site_packages.resolve()) if site_packages.exists() else ""
    if packages:
        common["PYTHONPATH"] = packages
    python = [sys.version, sys.prefix, packages, os.stat(sysconfig.get_path("purelib")).st_mtime_ns]
    program = command.argv[1]
    process = _digest([python, common])
    return Kind(_digest([python, told_apart(code), program]), process, common, own, foreseen(code, program))


def is_own(name: str) -> bool:
    """Whether a variable is each job's own."""
    return name in OWN or name.startswith(OWN_PREFIXES)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
