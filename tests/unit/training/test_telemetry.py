"""Writing an artifact reports to nobody, though pip installs openvino-telemetry with openvino."""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.training.scripts import FOLDER

WRITE_IR = """
import pathlib, sys, torch
from artifact import write_ir
from networks import build_classifier
write_ir(pathlib.Path(sys.argv[1]), build_classifier("resnet18", 2, 32, dropout=0.0, frozen=True).eval(), 32)
"""


def test_openvinos_telemetry_is_not_even_imported(tmp_path: Path) -> None:
    package, imported, home = tmp_path / "site" / "openvino_telemetry", tmp_path / "imported", tmp_path / "home"
    package.mkdir(parents=True)
    home.mkdir()
    (package / "__init__.py").write_text(f"import pathlib\npathlib.Path({str(imported)!r}).touch()\n")
    environment = {**os.environ, "HOME": str(home), "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(FOLDER), str(package.parent)])
    importing = [sys.executable, "-c", "import openvino_telemetry"]
    subprocess.run(importing, env=environment, check=True, timeout=60)
    assert imported.exists()  # the package above is the one that would be found
    imported.unlink()
    writing = [sys.executable, "-c", WRITE_IR, str(tmp_path / "model.xml")]
    subprocess.run(writing, env=environment, check=True, timeout=120)
    assert (tmp_path / "model.xml").stat().st_size > 0
    assert not imported.exists()
    assert not (home / "intel").exists()
