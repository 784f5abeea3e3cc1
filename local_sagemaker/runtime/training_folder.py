"""Where a training job lives on this machine: SageMaker's /opt/ml, relocated, beside the shim's own files."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPT_ML = "/opt/ml"


@dataclass(frozen=True)
class TrainingFolder:
    """Paths in `root`, the job's folder. `ml` stands for /opt/ml."""

    root: Path

    @property
    def ml(self) -> Path:
        """The relocated /opt/ml."""
        return self.root / "ml"

    @property
    def config(self) -> Path:
        """hyperparameters.json, inputdataconfig.json, resourceconfig.json and Debugger's."""
        return self.ml / "input/config"

    @property
    def data(self) -> Path:
        """One folder a channel."""
        return self.ml / "input/data"

    @property
    def code(self) -> Path:
        """The unpacked source folder, where the script runs."""
        return self.ml / "code"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return self.ml / "model"

    @property
    def output(self) -> Path:
        """`failure`, `data` and Debugger's files."""
        return self.ml / "output"

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz."""
        return self.output / "data"

    @property
    def failure(self) -> Path:
        """Where a script may say why it fails."""
        return self.output / "failure"

    @property
    def site_packages(self) -> Path:
        """What requirements.txt needed beyond this environment."""
        return self.root / "site-packages"

    @property
    def home(self) -> Path:
        """HOME of the script."""
        return self.root / "home"

    @property
    def log(self) -> Path:
        """The shim's log."""
        return self.root / "log"

    def relocate(self, value: Any) -> Any:
        """The value, with /opt/ml at the beginning of a string replaced by its place here."""
        if isinstance(value, str) and (value == OPT_ML or value.startswith(OPT_ML + "/")):
            return str(self.ml.resolve()) + value[len(OPT_ML) :]
        return value

    def path(self, container_path: str) -> Path:
        """The place here of a path in the container. It must be below /opt/ml (checked at creation)."""
        return Path(self.relocate(container_path))

    def claim(self) -> bool:
        """Take the shim's claim, so that no script will ever run here. False when a shim was quicker."""
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(self.root / "claim", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return False
        return True

    def tidy(self) -> None:
        """Remove what is only needed while the job runs; the log and the shim's records stay."""
        for path in (self.ml, self.home, self.root / "upload", self.root / "requirements"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (self.site_packages, self.root / "sourcedir.tar.gz", self.root / "command.json"):
            path.unlink(missing_ok=True)
