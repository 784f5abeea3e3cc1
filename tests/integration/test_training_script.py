"""train_model.py and hpo.py as SageMaker starts them: processes with SM_* variables and flags."""

import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[2] / "training"
EPOCH = re.compile(
    r"epoch=(\d+) (train:loss=\S+ train:accuracy=\S+ validation:loss=\S+ validation:accuracy=\S+ lr=\S+) "
    r"images_per_second=\d+\.\d"
)
COLOURS = {"001.Affenpinscher": (200, 40, 40), "002.Afghan_hound": (40, 200, 40), "003.Akita": (40, 40, 200)}
QUICK = ["--weights", "none", "--image-size", "32", "--batch-size", "4", "--lr", "0.001"]


def draw(folder: Path, images_a_class: int, seed: int) -> None:
    """Squares whose colour is their class."""
    random = np.random.default_rng(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for index in range(images_a_class):
            image = Image.new("RGB", (48, 40), tuple(int(value) for value in random.integers(0, 255, 3)))
            left, top = (int(value) for value in random.integers(0, 12, 2))
            ImageDraw.Draw(image).rectangle((left, top, left + 28, top + 26), fill=colour)
            image.save(folder / name / f"{index}.png")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, (channel, count) in enumerate({"train": 8, "validation": 3, "test": 4}.items()):
        draw(folder / channel, count, seed)
    akita = folder / "train" / "003.Akita"
    whole = (akita / "0.png").read_bytes()
    (akita / "cut.png").write_bytes(whole[: len(whole) // 2])
    (akita / "text.jpg").write_text("a dog")
    (akita / "nothing.jpg").write_bytes(b"")
    return folder


class Job:
    """One job's folders; what it prints and how it ends."""

    def __init__(self, folder: Path, channels: dict[str, Path]) -> None:
        self.folder = folder
        self.errors = ""  # stderr of `run`
        self.config = folder / "config"
        self.config.mkdir(parents=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "OMP_NUM_THREADS": "1",
            "TRAINING_JOB_NAME": "dogs-1",
            "SM_MODEL_DIR": str(folder / "model"),
            "SM_OUTPUT_DATA_DIR": str(folder / "output"),
            "SM_INPUT_CONFIG_DIR": str(self.config),
            **{f"SM_CHANNEL_{name.upper()}": str(path) for name, path in channels.items()},
        }

    def keep_checkpoints(self) -> None:
        (self.config / "checkpointconfig.json").write_text(
            json.dumps({"S3Uri": "s3://dogs/checkpoints", "LocalPath": str(self.folder / "checkpoints")})
        )

    def start(self, script: str, *flags: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(FOLDER / script), *flags],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, *flags: str) -> str:
        process = self.start(script, *flags)
        output, self.errors = process.communicate(timeout=240)
        assert process.returncode == 0, output + self.errors
        return output

    def read(self, path: str) -> object:
        value: object = json.loads((self.folder / path).read_text())
        return value


def epochs(output: str) -> dict[int, str]:
    """What each epoch's line says, without its speed."""
    return {int(match[1]): match[2] for match in EPOCH.finditer(output)}


def channels(data: Path, *names: str) -> dict[str, Path]:
    return {name: data / name for name in names}


def wait_for_epoch(process: "subprocess.Popen[str]", number: int) -> str:
    """Read the process's output until that epoch's line."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(f"epoch={number} "):
            return "".join(lines)
    raise AssertionError("".join(lines) + (process.stderr.read() if process.stderr else ""))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, str]:
    """A job that trains all layers for eight epochs without any interruption, and exports all that it can.

    openvino_telemetry can be imported there, and notes it when somebody does.
    """
    job = Job(tmp_path_factory.mktemp("trained"), channels(data, "train", "validation", "test"))
    package, home = job.folder / "site/openvino_telemetry", job.folder / "home"
    for folder in (package, home):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text(f"import pathlib\npathlib.Path({str(job.folder / 'told')!r}).touch()\n")
    job.environment |= {"PYTHONPATH": str(package.parent), "HOME": str(home)}
    exports = ["--quantize", "int8", "--quantize-tolerance", "100", "--gpu-graph", "true"]
    return job, job.run("train_model.py", *QUICK, "--freeze-backbone", "false", "--epochs", "8", *exports)


def test_it_learns_and_leaves_the_artifact(trained: tuple[Job, str], data: Path) -> None:
    job, output = trained
    assert list(epochs(output)) == list(range(1, 9))
    tested = re.search(r"^test:loss=(\S+) test:accuracy=(\S+)$", output, re.MULTILINE)
    assert tested is not None
    assert float(tested[2]) >= 0.75, output
    assert sorted(path.name for path in (job.folder / "model").iterdir()) == [
        "MODEL_CARD.md",
        "classes.json",
        "model.bin",
        "model.int8.bin",
        "model.int8.xml",
        "model.json",
        "model.pt",
        "model.safetensors",
        "model.xml",
    ]
    assert job.read("model/classes.json") == [
        {"index": 0, "folder": "001.Affenpinscher", "breed": "Affenpinscher"},
        {"index": 1, "folder": "002.Afghan_hound", "breed": "Afghan hound"},
        {"index": 2, "folder": "003.Akita", "breed": "Akita"},
    ]
    description = job.read("model/model.json")
    assert isinstance(description, dict)
    assert (description["version"], description["image_size"], description["resize_size"]) == ("dogs-1", 32, 37)
    assert right_answers(job, data / "test") == round(float(tested[2]) * 12)


def test_each_precision_is_as_accurate_as_the_description_says(trained: tuple[Job, str], data: Path) -> None:
    job, output = trained
    description = job.read("model/model.json")
    assert isinstance(description, dict)
    precisions, quantization = description["precisions"], description["quantization"]
    assert {"fp32", "int8"} <= precisions.keys() <= {"fp32", "bf16", "int8"}
    assert description["precision"] == min(precisions, key=lambda name: precisions[name]["milliseconds"])
    assert (quantization["tolerance_points"], quantization["validation_images"]) == (100.0, 9)
    assert quantization["calibration_images"] == 9
    assert precisions["fp32"]["top1_agreement"] == 1
    assert 0 <= precisions["int8"]["top1_agreement"] <= 1
    for name, graph in {"fp32": "model.xml", "int8": "model.int8.xml"}.items():
        right = right_answers(job, data / "validation", graph)
        assert precisions[name]["graph"] == graph
        assert precisions[name]["top1_accuracy"] == right / 9
        assert f"\n{name}: accuracy {right / 9:.4f}" in output
    assert output.count(": chosen\n") == 1
    assert "nncf" not in output.lower()
    assert "Statistics" not in output


def test_the_graph_for_gpus_needs_no_code(trained: tuple[Job, str]) -> None:
    job, _ = trained
    compiled = openvino.Core().compile_model(job.folder / "model/model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    images = np.random.default_rng(0).standard_normal((5, 3, 32, 32), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated; the GPU images of AWS have it
        network = torch.jit.load(job.folder / "model/model.pt")  # type: ignore[no-untyped-call]
    with torch.no_grad():
        logits = network(torch.from_numpy(images)).numpy()
    assert np.abs(logits - compiled({"images": images})["logits"]).max() < 1e-3


def test_nothing_reports_to_openvinos_telemetry(trained: tuple[Job, str]) -> None:
    job, _ = trained
    told = job.folder / "told"
    assert not told.exists()
    assert list((job.folder / "home").iterdir()) == []
    subprocess.run([sys.executable, "-c", "import openvino_telemetry"], env=job.environment, check=True, timeout=60)
    assert told.exists(), "it would have been found"


def right_answers(job: Job, folder: Path, graph: str = "model.xml") -> int:
    """How many images the exported network names rightly, preprocessed as model.json says."""
    description, classes = job.read("model/model.json"), job.read("model/classes.json")
    assert isinstance(description, dict)
    assert isinstance(classes, list)
    network = openvino.Core().compile_model(job.folder / "model" / graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    right = 0
    for entry in classes:
        for path in (folder / entry["folder"]).iterdir():
            image = Image.open(path).resize((44, 37), Image.Resampling.BILINEAR).crop((6, 2, 38, 34))
            values = (np.asarray(image, np.float32) / 255 - description["mean"]) / description["std"]
            logits = network({"images": values.transpose(2, 0, 1)[None].astype(np.float32)})[0]
            right += int(logits.argmax()) == entry["index"]
    return right


def test_broken_files_are_named_and_no_reason_to_fail(trained: tuple[Job, str]) -> None:
    job, output = trained
    skipped = job.read("output/skipped_images.json")
    assert isinstance(skipped, list)
    names = ["003.Akita/cut.png", "003.Akita/nothing.jpg", "003.Akita/text.jpg"]
    assert [entry["path"] for entry in skipped] == names
    for name in names:
        assert output.count(name) == 1
    assert "channel train: 24 images, 3 classes, 3 files skipped" in output


def test_the_output_folder_tells_the_history_and_the_test(trained: tuple[Job, str]) -> None:
    job, output = trained
    history, report = job.read("output/history.json"), job.read("output/test_report.json")
    assert isinstance(history, dict)
    assert isinstance(report, dict)
    losses = [epoch["validation_loss"] for epoch in history["epochs"]]
    assert len(losses) == 8
    assert history["best_epoch"] == 1 + losses.index(min(losses))
    assert f"test:accuracy={report['top1_accuracy']:.4f}" in output
    assert [entry["support"] for entry in report["classes"]] == [4, 4, 4]


def test_hpo_is_the_same_training_without_a_look_at_the_test_channel(
    trained: tuple[Job, str], data: Path, tmp_path: Path
) -> None:
    job = Job(tmp_path / "job", {**channels(data, "train", "validation"), "test": tmp_path / "not there"})
    job.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    output = job.run("hpo.py", *QUICK, "--freeze-backbone", "False", "--epochs", "3")
    first = {number: line for number, line in epochs(trained[1]).items() if number <= 3}
    assert epochs(output) == first, "the same seed gives the same figures"
    imported = {line.rpartition("|")[2].strip() for line in job.errors.splitlines()}
    assert "torch" in imported
    unasked = {"nncf", "smdebug", "torchvision", "torch._dynamo"}
    assert not imported & unasked, "they cost seconds, and nothing asked for them"
    assert "test:" not in output
    assert not (job.folder / "output/test_report.json").exists()
    assert (job.folder / "model/model.xml").exists()


@pytest.mark.durability
def test_killed_and_started_again_it_goes_on_as_if_nothing_had_happened(
    trained: tuple[Job, str], data: Path, tmp_path: Path
) -> None:
    job = Job(tmp_path / "job", channels(data, "train", "validation", "test"))
    job.keep_checkpoints()
    flags = [*QUICK, "--freeze-backbone", "false", "--epochs", "8"]
    process = job.start("train_model.py", *flags)
    before = wait_for_epoch(process, 3)
    process.kill()
    process.communicate()
    assert not (job.folder / "model").exists()
    after = job.run("train_model.py", *flags)
    assert "checkpoint: goes on in epoch" in after
    assert min(epochs(after)) >= 4
    assert epochs(before) | epochs(after) == {
        number: line for number, line in epochs(trained[1]).items() if number <= 3 or number >= min(epochs(after))
    }
    assert max(epochs(after)) == 8
    assert re.findall("^test:loss.*$", after, re.MULTILINE) == re.findall("^test:loss.*$", trained[1], re.MULTILINE)


def test_stopped_it_keeps_model_and_checkpoint(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path / "job", channels(data, "train", "validation", "test"))
    job.keep_checkpoints()
    flags = [*QUICK, "--freeze-backbone", "false", "--epochs", "100000"]
    process = job.start("train_model.py", *flags)
    wait_for_epoch(process, 2)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "stopped by SIGTERM" in output
    assert "test:" not in output
    assert (job.folder / "model/model.xml").exists()
    assert (job.folder / "checkpoints/checkpoint.pt").exists()
    history = job.read("output/history.json")
    assert isinstance(history, dict)
    assert len(history["epochs"]) >= 2


def test_a_missing_channel_is_the_last_line(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path / "job", channels(data, "train"))
    process = job.start("hpo.py", *QUICK)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert 'ChannelError: channel "validation" is missing' in errors.splitlines()[-1]


@pytest.mark.diagnosis
def test_debugger_gets_the_loss_of_both_modes(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path / "job", channels(data, "train", "validation"))
    tensors = tmp_path / "tensors"
    hook = {
        "LocalPath": str(tensors),
        "HookParameters": {"train.save_interval": "1", "eval.save_interval": "1"},
        "CollectionConfigurations": [
            {"CollectionName": "custom", "CollectionParameters": {"include_regex": "CrossEntropyLoss_output_0"}}
        ],
    }
    (job.config / "debughookconfig.json").write_text(json.dumps(hook))
    job.run("train_model.py", *QUICK, "--epochs", "2")
    reader = (
        "import sys, json; from smdebug.trials import create_trial; from smdebug import modes\n"
        "tensor = create_trial(sys.argv[1]).tensor('CrossEntropyLoss_output_0')\n"
        "print(json.dumps({m.name: [float(tensor.value(s, mode=m)) for s in tensor.steps(mode=m)]\n"
        "                  for m in (modes.TRAIN, modes.EVAL)}))"
    )
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    read = subprocess.run(
        [sys.executable, "-c", reader, str(tensors)],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert read.returncode == 0, read.stderr
    losses = json.loads(read.stdout.splitlines()[-1])
    assert [len(losses[mode]) for mode in ("TRAIN", "EVAL")] == [12, 4], (
        "24 and 9 images, 4 a batch (and never one alone), two epochs"
    )
    history = job.read("output/history.json")
    assert isinstance(history, dict)
    first = history["epochs"][0]
    assert np.mean(losses["TRAIN"][:6]) == pytest.approx(first["train_loss"], abs=1e-5)
