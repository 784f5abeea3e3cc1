"""Virtual environments of the clients: they share one neither with each other nor with this project."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.local_server import REPOSITORY

ENVIRONMENTS = REPOSITORY / ".clients"
REQUIREMENTS = Path(__file__).parent / "requirements"
BUILD_SECONDS = 1200.0


class EnvironmentUnavailable(Exception):
    """A client's environment could not be built; the message says what failed and what to do."""


def environment(name: str) -> Path:
    """The python of the virtual environment with exactly what `requirements/<name>.txt` pins.

    Built by uv at the first call, in `.clients/<name>`, and again when the file has changed; a half built one is built
    anew. Safe under several test processes. The file is made from `requirements/<name>.in`:
    `uv pip compile --python-version 3.11 <name>.in -o <name>.txt`.
    """
    pins = REQUIREMENTS / f"{name}.txt"
    if not pins.is_file():
        raise EnvironmentUnavailable(f"no environment {name!r}: {pins} does not exist")
    folder = ENVIRONMENTS / name
    stamp = folder / "requirements.sha256"
    python = folder / "bin" / "python"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    ENVIRONMENTS.mkdir(exist_ok=True)
    with _locked(ENVIRONMENTS / f"{name}.lock"):
        if not (python.exists() and stamp.is_file() and stamp.read_text() == digest):
            _build(folder, python, pins)
            stamp.write_text(digest)
    return python


def _build(folder: Path, python: Path, pins: Path) -> None:
    _uv("venv", "--clear", "--python", sys.executable, str(folder))
    _uv("pip", "sync", "--python", str(python), str(pins))


def _uv(*arguments: str) -> None:
    own = REPOSITORY / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(own) if own.exists() else None)
    if uv is None:
        raise EnvironmentUnavailable(f"uv is neither on PATH nor at {own}: run `make install`, which brings it")
    command = [uv, "--quiet", *arguments]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    if ran.returncode:
        raise EnvironmentUnavailable(
            f"`{' '.join(command)}` ended with {ran.returncode}. It needs PyPI (or its packages in uv's cache):\n"
            f"{ran.stdout}{ran.stderr}"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The file is locked by one process at a time; the kernel lets go of it when that process ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
