"""`make demo` as a user sees it: the whole job, in an empty folder, over real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.ports import free_port

REPOSITORY_DIR = Path(__file__).resolve().parents[2]


@pytest.mark.demo
def test_the_demo_names_the_breeds(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY_DIR),
        "SAGEHOUND_PORT": str(free_port()),
        "LOCAL_SAGEMAKER_PORT": str(free_port()),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    try:
        demo = run("demo", "--jobs", "1", "--parallel", "1", "--images-per-breed", "24")
        assert demo.returncode == 0, demo.stdout + demo.stderr
        assert "of the test images named right" in demo.stdout
        assert f"http://127.0.0.1:{environment['SAGEHOUND_PORT']}/docs" in demo.stdout
        assert run("demo.stack", "status").stdout.count("pid") == 2, "the stack goes on after the demo"
    finally:
        down = run("demo.stack", "down")
    assert down.stdout.splitlines() == ["service: stopped", "local_sagemaker: stopped"]
