"""What of a requirements.txt is here already."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from local_sagemaker.runtime import requirements


@pytest.mark.parametrize(
    ("line", "satisfied"),
    [
        ("boto3", True),
        ("Boto3>=1", True),
        ("boto3<1", False),
        ("no-such-distribution", False),
        ("no-such-distribution; python_version < '3'", True),
        ("uvicorn[standard]", True),
        ("boto3 @ https://example.com/boto3.whl", False),
    ],
)
def test_satisfied(line: str, satisfied: bool) -> None:
    assert requirements.satisfied(Requirement(line)) is satisfied


def test_an_extra_that_is_not_here_is_not_satisfied() -> None:
    assert not requirements.satisfied(Requirement("pydantic[email]"))


def test_lines() -> None:
    text = "# comment\nboto3>=1 # why\n\n  numpy \\\n  <2.3\n-r other.txt\npkg @ file:///a#egg=pkg\n"
    assert requirements.requirement_lines(text) == [
        "boto3>=1",
        "numpy    <2.3",
        "-r other.txt",
        "pkg @ file:///a#egg=pkg",
    ]


def test_nothing_is_installed_when_all_is_here(tmp_path: Path) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("boto3\nnumpy\n")
    requirements.install(wanted, tmp_path / "site-packages", tmp_path / "cache", tmp_path / "log")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["requirements.txt"]


def test_what_an_attempt_left_that_was_cut_off_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / "cache/requirements/pip-of-a-killed-server"
    left.mkdir(parents=True)

    def nothing_missing(arguments: list[str], _folder: Path, _log: Path) -> None:
        Path(arguments[arguments.index("--report") + 1]).write_text('{"install": []}')

    monkeypatch.setattr("local_sagemaker.runtime.requirements._pip", nothing_missing)
    (tmp_path / "requirements.txt").write_text("no-such-package-anywhere\n")
    requirements.install(
        tmp_path / "requirements.txt", tmp_path / "site-packages", tmp_path / "cache", tmp_path / "log"
    )
    assert (tmp_path / "site-packages").is_dir()
    assert not left.exists()
