"""The log of `python -m service` as a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from service.settings import REPOSITORY_DIR
from tests.service_process import running_service

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "SAGEHOUND_PORT": "0",
    "SAGEHOUND_TRAINING_IMAGE": "training",  # spares the SDK's import
    "SAGEHOUND_INFERENCE_IMAGE": "inference",
}


def log_of(tmp_path: Path, **environment: str) -> list[str]:
    """The lines of a service that is asked for /healthz and for a path with a line break in it."""
    log = tmp_path / "log"
    with running_service(log, {**ENVIRONMENT, **environment}) as url:
        for path in ("/healthz", "/no%0Aroute"):
            httpx.get(f"{url}{path}", headers={"X-Request-Id": "abc"}, trust_env=False, timeout=30)
    return log.read_text().splitlines()


def test_every_line_is_json_to_the_last_one(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in log_of(tmp_path)]
    assert lines[0]["message"].startswith("Sagehound listens on http://127.0.0.1:")
    assert lines[-1]["message"].startswith("Finished server process")
    (asked,) = [line for line in lines if line["logger"] == "sagehound.access"]
    assert (asked["request_id"], asked["path"], asked["status"]) == ("abc", "/no\nroute", 404)
    assert asked["problem"] == "urn:sagehound:problem:route-not-found"


@pytest.mark.parametrize(("form", "written"), [("text", 1), ("off", 0)])
def test_other_forms(tmp_path: Path, form: str, written: int) -> None:
    lines = log_of(tmp_path, SAGEHOUND_ACCESS_LOG=form)
    assert sum('404 GET "/no\\nroute"' in line for line in lines) == written
    assert [line for line in lines if "healthz" in line] == []
    assert sum("listens on http" in line for line in lines) == 1


def test_traces_that_cannot_be_sent_end_the_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=REPOSITORY_DIR,
        env={**os.environ, **ENVIRONMENT, "OTEL_TRACES_EXPORTER": "zipkin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "The settings are not right. OTEL_TRACES_EXPORTER is 'zipkin'; the service knows otlp and none.\n"
    )
