"""A job's own Python environment: what is here is there, and what it installs stays its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_sagemaker.runtime.training import job_venv


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "with a space"
    job_venv.make(folder)
    job_venv.make(folder)  # again, after a crash
    return folder


def output(*argv: str | Path) -> str:
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_it_has_the_packages_of_this_one_and_a_place_of_its_own(venv: Path) -> None:
    code = "import sys, packaging, sysconfig; print(sys.prefix, packaging.__file__, sysconfig.get_path('purelib'))"
    prefix, imported, own = output(venv / "bin/python3", "-c", code.replace(" ", " ")).rsplit(" /", 2)
    import packaging

    assert prefix == str(venv)
    assert f"/{imported}" == packaging.__file__
    assert Path(f"/{own}") == venv / f"lib/python3.{sys.version_info.minor}/site-packages"
    (venv / f"lib/python3.{sys.version_info.minor}/site-packages/packaging.py").write_text("mine = True")
    assert output(venv / "bin/python3", "-c", "import packaging; print(packaging.mine)") == "True"


def test_pip_sees_both_and_installs_into_its_own(venv: Path) -> None:
    where = output(venv / "bin/pip3", "--version")
    assert "pip" in where
    listed = output(venv / "bin/pip", "list", "--disable-pip-version-check", "--format=freeze")
    assert "boto3==" in listed
    scheme = "from pip._internal.locations import get_scheme; print(get_scheme('x').purelib)"
    assert Path(output(venv / "bin/python", "-c", scheme)).is_relative_to(venv)
