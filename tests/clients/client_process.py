"""A client as its user starts it: a process of its own, in the client's environment."""

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local_server import REPOSITORY

ACCOUNT = "123456789012"
REGION = "us-east-1"
CLIENT_PATH = Path(__file__).parent / "client_path"
TELEMETRY_OFF = """\
SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
"""


@dataclass(frozen=True)
class Ran:
    """What an ended client process wrote."""

    stdout: str
    stderr: str

    @property
    def result(self) -> Any:
        """The last line of stdout, a JSON value: what the script found."""
        return json.loads(self.stdout.rstrip().splitlines()[-1])


def client_environment(endpoint_url: str, home: Path, **more: str) -> dict[str, str]:
    """Environment variables of a user who follows docs/local_sagemaker.md, and no others.

    `home` becomes HOME; it gets the configuration file that turns the SDKs' telemetry off.
    """
    config = home / ".config" / "sagemaker" / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(TELEMETRY_OFF)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{CLIENT_PATH}:{REPOSITORY / 'docs'}",  # there lies local_sts, which some scripts import
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **more,
    }


def run_client(command: list[str | Path], env: dict[str, str], cwd: Path, *, seconds: float = 300.0) -> Ran:
    """Run a client to its end in `cwd`. A process that fails or takes longer fails the test with what it wrote."""
    process = subprocess.Popen(
        [str(part) for part in command],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # a Python client then says where it waits
        try:
            stdout, stderr = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
        raise AssertionError(f"{command} took more than {seconds:.0f} s\n{stdout}\n{stderr}") from None
    assert process.returncode == 0, f"{command} ended with {process.returncode}\n{stdout}\n{stderr}"
    beyond = [line for line in stderr.splitlines() if line.startswith("BEYOND THIS MACHINE: ")]
    assert not beyond, f"{command} reached beyond this machine: {beyond}"  # client_path/sitecustomize.py tells
    return Ran(stdout, stderr)
