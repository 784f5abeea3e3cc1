"""local_sagemaker as a real process for tests: started on a free port, killed, started again on the same state."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config

START_SECONDS = 60.0
STOP_SECONDS = 30.0
REPOSITORY = Path(__file__).parent.parent


class LocalServer:
    """One `python -m local_sagemaker` over a state folder. The port stays the same from one start to the next.

    `str(server)` is its URL. Settings are given in lower case (`stop_grace_seconds=2`), environment variables of other
    names in upper case. `prefix` is a command that runs another, such as nsenter with its options.
    """

    def __init__(self, state_dir: Path, *, prefix: Sequence[str] = (), **env: object) -> None:
        self.state_dir = state_dir
        self.port = 0
        self._prefix = prefix
        self._env = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            **{key if key.isupper() else f"LOCAL_SAGEMAKER_{key.upper()}": str(value) for key, value in env.items()},
        }
        self._process: subprocess.Popen[str] | None = None
        self._stderr: IO[bytes] | None = None

    def __str__(self) -> str:
        return self.base_url

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What the last started process has written to its standard error."""
        assert self._stderr is not None, "the server was not started"
        return Path(self._stderr.name).read_text(errors="replace")

    def start(self) -> None:
        """Start the process and wait until /health answers."""
        assert self._process is None, "the server runs"
        self._stderr = tempfile.NamedTemporaryFile(prefix="local_sagemaker-", suffix=".stderr")  # noqa: SIM115 - closed in _ended
        settings = {"HOST": "127.0.0.1", "PORT": self.port, "STATE_DIR": self.state_dir}
        self._process = subprocess.Popen(
            [*self._prefix, sys.executable, "-m", "local_sagemaker"],
            cwd=REPOSITORY,
            env={**self._env, **{f"LOCAL_SAGEMAKER_{name}": str(value) for name, value in settings.items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()  # the server prints one line when it listens; empty when it ended
        url = re.search(r"http://\S+?:(\d+)", line)
        if url is None:
            stderr = self.stderr
            self.kill()
            raise AssertionError(f"local_sagemaker did not start; it printed {line!r} and\n{stderr}")
        self.port = int(url[1])
        self._wait_for_health(time.monotonic() + START_SECONDS)

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: the server has no chance to tidy up."""
        self._end(signal.SIGKILL)

    def _end(self, signum: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(signum)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"no end {STOP_SECONDS:.0f} s after {signum.name}; stderr:\n{self.stderr}") from None
        finally:
            self._ended()

    def _ended(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._stderr is not None
        self._process.stdout.close()
        self._stderr.close()
        self._process = None
        self._stderr = None

    def _wait_for_health(self, deadline: float) -> None:
        while True:
            try:
                with urllib.request.urlopen(f"{self.base_url}/health", timeout=5):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


@contextmanager
def running_server(state_dir: Path, *, prefix: Sequence[str] = (), **env: object) -> Iterator[LocalServer]:
    """A server over `state_dir` that is stopped with SIGTERM at the end. `env` as for LocalServer."""
    server = LocalServer(state_dir, prefix=prefix, **env)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def boto_client(server: LocalServer | str, service: str, **config: Any) -> Any:
    """A boto3 client of `service` on this server, with made-up credentials and no retries; `config` for botocore."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client(  # type: ignore[call-overload] # the stubs know services only as literals
        service, endpoint_url=str(server), config=Config(**{"retries": {"total_max_attempts": 1}, **config})
    )
