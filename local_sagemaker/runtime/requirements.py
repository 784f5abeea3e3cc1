"""A job's requirements.txt: what this environment lacks is installed beside it, never into it.

pip decides what is missing (it knows extras, markers and constraints); when plain requirements are all satisfied, pip
is not even started.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from local_sagemaker.runtime import job_log

# Parallel trials want the same packages: the first one installs them for all.
_ONE_AT_A_TIME = threading.Lock()


class InstallRequirementsFailed(Exception):
    """Pip could not install them; its output is in the job's log."""


def install(requirements: Path, site_packages: Path, cache_dir: Path, log: Path) -> None:
    """Make `site_packages` (a link) hold what `requirements` asks for beyond this environment; none when nothing.

    pip's output goes to `log`. Raises InstallRequirementsFailed with pip's last line.
    """
    lines = requirement_lines(requirements.read_text(encoding="utf-8-sig"))
    parsed = [_parse(line) for line in lines]
    if all(requirement is not None and satisfied(requirement) for requirement in parsed):
        return
    # Only plain requirements mean the same tomorrow; options and paths may lead anywhere.
    plain = all(requirement is not None and requirement.url is None for requirement in parsed)
    installed = cache_dir / "requirements" / _digest(lines) if plain else site_packages.with_name("requirements")
    with _ONE_AT_A_TIME:
        if not (plain and installed.exists()):
            _install(["-r", requirements.name], requirements.parent, installed, log)
    site_packages.unlink(missing_ok=True)
    site_packages.symlink_to(installed.resolve())


def install_package(folder: Path, site_packages: Path, log: Path) -> None:
    """Make `site_packages` (a link) hold the package of `folder`, which has a setup.py, and what it asks for.

    A requirements.txt beside it is installed with it. Raises InstallRequirementsFailed.
    """
    installed = site_packages.with_name("requirements")
    also = ["-r", "requirements.txt"] if (folder / "requirements.txt").is_file() else []
    with _ONE_AT_A_TIME:
        _install([".", *also], folder, installed, log)
    site_packages.unlink(missing_ok=True)
    site_packages.symlink_to(installed.resolve())


def requirement_lines(text: str) -> list[str]:
    """The lines without comments, with continued ones joined."""
    joined = text.replace("\\\n", " ")
    stripped = (line.partition(" #")[0].strip() for line in joined.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def satisfied(requirement: Requirement, seen: frozenset[str] = frozenset()) -> bool:
    """Whether this environment has it, in a fitting version and with the asked extras; markers may rule it out."""
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        distribution = metadata.distribution(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    if requirement.url is not None or not requirement.specifier.contains(distribution.version, prereleases=True):
        return False
    name = canonicalize_name(requirement.name)
    if name in seen:
        return True
    return all(
        satisfied(needed, seen | {name})
        for text in distribution.requires or []
        for extra in requirement.extras
        if (needed := _needed(Requirement(text), extra)) is not None
    )


def _needed(requirement: Requirement, extra: str) -> Requirement | None:
    if requirement.marker is None or not requirement.marker.evaluate({"extra": extra}):
        return None
    if requirement.marker.evaluate({"extra": ""}):
        return None  # needed without the extra as well: installed with the distribution
    requirement.marker = None
    return requirement


def _parse(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _digest(lines: list[str]) -> str:
    environment = sorted(f"{found.name}=={found.version}" for found in metadata.distributions())
    return hashlib.sha256(json.dumps([sys.version, sys.prefix, environment, lines]).encode()).hexdigest()[:32]


def _install(wanted: list[str], folder: Path, target: Path, log: Path) -> None:
    """Install what pip's arguments `wanted` ask for, as given in `folder`, and what that needs in turn."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob("pip-*"):  # of attempts that were cut off: there is one at a time
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="pip-") as name:
        work = Path(name)
        report, pinned, built = work / "report.json", work / "pinned.txt", work / "site-packages"
        # First what is missing, resolved against what is here; then just that, into a folder of its own:
        # `--target` alone would install every dependency again, torch included.
        _pip(["--dry-run", "--report", str(report), *wanted], folder, log)
        missing = json.loads(report.read_text())["install"]
        pinned.write_text("".join(_pin(found) for found in missing))
        built.mkdir()
        if missing:
            _pip(["--no-deps", "--target", str(built), "-r", str(pinned)], folder, log)
        if target.exists():  # of an attempt that was cut off
            shutil.rmtree(target)
        built.rename(target)


def _pin(found: dict[str, dict[str, str]]) -> str:
    return f"{found['metadata']['name']} @ {found['download_info']['url']}\n"


def _pip(arguments: list[str], cwd: Path, log: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    with subprocess.Popen(
        [*command, *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        last = ""
        for line in pip.stdout or ():
            last = line.strip() or last
            job_log.append(log, [line.rstrip("\n")])
    if pip.returncode:
        kind = "InstallModuleError" if "." in arguments else "InstallRequirementsError"
        what = " ".join(argument for argument in arguments if argument in {".", "-r", "requirements.txt"})
        raise InstallRequirementsFailed(
            f'{kind}:\nExitCode {pip.returncode}\nErrorMessage "{last[:500]}"\n'
            f'Command "python3 -m pip install {what}", exit code: 1'
        )
