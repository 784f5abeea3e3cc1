"""The benchmark's classifier: ResNet18 of 133 classes, trained from scratch by training/ and kept in .bench.

Two jobs: the whole network on small images, which is fast, then a head on what that network sees at 224 pixels. What
`--quantize int8` adds to the artifact is made apart, and anew when the code that makes it changes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import ENVIRONMENTS
from benchmarks.prediction import pictures

REPOSITORY = Path(__file__).parent.parent.parent
TRAINING = REPOSITORY / "training"
REFERENCE = Path(__file__).parent / "peers" / "reference.py"
QUANTIZED_BY = ("int8.py", "measure_precisions.py", "openvino_runtime.py", "precisions.py", "quantization.py")
IMAGES_A_CLASS: Mapping[str, int] = {"train": 12, "valid": 3, "test": 8}
THREADS = 2
SMALL = {
    "image-size": 64,
    "weights": "none",
    "freeze-backbone": "false",
    "epochs": 10,
    "batch-size": 32,
    "lr": 0.001,
    "scheduler": "cosine",
    "augment": "false",
    "dropout": 0,
}
FULL = {
    "image-size": 224,
    "freeze-backbone": "true",
    "epochs": 60,
    "batch-size": 64,
    "lr": 0.01,
    "scheduler": "cosine",
    "augment": "false",
    "dropout": 0,
}
COMMON = {"arch": "resnet18", "seed": 1}


@dataclass(frozen=True)
class Classifier:
    """An artifact's folder; the test images, what each shows, and what torch in float32 answers."""

    artifact: Path
    images: Sequence[Path]
    labels: Sequence[int]
    torch_answers: Sequence[int]

    @property
    def tolerance_points(self) -> float:
        """Percentage points of accuracy that a precision may lose, as training was told."""
        described = json.loads((self.artifact / "model.json").read_text())
        return float(described["quantization"]["tolerance_points"])

    def accuracy(self, answers: Sequence[int]) -> float:
        """In percent."""
        right = sum(answer == label for answer, label in zip(answers, self.labels, strict=True))
        return 100 * right / len(self.labels)


def ready() -> Classifier:
    """The classifier; its pictures are drawn and it is trained where that is not done, or was done otherwise."""
    folder = ENVIRONMENTS / "classifier"
    drawn_by = _digest(Path(pictures.__file__), str(IMAGES_A_CLASS))
    _once(folder / "pictures", drawn_by, _draw)
    trained_by = _digest(Path(__file__), REFERENCE.with_name("torch_classifier.py"), drawn_by)
    _once(folder / "trained", trained_by, lambda trained: _make(trained, folder / "pictures"))
    quantized_by = _digest(*(TRAINING / name for name in QUANTIZED_BY), trained_by)
    _once(folder / "quantized", quantized_by, lambda made: _quantize(made, folder / "trained", folder / "pictures"))
    test = json.loads((folder / "trained" / "test.json").read_text())
    images = [folder / "pictures" / "test" / name for name in test["images"]]
    return Classifier(folder / "quantized" / "artifact", images, test["labels"], test["torch_answers"])


def _once(folder: Path, made_by: str, make: Callable[[Path], None]) -> None:
    """Make the folder unless the note in it says that it was made by the same."""
    note = folder / "made-by"
    if note.is_file() and note.read_text() == made_by:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"making {folder}, once", flush=True)
    began = time.monotonic()
    make(folder)
    note.write_text(made_by)
    print(f"made {folder} in {time.monotonic() - began:.0f} s", flush=True)


def _digest(*parts: Path | str) -> str:
    """Of files' contents and of texts."""
    contents = [part.read_bytes() if isinstance(part, Path) else part.encode() for part in parts]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def _draw(folder: Path) -> None:
    for split, count in IMAGES_A_CLASS.items():
        pictures.draw_split(folder, split, count)


def _make(folder: Path, drawn: Path) -> None:
    """Train, and note what torch answers to the test images."""
    _train(folder, drawn, "small", SMALL)
    _train(folder, drawn, "artifact", FULL, folder / "small")
    images = sorted((drawn / "test").rglob("*.jpg"))
    index = {entry["folder"]: entry["index"] for entry in json.loads((folder / "artifact/classes.json").read_text())}
    answers = subprocess.run(
        [sys.executable, REFERENCE, folder / "artifact"],
        input="\n".join(map(str, images)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    written = {
        "images": [str(path.relative_to(drawn / "test")) for path in images],
        "labels": [index[path.parent.name] for path in images],
        "torch_answers": json.loads(answers),
    }
    (folder / "test.json").write_text(json.dumps(written))


def _quantize(folder: Path, trained: Path, drawn: Path) -> None:
    """A copy of the trained artifact with what --quantize int8 adds to it."""
    shutil.copytree(trained / "artifact", folder / "artifact")
    module = "benchmarks.prediction.quantize"  # a process of its own: torch stays out of this one, which measures
    subprocess.run([sys.executable, "-m", module, folder / "artifact", drawn / "valid"], cwd=REPOSITORY, check=True)


def _train(folder: Path, drawn: Path, name: str, flags: Mapping[str, object], pretrained: Path | None = None) -> None:
    """Run training/train_model.py as a job does; the artifact is `folder`/`name`."""
    work = folder / f"{name}-job"
    for path in (work / "config", work / "output", folder / name):
        path.mkdir(parents=True)
    environment = {
        **os.environ,
        "SM_CHANNEL_TRAIN": str(drawn / "train"),
        "SM_CHANNEL_VALIDATION": str(drawn / "valid"),
        "SM_MODEL_DIR": str(folder / name),
        "SM_OUTPUT_DATA_DIR": str(work / "output"),
        "SM_INPUT_CONFIG_DIR": str(work / "config"),
        "OMP_NUM_THREADS": str(THREADS),
        "TRAINING_JOB_NAME": "benchmark",
    }
    if pretrained is not None:
        environment["SM_CHANNEL_PRETRAINED"] = str(pretrained)
    given = [text for flag, value in {**COMMON, **flags}.items() for text in (f"--{flag}", str(value))]
    subprocess.run([sys.executable, "train_model.py", *given], cwd=TRAINING, env=environment, check=True)
