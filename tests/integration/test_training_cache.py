"""Trials that share a cache, as SageMaker starts them: processes beside each other, one of which is killed."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_training_script import Job, channels, draw, epochs
from tests.waiting import wait_for

FLAGS = ["--weights", "none", "--image-size", "32", "--batch-size", "16", "--epochs", "3", "--augmented-views", "2"]


def outcome(process: "subprocess.Popen[str]") -> str:
    """What it printed; it must end well."""
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors
    return output


@pytest.mark.durability
def test_trials_share_one_pass_and_learn_what_a_later_one_learns(tmp_path: Path) -> None:
    draw(tmp_path / "train", 80, 0)  # 240 images and a broken one: four parts
    draw(tmp_path / "validation", 5, 1)
    (tmp_path / "train/003.Akita/text.jpg").write_text("a dog")
    cache = tmp_path / "cache"

    def trial(name: str) -> Job:
        job = Job(tmp_path / name, channels(tmp_path, "train", "validation"))
        job.environment["LOCAL_SAGEMAKER_JOB_CACHE"] = str(cache)
        return job

    killed = trial("killed").start("hpo.py", *FLAGS)
    wait_for(lambda: list(cache.glob("features-*/*.lock")), "features that are being computed")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    jobs = [trial("first"), trial("second")]
    # torchvision is nowhere needed, and costs seconds
    jobs[0].environment["PYTHONPROFILEIMPORTTIME"] = "1"
    processes = [job.start("hpo.py", *FLAGS) for job in jobs]
    outputs, errors = zip(*(process.communicate(timeout=240) for process in processes), strict=True)
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "torchvision" not in errors[0]
    assert "import time:" in errors[0]
    assert epochs(outputs[0]) == epochs(outputs[1])
    assert len(epochs(outputs[0])) == 3
    for job, output in zip(jobs, outputs, strict=True):
        assert output.count("skipped train/003.Akita/text.jpg: no image") == 1
        [skipped] = json.loads((job.folder / "output/skipped_images.json").read_text())
        assert skipped["path"] == "003.Akita/text.jpg"
    assert len(list(cache.glob("features-*"))) == 3, "two views of the train channel, and the validation channel"
    assert not list(cache.glob("*/*.tmp"))
    warm = outcome(trial("warm").start("hpo.py", *FLAGS))
    assert epochs(warm) == epochs(outputs[0])
    assert warm.count("found in the cache") == 3
    assert warm.count("skipped train/003.Akita/text.jpg: no image") == 1
