"""Where a host of a training job lives on this machine: its /opt/ml, beside the shim's own files."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local_sagemaker.runtime.mount_namespace import OPT_ML

FIRST_HOST = "algo-1"


@dataclass(frozen=True)
class TrainingFolder:
    """Paths in `root`, the folder of a host. `ml` stands for /opt/ml.

    `mounted`: the script sees it at /opt/ml (mount_namespace.py); otherwise by its path on this machine.
    """

    root: Path
    mounted: bool = False

    def of_host(self, host: str) -> "TrainingFolder":
        """The folder of another host; `root` must be the first one's, which is also the job's."""
        return self if host == FIRST_HOST else replace(self, root=self.root / host)

    @property
    def ml(self) -> Path:
        """What stands for /opt/ml."""
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
    def profiler(self) -> Path:
        """What the sampler writes: it becomes profiler-output, beside what the script writes there."""
        return self.root / "profiler"

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
    def venv(self) -> Path:
        """The script's Python environment, over the one that local_sagemaker runs in."""
        return self.root / "venv"

    @property
    def hosts_file(self) -> Path:
        """/etc/hosts of the script."""
        return self.root / "hosts"

    @property
    def log(self) -> Path:
        """The shim's log."""
        return self.root / "log"

    def seen(self, path: Path) -> str:
        """How the script names a path that lies in `ml`."""
        inner = path.relative_to(self.ml)
        return str(Path(OPT_ML) / inner) if self.mounted else str(self.ml.resolve() / inner)

    def relocate(self, value: Any) -> Any:
        """The value as the script must be given it: /opt/ml at the beginning of a string is where it sees it."""
        if self.mounted or not isinstance(value, str) or not (value == OPT_ML or value.startswith(OPT_ML + "/")):
            return value
        return str(self.ml.resolve()) + value[len(OPT_ML) :]

    def path(self, container_path: str) -> Path:
        """The place on this machine of a path in the container. It must be below /opt/ml (checked at creation)."""
        return self.ml.resolve() / Path(container_path).relative_to(OPT_ML)

    def tidy(self) -> None:
        """Remove what is only needed while the job runs; the log and the shim's records stay.

        `ml` last: as long as it is there, the rest may be.
        """
        for path in (self.site_packages, self.hosts_file, self.root / "command.json", self.root / "imports.json"):
            path.unlink(missing_ok=True)
        for name in ("upload", "requirements", "sampler"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for path in (self.home, self.venv, self.profiler, self.ml):
            shutil.rmtree(path, ignore_errors=True)
