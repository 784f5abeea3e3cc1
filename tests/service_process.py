"""`python -m service` as a process of its own, for tests."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

REPOSITORY_DIR = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0


@contextmanager
def running_service(log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The URL of a service with exactly this environment. The output goes to `log`: it would fill a pipe."""
    with log.open("w") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"], cwd=REPOSITORY_DIR, env=environment, stdout=stdout, stderr=stdout
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while (listens := re.search(r"listens on (\S+)", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield listens[1]
    finally:
        process.terminate()
        process.wait(60)
