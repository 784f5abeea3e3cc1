"""Virtual environments of peers, which share none with this project: `.bench/NAME` from `requirements/NAME.txt`."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".bench"


def python_of(name: str) -> Path:
    """The python of the environment with exactly what the file pins, built by uv when missing or out of date."""
    pins = HERE / "requirements" / f"{name}.txt"
    folder = ENVIRONMENTS / name
    stamp, python = folder / "requirements.sha256", folder / "bin" / "python"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != digest:
        print(f"building {folder} from {pins.relative_to(HERE.parent)}", flush=True)
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "sync", "--python", str(python), str(pins))
        stamp.write_text(digest)
    return python


def _uv(*arguments: str) -> None:
    own = HERE.parent / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(own) if own.exists() else None)
    if uv is None:
        raise SystemExit("uv is not there: run `make install`, which brings it")
    subprocess.run([uv, "--quiet", *arguments], cwd=HERE.parent, check=True)
