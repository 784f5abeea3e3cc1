"""What a model server is given: its environment, and where its code is; and whether it answers."""

import http.client
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.mount_namespace import OPT_ML
from local_sagemaker.runtime.objects import credentials
from local_sagemaker.runtime.training.environment import AWS_VARIABLES

MODEL_DIR = "/opt/ml/model"  # in the container
PING_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class View:
    """What a model server sees of its variant's folder: the model's place, and what is mounted for it."""

    model_dir: Path
    mounts: Mapping[str, Path]


def view(folder: Path, *, mounted: bool) -> View:
    """/opt/ml/model itself where it can be shown to one process alone (mount_namespace.py), else what is behind it."""
    if mounted:
        return View(Path(MODEL_DIR), {OPT_ML: folder.resolve()})
    return View((folder / "model").resolve(), {})


def environment(
    container: Mapping[str, str],
    *,
    model_dir: Path,
    region: str,
    share: ComputeShare,
    workers: int | None,
    endpoint_url: str,
) -> dict[str, str]:
    """A model server's environment: SageMaker's, AWS access, then the container's own. Nothing else is inherited.

    `workers` is how many there are unless the container says it; None for one a CPU of the share.

    A value that is a path in /opt/ml/model is translated to `model_dir`, which is the same where it can be mounted.
    """
    model = str(model_dir)
    access_key, secret_key = credentials()
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": os.environ.get("HOME", model),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "UTF-8",
        **share.environment(),
        **({"SAGEMAKER_MODEL_SERVER_WORKERS": str(workers)} if workers else {}),
        **{name: os.environ[name] for name in AWS_VARIABLES if os.environ.get(name)},
        **({"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key} if access_key and secret_key else {}),
        **({"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {}),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "SAGEMAKER_REGION": region,
        "SM_MODEL_DIR": model,
    }
    translated = {name: _translated(value, model) for name, value in container.items()}
    python_path = [str(Path(__file__).parents[3]), *filter(None, [translated.get("PYTHONPATH")])]
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
