"""The folder of a model server: how one is started and found again.

FOLDER/serving.json   what to serve: written before the start
FOLDER/server.json    {"pid", "port"}: written by the model server when its model is loaded
FOLDER/log            a link to the log of the instance's stream, which goes on over restarts
and runtime/process.py's own files
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local_sagemaker.runtime import process, shim

# Of an answer that is the model server's own, not the model's: queue-full, timeout, or never-started when the time
# was up before it was this request's turn.
REFUSAL_HEADER = "x-model-server-refusal"
# Of a request: the seconds that it may take, where that is not the model server's own limit. The model does not see it.
TIMEOUT_HEADER = "x-model-server-timeout"


@dataclass(frozen=True)
class Serving:
    """What a model server serves; all paths absolute, as it sees them.

    `program` is SAGEMAKER_PROGRAM, `packages_dir` holds what requirements.txt added.
    """

    model_dir: Path
    code_dir: Path
    packages_dir: Path
    program: str | None
    timeout_seconds: float


@dataclass(frozen=True)
class ServingFolder:
    """One start of a model server."""

    path: Path

    @property
    def server_json(self) -> Path:
        """Where the model server says on which port it listens."""
        return self.path / "server.json"

    def read_serving(self) -> Serving:
        """What to serve."""
        fields = json.loads((self.path / "serving.json").read_bytes())
        return Serving(
            Path(fields["model_dir"]),
            Path(fields["code_dir"]),
            Path(fields["packages_dir"]),
            fields["program"],
            fields["timeout_seconds"],
        )

    def start(self, serving: Serving, environment: Mapping[str, str], log: Path, mounts: Mapping[str, Path]) -> None:
        """Start a model server unless this folder has had one. Its output is appended to `log`.

        `serving` and `environment` are as it sees them by `mounts`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        link = self.path / "log"
        if not link.is_symlink():
            link.symlink_to(log.resolve())
        written = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(serving).items()}
        shim.write_json(str(self.path / "serving.json"), written)
        argv = [sys.executable, "-P", "-m", "local_sagemaker.runtime.serving.model_server", str(self.path.resolve())]
        process.spawn(self.path, argv, cwd=serving.model_dir, env=environment, mounts=mounts)

    def port(self) -> int | None:
        """Where the model server listens; None until its model is loaded."""
        try:
            return int(json.loads(self.server_json.read_bytes())["port"])
        except FileNotFoundError:
            return None

    def started_at(self) -> float:
        """When it was started, epoch seconds."""
        return (self.path / "command.json").stat().st_mtime
