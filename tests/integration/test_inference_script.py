"""inference/ in its place: code/ of an unpacked model.tar.gz, in a process of its own, as a model server runs it."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.inference import artifacts, handler

SERVE = """
import json, sys, time
started = time.perf_counter()
folder = sys.argv[1]
sys.path.insert(0, folder + "/code")
import inference
model = inference.model_fn(folder)
loaded_seconds = time.perf_counter() - started
from PIL import Image
formats = sorted(Image.OPEN)
answers = []
for line in sys.stdin:
    path, content_type, accept = json.loads(line)
    try:
        with open(path, "rb") as body:
            data = inference.input_fn(body.read(), content_type)
        body, content_type = inference.output_fn(inference.predict_fn(data, model), accept)
        answers.append([200, json.loads(body)])
    except Exception as error:
        answers.append([getattr(error, "status_code", 500), str(error)])
packages = {
    name.partition(".")[0]
    for name, module in list(sys.modules.items())
    if "site-packages" in (getattr(module, "__file__", None) or "")
}
converts = "openvino.tools.ovc" in sys.modules
told = {"loaded_seconds": loaded_seconds, "answers": answers, "packages": sorted(packages)}
print(json.dumps({**told, "formats": formats, "converts": converts}))
"""


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = artifacts.write(tmp_path_factory.mktemp("opt") / "model")
    shutil.copytree(handler.FOLDER, folder / "code", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return folder


def serve(folder: Path, requests: list[tuple[Path, str, str]]) -> dict[str, Any]:
    """What the process answers to each (file, content type, Accept)."""
    lines = "\n".join(json.dumps([str(path), content_type, accept]) for path, content_type, accept in requests)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SERVE, str(folder)],
        cwd=folder,
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_breeds_and_refusals(model_folder: Path, tmp_path: Path) -> None:
    requests = []
    for number, colour in enumerate((artifacts.RED, artifacts.GREEN, artifacts.BLUE)):
        path = tmp_path / f"{number}.jpg"
        Image.new("RGB", (300, 200), colour).save(path)
        requests.append((path, "image/jpeg", "application/json; top_k=1"))
    text, cut = tmp_path / "text.jpg", tmp_path / "cut.jpg"
    text.write_text("This is a text that somebody named .jpg.")
    stream = io.BytesIO()
    Image.effect_noise((300, 200), 80).save(stream, "JPEG")
    cut.write_bytes(stream.getvalue()[:5000])
    requests += [
        (text, "image/jpeg", "*/*"),
        (cut, "image/jpeg", "*/*"),
        (tmp_path / "0.jpg", "image/jpeg", "text/csv"),
    ]

    answers = serve(model_folder, requests)["answers"]

    best = [answer["predictions"][0] for status, answer in answers[:3] if status == 200]
    assert [place["breed"] for place in best] == ["Red setter", "Green hound", "Blue épagneul"]
    assert all(0.5 < place["probability"] <= 1 for place in best)
    assert answers[0][1]["model"] == {"architecture": "colour", "version": "colours-1"}
    assert [status for status, _ in answers[3:]] == [415, 400, 406]
    assert "send JPEG, PNG, WebP, BMP or GIF" in answers[3][1]
    assert answers[4][1] == "The image file is truncated: only its first 5,000 bytes arrived."


def test_it_imports_its_requirements_and_nothing_else(model_folder: Path) -> None:
    requirements = (handler.FOLDER / "requirements.txt").read_text().split()
    assert [line.partition(">")[0] for line in requirements] == ["numpy", "openvino", "pillow"]
    result = serve(model_folder, [])
    # packaging is what openvino imports where it is there, _distutils_hack what setuptools does to every process.
    assert set(result["packages"]) - {"packaging", "_distutils_hack"} == {"PIL", "numpy", "openvino"}
    assert result["loaded_seconds"] < 10
    # What costs time and memory: Pillow's seventy formats, and OpenVINO's conversion of models.
    assert {"BMP", "GIF", "JPEG", "PNG", "WEBP"} <= set(result["formats"])
    assert len(result["formats"]) < 10
    assert not result["converts"]
