"""The images' own command lines in a clean environment, and the compose file against the compose specification.

No container engine is needed: each Dockerfile's COPY, RUN uv sync, ENV, HEALTHCHECK and CMD are carried out in a
temporary folder instead of a layer.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.e2e.dockerfiles import REPOSITORY_DIR, copy, parse, uv
from tests.e2e.ports import free_port


@pytest.mark.e2e
@pytest.mark.parametrize("folder", ["service", "local_sagemaker"])
def test_an_image_builds_starts_and_is_healthy(folder: str, tmp_path: Path) -> None:
    image = parse(REPOSITORY_DIR / folder / "Dockerfile")
    assert image.user == "sagehound", "the image must not run as root"
    copy(image, tmp_path)

    clean = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": os.environ["HOME"]}
    for install in image.installs:
        # The package cache is what makes this a test of seconds; an image is built without one.
        arguments = [uv(), *install.replace("--no-cache", "").split()[1:], "--python", sys.executable]
        subprocess.run(arguments, cwd=tmp_path, env=clean, check=True, capture_output=True)

    port = free_port()
    ports = {"8000": str(port), "4570": str(port)}
    environment = {key: ports.get(value, value) for key, value in image.environment.items()}
    environment |= {"PATH": f"{tmp_path}/.venv/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    environment["LOCAL_SAGEMAKER_STATE_DIR"] = str(tmp_path / "state")
    health_check = [re.sub("127.0.0.1:(8000|4570)", f"127.0.0.1:{port}", part) for part in image.health_check]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(image.command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(health_check, env=environment, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
    finally:
        process.terminate()
        assert process.wait(30) in {0, -15}, (tmp_path / "log").read_text()


def test_the_compose_file_keeps_to_the_specification() -> None:
    checked = subprocess.run(
        [
            sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
            str(REPOSITORY_DIR / "docker-compose.yml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_the_compose_file_agrees_with_the_images() -> None:
    compose = yaml.safe_load((REPOSITORY_DIR / "docker-compose.yml").read_text())
    ports = {"service": "8000", "local-sagemaker": "4570"}
    for name, service in compose["services"].items():
        image = parse(REPOSITORY_DIR / service["build"]["dockerfile"])
        assert service["ports"] == [f"127.0.0.1:{ports[name]}:{ports[name]}"]
        assert ports[name] in image.environment.values()
        assert ports[name] in image.health_check[-1]
    assert compose["services"]["service"]["environment"]["AWS_ENDPOINT_URL"] == "http://local-sagemaker:4570"
    state_dir = parse(REPOSITORY_DIR / "local_sagemaker" / "Dockerfile").environment["LOCAL_SAGEMAKER_STATE_DIR"]
    assert compose["services"]["local-sagemaker"]["volumes"] == [f"sagemaker-state:{state_dir}"]
    assert "sagemaker-state" in compose["volumes"]
