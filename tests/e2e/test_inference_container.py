"""The model's own image: its Dockerfile carried out in a clean environment, and a photograph sent to what it starts."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.dockerfiles import REPOSITORY_DIR, copy, parse, uv
from tests.e2e.ports import free_port
from tests.unit.inference import artifacts
from tests.unit.inference.test_images import file, picture
from tests.waiting import wait_for

IMAGE = parse(REPOSITORY_DIR / "inference" / "Dockerfile")
REQUIREMENTS = REPOSITORY_DIR / "model_server" / "requirements.txt"
MAX_PACKAGE_BYTES = 300e6


@dataclass(frozen=True)
class Container:
    """What would be in the image: the WORKDIR, and Python's own folder."""

    folder: Path
    python_dir: Path

    def environment(self, port: int, model: Path) -> dict[str, str]:
        """The image's, with this folder for /app, `model` for /opt/ml/model and a port of its own."""
        paths = (self.folder / "usr/local/bin", self.python_dir / "bin", "/usr/bin", "/bin")
        return {
            **IMAGE.environment,
            "PATH": os.pathsep.join(str(path) for path in paths),
            "MODEL_SERVER_DIR": str(self.folder),
            "SM_MODEL_DIR": str(model),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        }

    @contextmanager
    def run(self, model: Path, command: list[str]) -> Iterator[str]:
        """The container with this command: its address, as soon as the health check is content."""
        port = free_port()
        environment = self.environment(port, model)
        health_check = [re.sub(r"127\.0\.0\.1:8080", f"127.0.0.1:{port}", part) for part in IMAGE.health_check]
        log_file = self.folder / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

        def healthy() -> bool:
            assert process.poll() is None, log_file.read_text()
            return subprocess.run(health_check, env=environment, capture_output=True, check=False).returncode == 0

        try:
            wait_for(healthy, "healthy container")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log_file.read_text()


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Container:
    folder, python_dir = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("python") / "venv"
    copy(IMAGE, folder)
    subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, python_dir], check=True)
    for install in IMAGE.installs:
        # The package cache is what makes this a test of seconds; an image is built without one.
        options = install.replace("--no-cache-dir", "").split()[4:]
        command = [uv(), "pip", "install", "--quiet", "--python", f"{python_dir}/bin/python", *options]
        subprocess.run(command, cwd=folder, check=True)
    for path in IMAGE.removed:
        (python_dir / path.removeprefix("/usr/local/")).unlink()
    return Container(folder, python_dir)


def invoke(address: str, body: bytes) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "image/jpeg"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.e2e
def test_it_serves_an_artifact_without_code(container: Container, tmp_path: Path) -> None:
    model = artifacts.write(tmp_path / "model")
    with container.run(model, IMAGE.command) as address:
        status, answer = invoke(address, file(picture(500, 375), "JPEG", quality=90))
        assert (status, answer["model"]) == (200, {"architecture": "colour", "version": "colours-1"})
        status, answer = invoke(address, b"no image")
        assert (status, answer["code"]) == (415, "UnsupportedMediaType")


@pytest.mark.e2e
def test_code_of_the_artifact_goes_first(container: Container, tmp_path: Path) -> None:
    """Started as SageMaker does it, with `serve` and its own word for where the code is."""
    model = artifacts.write(tmp_path / "model")
    shutil.copytree(REPOSITORY_DIR / "inference", model / "code", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    own = "\n\ndef output_fn(prediction, accept):\n    return '{\"by\": \"its own code\"}', 'application/json'\n"
    with (model / "code" / "inference.py").open("a") as code:
        code.write(own)
    with container.run(model, ["serve"]) as address:
        assert invoke(address, file(picture(), "JPEG")) == (200, {"by": "its own code"})


def test_it_does_not_run_as_root_and_takes_sagemaker_s_port() -> None:
    assert IMAGE.user == "sagehound"
    assert IMAGE.command == ["serve"]
    dockerfile = (REPOSITORY_DIR / "inference" / "Dockerfile").read_text()
    assert "EXPOSE 8080" in dockerfile
    assert "accept-bind-to-port=true" in dockerfile


@pytest.mark.e2e
def test_it_is_small_and_has_no_torch(container: Container) -> None:
    packages = container.python_dir / "lib" / "python3.11" / "site-packages"
    files = {path.stat().st_ino: path.stat().st_size for path in packages.rglob("*") if path.is_file()}
    assert sum(files.values()) < MAX_PACKAGE_BYTES
    code = "import importlib.util as util, sys; sys.exit(any(map(util.find_spec, ('torch', 'boto3', 'fastapi'))))"
    assert subprocess.run([container.python_dir / "bin" / "python", "-c", code], check=False).returncode == 0


def test_its_pins_are_those_of_the_lock_file() -> None:
    lock = tomllib.loads((REPOSITORY_DIR / "uv.lock").read_text())
    locked = {package["name"]: package.get("version") for package in lock["package"]}
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE))
    assert {"numpy", "openvino", "pillow", "uvicorn", "uvloop", "httptools"} <= pinned.keys()
    assert pinned == {name: locked[name] for name in pinned}
    assert REQUIREMENTS.read_text().startswith("# uv pip compile ")
