"""Who imports whom, and what the service does without."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
PACKAGES = (
    "service",
    "local_sagemaker",
    "diagnostics",
    "datasets",
    "demo",
    "training",
    "inference",
    "openapi",
    "model_server",
)
APART = ("training", "inference")  # they run alone, in a container
HEAVY = ("torch", "torchvision", "sagemaker", "openvino", "numpy", "matplotlib", "boto3", "botocore.session")


def files_of(package: str) -> list[Path]:
    """The package's Python files."""
    return sorted((REPOSITORY / package).rglob("*.py"))


def imported_roots(path: Path) -> Iterator[str]:
    """The first name of everything that the file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name is from"
            yield (node.module or "").partition(".")[0]


def test_the_contracts_of_pyproject_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_service_starts_without_what_is_heavy() -> None:
    code = "import sys, service.app; print(*[name for name in sys.argv[1:] if name in sys.modules])"
    command = [sys.executable, "-c", code, *HEAVY]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", APART)
def test_what_runs_in_a_container_imports_nothing_of_the_project(package: str) -> None:
    files = files_of(package)
    assert files, f"{package}/ is empty"
    siblings = {path.stem for path in files}
    for path in files:
        foreign = {root for root in imported_roots(path) if root in PACKAGES and root not in siblings}
        assert not foreign, f"{path.relative_to(REPOSITORY)} imports {foreign}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_says_what_it_is(package: str) -> None:
    for path in files_of(package):
        if path.name == "__init__.py" and not path.read_text().strip():
            continue
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        assert docstring, f"{path.relative_to(REPOSITORY)} has no module docstring"


def test_every_linted_package_is_there() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    for package in settings["tool"]["importlinter"]["root_packages"]:
        assert (REPOSITORY / package / "__init__.py").is_file()
