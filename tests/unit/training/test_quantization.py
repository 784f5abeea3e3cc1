"""What becomes of an artifact when its precisions cannot be measured; tests/integration measures real ones."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.scripts import Scripts
from tests.waiting import wait_for

DESCRIPTION = {"format_version": 1, "architecture": "resnet18", "version": "dogs-1"}


class Artifact:
    """A model folder, validation images that are never opened, and a script in the measuring process's place."""

    def __init__(self, scripts: Scripts, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scripts = scripts
        self.folder = folder / "model"
        self.folder.mkdir()
        (self.folder / "model.json").write_text(json.dumps(DESCRIPTION))
        self.script = folder / "measure.py"
        monkeypatch.setattr(scripts.quantization, "SCRIPT", self.script)
        channel = scripts.channels.Channel("validation", folder, ("a", "b"), ("a/1.png", "b/2.png"), (0, 1))
        self.images = scripts.image_set.ImageSet(channel, scripts.networks.preprocessing_for("resnet18", 64), 0)

    def quantize(self, script: str, stop: Any = None, kind: str = "int8") -> dict[str, Any]:
        """model.json afterwards."""
        self.script.write_text(script)
        asked = self.scripts.quantization.Quantization(kind, 0.1, 1)
        asked.apply(self.folder, self.images, stop or self.scripts.stopping.StopRequest())
        return self.description()

    def description(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.folder / "model.json").read_text())
        return read


@pytest.fixture
def artifact(scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artifact:
    return Artifact(scripts, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise MemoryError('of 2 GB')", "MemoryError: of 2 GB"),
        ("raise SystemExit(3)", "exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL: the machine may have run out of memory"),
        ("import os; os.abort()", "ended by SIGABRT"),
    ],
)
def test_a_failure_costs_the_int8_graph_and_not_the_model(
    artifact: Artifact, capsys: pytest.CaptureFixture[str], script: str, reason: str
) -> None:
    said = f"int8 could not be made and measured: {reason}"
    assert artifact.quantize(script) == {
        **DESCRIPTION,
        "precision": "fp32",
        "quantization": {"tolerance_points": 0.1, "reason": said},
    }
    assert f"warning: {said}: fp32 is the precision to serve\n" in capsys.readouterr().out
    assert [path.name for path in artifact.folder.iterdir()] == ["model.json"]


def test_a_cpu_without_bf16_says_so(artifact: Artifact, capsys: pytest.CaptureFixture[str]) -> None:
    description = artifact.quantize(
        """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
request = json.loads((folder / "request.json").read_text())
assert request["precisions"] == ["fp32", "bf16"] and request["paths"] == ["a/1.png", "b/2.png"]
fp32 = {"precision": "fp32", "correct": 1, "agreeing": 2, "images": 2, "milliseconds": 4.5}
result = {"cpu": "An old one", "has_bf16": False, "calibration_images": 0, "measurements": [fp32]}
(folder / "result.json").write_text(json.dumps(result))
""",
        kind="bf16",
    )
    assert description["precision"] == "fp32"
    assert description["precisions"] == {
        "fp32": {"graph": "model.xml", "top1_accuracy": 0.5, "top1_agreement": 1.0, "milliseconds": 4.5}
    }
    assert description["quantization"] == {
        "tolerance_points": 0.1,
        "validation_images": 2,
        "calibration_images": 0,
        "cpu": "An old one",
        "reason": "fp32 is the fastest within 0.1 points of fp32's accuracy; "
        "this CPU does not compute in bf16, so bf16 was neither measured nor chosen",
    }
    assert "bf16: this CPU does not compute in bf16" in capsys.readouterr().out


def test_a_stop_ends_the_measuring_at_once(scripts: Scripts, artifact: Artifact, tmp_path: Path) -> None:
    started = tmp_path / "started"
    stop = scripts.stopping.StopRequest()
    script = f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(600)"

    def ask() -> None:
        wait_for(lambda: started.exists() and started.read_text(), "process that measures")
        stop._event.set()

    asking = threading.Thread(target=ask)
    asking.start()
    with pytest.raises(scripts.stopping.StopRequested):
        artifact.quantize(script, stop)
    asking.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert artifact.description()["quantization"]["reason"] == (
        "the job was stopped before the precisions were measured"
    )


def test_int8_without_nncf_fails_before_anything_is_trained(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts.quantization.importlib.util, "find_spec", lambda name: None)

    def asked(*argv: str) -> object:
        return scripts.quantization.asked_for(scripts.arguments.parse_arguments(argv, cpus=1, description=""), 1)

    with pytest.raises(scripts.errors.QuantizationError, match=r"nncf.*requirements\.txt"):
        asked("--quantize", "int8")
    assert asked("--quantize", "bf16") is not None
    assert asked() is None


@pytest.mark.parametrize("count", [1, 24, 300, 301, 835, 12345])
def test_calibration_takes_from_all_classes(scripts: Scripts, count: int) -> None:
    indices = scripts.int8.calibration_indices(count)
    assert len(indices) == len(set(indices)) == min(count, 300)
    assert indices == sorted(indices)
    assert indices[0] == 0
    assert count - 1 - indices[-1] <= count / 300
