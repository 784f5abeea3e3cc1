"""The folder of a model server: how one is started, found again, and pinged.

FOLDER/serving.json   what to serve: written before the start
FOLDER/server.json    {"pid", "port"}: written by the model server when its model is loaded
FOLDER/log            a link to the log of the instance's stream, which goes on over restarts
and runtime/process.py's own files
"""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local_sagemaker.runtime import process, shim
from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.objects import credentials
from local_sagemaker.runtime.training_environment import AWS_VARIABLES

# Of an answer that is the model server's own, not the model's: queue-full or timeout.
REFUSAL_HEADER = "x-model-server-refusal"
MODEL_DIR = "/opt/ml/model"  # in the container; here it is a folder of the deployment
PING_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Serving:
    """What a model server serves. `program` is SAGEMAKER_PROGRAM, `packages_dir` holds what requirements.txt added."""

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

    @property
    def answered(self) -> Path:
        """Set when the model server has answered a ping."""
        return self.path / "answered"

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

    def start(self, serving: Serving, environment: Mapping[str, str], log: Path) -> None:
        """Start a model server unless this folder has had one. Its output is appended to `log`."""
        self.path.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        link = self.path / "log"
        if not link.is_symlink():
            link.symlink_to(log.resolve())
        shim.write_json(str(self.path / "serving.json"), {**asdict(serving), **_paths(serving)})
        argv = [sys.executable, "-P", "-m", "local_sagemaker.runtime.model_server", str(self.path.resolve())]
        process.spawn(self.path, argv, cwd=serving.model_dir.resolve(), env=environment)

    def port(self) -> int | None:
        """Where the model server listens; None until its model is loaded."""
        try:
            return int(json.loads(self.server_json.read_bytes())["port"])
        except FileNotFoundError:
            return None

    def started_at(self) -> float:
        """When it was started, epoch seconds."""
        return (self.path / "command.json").stat().st_mtime


def environment(
    container: Mapping[str, str], *, model_dir: Path, region: str, share: ComputeShare, endpoint_url: str
) -> dict[str, str]:
    """A model server's environment: SageMaker's, AWS access, then the container's own. Nothing else is inherited.

    A value that is a path in /opt/ml/model is translated to the folder that stands for it.
    """
    model = str(model_dir.resolve())
    access_key, secret_key = credentials()
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": os.environ.get("HOME", model),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "UTF-8",
        **share.environment(),
        **{name: os.environ[name] for name in AWS_VARIABLES if os.environ.get(name)},
        **({"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key} if access_key and secret_key else {}),
        **({"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {}),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "SAGEMAKER_REGION": region,
        "SM_MODEL_DIR": model,
    }
    translated = {name: _translated(value, model) for name, value in container.items()}
    python_path = [str(Path(__file__).parents[2]), *filter(None, [translated.get("PYTHONPATH")])]
    return {**own, **translated, "PYTHONPATH": os.pathsep.join(python_path)}


def code_dir(container: Mapping[str, str], model_dir: Path) -> Path:
    """The folder of the model's code: SAGEMAKER_SUBMIT_DIRECTORY inside the model, `code` by default."""
    asked = container.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if asked.startswith(MODEL_DIR + "/"):
        return model_dir / asked.removeprefix(MODEL_DIR + "/")
    return model_dir / "code"


def answers_ping(port: int) -> bool:
    """Whether GET /ping answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PING_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _translated(value: str, model: str) -> str:
    if value == MODEL_DIR or value.startswith(MODEL_DIR + "/"):
        return model + value.removeprefix(MODEL_DIR)
    return value


def _paths(serving: Serving) -> dict[str, str]:
    return {
        name: str(path.resolve())
        for name, path in (
            ("model_dir", serving.model_dir),
            ("code_dir", serving.code_dir),
            ("packages_dir", serving.packages_dir),
        )
    }
