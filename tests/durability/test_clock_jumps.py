"""The machine's clock is set, forward and back, while jobs run: nobody is stopped for it, and times stay in order."""

from pathlib import Path

import pytest

from tests.integration.toy_jobs import Toy, until
from tests.local_server import LocalServer

DAY_SECONDS = 86_400.0
# Loaded by every Python that starts with this folder on its path: time.time() is off by what the file says.
JUMPING_CLOCK = """
import time
real = time.time
def jumping() -> float:
    try:
        with open({offset!r}) as file:
            return real() + float(file.read() or 0)
    except FileNotFoundError:
        return real()
time.time = jumping
"""
SCRIPT = """
import os, time
while not os.path.exists({go!r}):
    time.sleep(0.05)
print("loss=0.5")
"""


@pytest.mark.durability
@pytest.mark.parametrize("jump", [DAY_SECONDS, -DAY_SECONDS])
def test_a_job_outlives_a_jump_of_the_clock(tmp_path: Path, jump: float) -> None:
    offset, go = tmp_path / "offset", tmp_path / "go"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(JUMPING_CLOCK.format(offset=str(offset)))
    server = LocalServer(tmp_path / "state", PYTHONPATH=str(tmp_path / "site"))
    server.start()
    try:
        toy = Toy(server)
        toy.train("before", SCRIPT.format(go=str(go)))
        until(lambda: toy.describe("before"), lambda job: job["SecondaryStatus"] == "Training")
        offset.write_text(str(jump))
        toy.train("after", SCRIPT.format(go=str(go)))
        until(lambda: toy.describe("after"), lambda job: job["SecondaryStatus"] == "Training")
        assert toy.describe("before")["TrainingJobStatus"] == "InProgress", "a day is not MaxRuntimeInSeconds"
        go.touch()
        before, after = toy.ended("before"), toy.ended("after")
    finally:
        server.stop()
    for job in (before, after):
        assert job["TrainingJobStatus"] == "Completed"
        times = [job["CreationTime"], job["TrainingStartTime"], job["TrainingEndTime"]]
        assert times == sorted(times)
        assert job["TrainingTimeInSeconds"] < 60
    assert before["CreationTime"] < after["CreationTime"]
