"""training/requirements.txt: enough for the images of the default settings, and here nothing to install."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from local_sagemaker.runtime.requirements import install, requirement_lines
from service.settings import Settings
from tests.unit.training.scripts import FOLDER

FILE = FOLDER / "requirements.txt"
# What `import smdebug.pytorch` needs: what smdebug declares with a bound, and what it imports without a word.
SMDEBUG_AND_ITS_NEEDS = {"smdebug", "protobuf", "pandas", "requests", "scipy"}
# What system_metrics.py reads a machine by, on any image; smdebug needs the first as well.
METRICS_NEEDS = {"psutil", "nvidia-ml-py"}


def asked_for(python_version: str) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in requirement_lines(FILE.read_text(encoding="utf-8"))]
    found = [
        requirement
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python_version})
    ]
    names = [requirement.name for requirement in found]
    assert len(names) == len(set(names)), names
    return {requirement.name: requirement for requirement in found}


def test_a_local_job_installs_nothing(tmp_path: Path) -> None:
    install(FILE, tmp_path / "site-packages", tmp_path / "cache", tmp_path / "log")
    assert list(tmp_path.iterdir()) == []


def test_the_default_image_gets_smdebug_and_what_it_does_not_declare() -> None:
    version = re.fullmatch(r"py3(\d+)", Settings().python_version)
    assert version is not None
    wanted = asked_for(f"3.{version[1]}")
    assert set(wanted) >= SMDEBUG_AND_ITS_NEEDS | METRICS_NEEDS
    assert str(wanted["smdebug"].specifier) == "==1.0.34"
    assert wanted["protobuf"].specifier.contains("3.20.3")
    assert not wanted["protobuf"].specifier.contains("3.21.0")
    assert not wanted["numpy"].specifier.contains("2.3.0")


@pytest.mark.parametrize("python_version", ["3.12", "3.13"])
def test_a_python_without_distutils_gets_no_smdebug_and_none_of_its_bounds(python_version: str) -> None:
    wanted = asked_for(python_version)
    assert not set(wanted) & SMDEBUG_AND_ITS_NEEDS
    assert set(wanted) >= METRICS_NEEDS
    assert wanted["numpy"].specifier.contains("2.4.0")


@pytest.mark.parametrize("numpy", ["1.26.4", "2.2.6"])
def test_the_numpy_of_image_and_lock_file_stays(numpy: str) -> None:
    assert asked_for("3.11")["numpy"].specifier.contains(numpy)
