"""inference/ as code/ of SageMaker's public PyTorch container: its inference toolkits run the four functions."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from tests.clients.environments import environment
from tests.unit.inference import artifacts, handler
from tests.unit.inference.test_images import file

TORCH_SITE = Path(torch.__file__).parents[1]
SCRIPT = Path(__file__).parent / "inference_toolkit" / "toolkit.py"


def test_the_toolkits_answer_breeds(tmp_path: Path) -> None:
    folder = artifacts.write(tmp_path / "model")
    shutil.copytree(handler.FOLDER, folder / "code", ignore=shutil.ignore_patterns("__pycache__", ".*", "Dockerfile"))
    blue = file(Image.new("RGB", (300, 200), artifacts.BLUE), "JPEG")
    asked: list[tuple[bytes, str, str]] = [
        (blue, "image/jpeg", "application/json; top_k=1"),
        (blue, "application/octet-stream", "application/x-npy"),
    ]
    requests = [
        {"headers": {"content-type": kind, "accept": accept}, "body": base64.b64encode(body).decode()}
        for body, kind, accept in asked
    ]
    case = {"model_dir": str(folder), "program": "inference.py", "requests": requests}
    ran = subprocess.run(
        [environment("inference_toolkit"), SCRIPT, TORCH_SITE],
        input=json.dumps([case]),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (found,) = json.loads(ran.stdout)
    answers: list[Any] = found["answers"]
    body = json.loads(base64.b64decode(answers[0][2]))
    assert (answers[0][:2], body["predictions"][0]["breed"]) == ([200, "application/json"], "Blue épagneul")
    assert answers[1][:2] == [200, "application/x-npy"]
    assert base64.b64decode(answers[1][2]).startswith(b"\x93NUMPY")
