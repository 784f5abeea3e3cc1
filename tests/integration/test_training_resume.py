"""A training job that is killed in the middle of an epoch, and started again."""

from pathlib import Path

import pytest

from tests.integration.test_training_script import FOLDER, QUICK, Job, channels, draw, epochs

pytestmark = pytest.mark.durability
# All that has a state which must come back, or a random draw that must not depend on where the job began.
EVERYTHING = [
    *("--freeze-backbone", "false", "--epochs", "3", "--augment", "trivial", "--mixup", "0.4"),
    *("--ema-decay", "0.9", "--scheduler", "cosine", "--warmup-epochs", "0.5", "--clip-grad-norm", "1"),
    *("--layer-decay", "0.7", "--unfreeze-epochs", "1", "--class-weights", "balanced"),
]
KILLED = f"""
import os, runpy, signal, sys
sys.path.insert(0, {str(FOLDER)!r})
from learner import Learner
step = Learner.step

def until(self, *inputs, epoch, batch, **more):
    if (epoch, batch) == (2, 3):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *inputs, epoch=epoch, batch=batch, **more)

Learner.step = until
runpy.run_path({str(FOLDER / "hpo.py")!r}, run_name="__main__")
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, (channel, count) in enumerate({"train": 8, "validation": 3}.items()):
        draw(folder / channel, count, seed)
    return folder


@pytest.fixture(scope="module")
def unbroken(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, str]:
    job = Job(tmp_path_factory.mktemp("unbroken") / "job", channels(data, "train", "validation"))
    return job, job.run("hpo.py", *QUICK, *EVERYTHING)


def killed(data: Path, folder: Path, *flags: str) -> tuple[Job, str]:
    """A job that dies before the fourth of six steps of epoch 2."""
    script = folder / "killed.py"
    script.write_text(KILLED)
    job = Job(folder / "job", channels(data, "train", "validation"))
    job.keep_checkpoints()
    process = job.start(str(script), *QUICK, *EVERYTHING, *flags)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == -9, errors
    return job, output


def test_it_goes_on_with_the_next_batch_and_ends_with_the_same_weights(
    unbroken: tuple[Job, str], data: Path, tmp_path: Path
) -> None:
    job, before = killed(data, tmp_path, "--checkpoint-seconds", "0.000001")
    after = job.run("hpo.py", *QUICK, *EVERYTHING)
    assert "checkpoint: goes on in epoch 2 after 3 batches\n" in after
    assert (list(epochs(before)), list(epochs(after))) == ([1], [2, 3])
    assert epochs(before) | epochs(after) == epochs(unbroken[1])
    weights = [(each.folder / "model/model.safetensors").read_bytes() for each in (job, unbroken[0])]
    assert weights[0] == weights[1]
    assert [path.name for path in (job.folder / "checkpoints").iterdir()] == ["checkpoint.pt"]


def test_without_checkpoints_in_between_it_repeats_the_epoch_that_had_begun(
    unbroken: tuple[Job, str], data: Path, tmp_path: Path
) -> None:
    job, _ = killed(data, tmp_path, "--checkpoint-seconds", "0")
    after = job.run("hpo.py", *QUICK, *EVERYTHING)
    assert "checkpoint: goes on in epoch 2 after 0 batches\n" in after
    assert epochs(after) == {number: line for number, line in epochs(unbroken[1]).items() if number > 1}
