"""`python -m service` as a process."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from tests.http_client import http_client
from tests.local_server import REPOSITORY

START_SECONDS = 30.0


def start(env: Mapping[str, str]) -> "subprocess.Popen[str]":
    """The service with the settings of `env`."""
    return subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=REPOSITORY,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_prints_its_url_answers_and_ends_on_sigterm() -> None:
    with start({"SAGEHOUND_PORT": "0"}) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert url is not None, line
            with http_client(url[0], START_SECONDS) as client:
                assert client.get("/healthz").status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)
    assert process.returncode in {0, -signal.SIGTERM}


def test_taken_port_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with start({"SAGEHOUND_PORT": str(port)}) as process:
            _, errors = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 1
    assert errors == (
        f"Port {port} on 127.0.0.1 is taken. Stop what listens there, or set SAGEHOUND_PORT to another port.\n"
    )


def test_bad_setting_is_named() -> None:
    with start({"SAGEHOUND_ROLE_ARN": "nobody"}) as process:
        _, errors = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 1
    assert "role_arn" in errors
    assert "Traceback" not in errors


def test_import_loads_neither_torch_nor_an_sdk_and_is_quick() -> None:
    code = (
        "import time, service.app, sys\n"
        "print([m for m in ('torch', 'sagemaker', 'boto3') if m in sys.modules], time.process_time())"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    loaded, seconds = done.stdout.rsplit(" ", 1)
    assert loaded == "[]"
    assert float(seconds) < 4.0, (seconds, time.monotonic() - started)
