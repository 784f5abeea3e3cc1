"""The README's commands, step by step, as a user types them; its answers are what the stack really answers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.ports import free_port

REPOSITORY_DIR = Path(__file__).resolve().parents[2]
README = (REPOSITORY_DIR / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def installed_as_if_by_make(folder: Path) -> None:
    """The environment of these tests, up to date in make's eyes.

    A link to all of it would not do: where pyproject.toml is newer than the installation, make would install into the
    environment through the link, and write this folder's name into its scripts.
    """
    folder.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".installed":
            (folder / entry.name).symlink_to(entry)
    (folder / ".installed").touch()


@pytest.mark.e2e
def test_the_walk_through(tmp_path: Path) -> None:
    installed_as_if_by_make(tmp_path / ".venv")
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        (tmp_path / name).symlink_to(REPOSITORY_DIR / name)
    ports = {"8000": str(free_port()), "4570": str(free_port())}
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY_DIR),
        "SAGEHOUND_PORT": ports["8000"],
        "LOCAL_SAGEMAKER_PORT": ports["4570"],
        "MAKEFLAGS": "UV=false",  # nothing is left to install, and what tried to would fail
    }
    script = "set -euo pipefail\n" + "\n".join(f"{block}echo; echo '<<< end of block'" for block in blocks("sh"))
    script = re.sub(r"127\.0\.0\.1:(8000|4570)", lambda match: f"127.0.0.1:{ports[match[1]]}", script)
    walk = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    try:
        assert walk.returncode == 0, walk.stdout + walk.stderr
        outputs = walk.stdout.split("<<< end of block")
        assert walk.stdout.count("urn:sagehound:problem") == 1, "only the text file is refused: " + walk.stdout
        asked = next(output for block, output in zip(blocks("sh"), outputs, strict=False) if "/predict?top_k" in block)
        assert '"breed":"Dalmatian","class_index":2,"class_name":"003.Dalmatian"' in asked
        shown = {output.strip() for output in blocks("json")}
        refused = next(output for block, output in zip(blocks("sh"), outputs, strict=False) if "notes.jpg" in block)
        assert refused.strip() in shown, "the README shows another problem than the service answers"
        judged = next(output for block, output in zip(blocks("sh"), outputs, strict=False) if "/profiler" in block)
        assert '"right_sizing":{"rule":"RightSizing"' in judged
        for page in ("report.html", "tuning.html"):
            assert "<svg" in (tmp_path / page).read_text()
        log = next(output for block, output in zip(blocks("sh"), outputs, strict=False) if "/logs" in block)
        assert re.search(r"^test:loss=[0-9.]+ test:accuracy=(0\.9|1\.0)", log, re.MULTILINE), log
    finally:
        subprocess.run([sys.executable, "-m", "demo.stack", "down"], cwd=tmp_path, env=environment, check=True)


@pytest.mark.parametrize(
    "document", sorted(path.relative_to(REPOSITORY_DIR) for path in REPOSITORY_DIR.glob("docs/*.md"))
)
def test_links_and_names_of_files_in_documents_exist(document: Path) -> None:
    text = (REPOSITORY_DIR / document).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (REPOSITORY_DIR / document.parent / target).exists(), f"{document} links to {target}"
    for name in re.findall(r"`((?:service|local_sagemaker|training|inference|datasets|demo|openapi)/[\w/.]*)`", text):
        assert (REPOSITORY_DIR / name).exists(), f"{document} names {name}"
