"""The folder of a model server: how one is started and found again.

FOLDER/server.json   {"pid", "port"}: written by the model server when a worker of it has loaded the model
FOLDER/log           a link to the log of the instance's stream, which goes on over restarts
and runtime/process.py's own files
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.runtime import process
from model_server.serving import Serving


@dataclass(frozen=True)
class Start:
    """What a model server serves, paths as it sees them, for how long a request may run, and on how many CPUs."""

    serving: Serving
    timeout_seconds: float
    cpus: int

    def argv(self, ready_file: Path) -> list[str]:
        """The command."""
        serving = self.serving
        options = {
            "--model-dir": serving.model_dir,
            "--code-dir": serving.code_dir,
            "--packages-dir": serving.packages_dir,
            "--program": serving.program,
            "--port": 0,
            "--ready-file": ready_file,
            "--timeout-seconds": self.timeout_seconds,
            "--cpus": self.cpus,
        }
        given = [part for name, value in options.items() if value is not None for part in (name, str(value))]
        return [sys.executable, "-P", "-m", "model_server", *given]


@dataclass(frozen=True)
class ServingFolder:
    """One start of a model server."""

    path: Path

    @property
    def server_json(self) -> Path:
        """Where the model server says on which port it listens."""
        return self.path / "server.json"

    def start(self, what: Start, environment: Mapping[str, str], log: Path, mounts: Mapping[str, Path]) -> None:
        """Start a model server unless this folder has had one. Its output is appended to `log`.

        `what` and `environment` are as it sees them by `mounts`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        link = self.path / "log"
        if not link.is_symlink():
            link.symlink_to(log.resolve())
        argv = what.argv(self.server_json.resolve())
        process.spawn(self.path, argv, cwd=what.serving.model_dir, env=environment, mounts=mounts)

    def port(self) -> int | None:
        """Where the model server listens; None until its model is loaded."""
        try:
            return int(json.loads(self.server_json.read_bytes())["port"])
        except FileNotFoundError:
            return None

    def started_at(self) -> float:
        """When it was started, epoch seconds."""
        return (self.path / "command.json").stat().st_mtime
