"""The clients' environments: built once, built anew when the pins change, errors that say what to do."""

from pathlib import Path

import pytest

from tests.clients import environments
from tests.clients.environments import EnvironmentUnavailable, environment


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Environments and requirements of the test's own: `small`, with one package."""
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    path = tmp_path / "small.txt"
    path.write_text("jmespath==1.1.0\n")
    return path


def test_built_once_and_anew_when_the_pins_change(pins: Path) -> None:
    python = environment("small")
    packages = python.parent.parent / "lib" / "python3.11" / "site-packages"
    assert (packages / "jmespath").is_dir()
    built = python.lstat().st_mtime_ns
    assert environment("small") == python
    assert python.lstat().st_mtime_ns == built
    pins.write_text("six==1.17.0\n")
    assert environment("small") == python
    assert (packages / "six.py").is_file()
    assert not (packages / "jmespath").exists()


def test_errors(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EnvironmentUnavailable, match=r"no environment 'other': .*other\.txt does not exist"):
        environment("other")
    pins.write_text("jmespath==999\n")
    with pytest.raises(EnvironmentUnavailable, match=r"uv --quiet pip sync .* ended with 1.*PyPI[^$]*jmespath==999"):
        environment("small")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(environments, "REPOSITORY", pins.parent)
    with pytest.raises(EnvironmentUnavailable, match="run `make install`"):
        environment("small")
