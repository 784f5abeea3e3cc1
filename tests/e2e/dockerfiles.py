"""What a Dockerfile says, as far as it can be done without a container engine: in a folder instead of a layer."""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY_DIR = Path(__file__).resolve().parents[2]


@dataclass
class Image:
    """Its copies (sources, target), the commands that install, and what of the installed they remove again."""

    copies: list[tuple[list[str], str]] = field(default_factory=list)
    installs: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    health_check: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def parse(dockerfile: Path) -> Image:
    """Read the instructions that the images use; an unknown one fails the test."""
    image = Image()
    for line in dockerfile.read_text().splitlines():
        instruction, _, rest = line.partition(" ")
        match instruction:
            case "COPY":
                *sources, target = rest.split()
                image.copies.append((sources, target))
            case "RUN" if rest.startswith(("uv sync", "python -m pip install --no-cache-dir --no-deps")):
                install, _, remove = rest.partition(" && rm -f ")
                image.installs.append(install)
                image.removed += remove.split()
            case "ENV":
                image.environment |= dict(pair.split("=", 1) for pair in rest.split())
            case "USER":
                image.user = rest
            case "HEALTHCHECK":
                image.health_check = json.loads(re.sub(r"^.*CMD ", "", rest))
            case "CMD":
                image.command = json.loads(rest)
            case "FROM" | "RUN" | "WORKDIR" | "VOLUME" | "EXPOSE" | "LABEL" | "#" | "":
                pass
            case _:
                raise AssertionError(f"{dockerfile}: {instruction} is not known to this test")
    return image


def copy(image: Image, folder: Path) -> None:
    """Carry the copies out: `folder` is the image's WORKDIR, and the root of what is copied to an absolute path."""
    for sources, target in image.copies:
        for source in sources:
            path = REPOSITORY_DIR / source
            place = folder / (path.name if target == "./" else target.lstrip("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, place) if path.is_dir() else shutil.copy(path, place)


def uv() -> str:
    """The uv that made this environment."""
    found = shutil.which("uv") or str(REPOSITORY_DIR / ".uv" / "bin" / "uv")
    assert Path(found).exists(), "uv is needed: run the tests with `make test`"
    return found
