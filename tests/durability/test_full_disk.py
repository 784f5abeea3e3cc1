"""A state folder whose disk fills up: errors that say so, jobs that wait for space, and nothing lost."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.integration.toy_jobs import BUCKET, Toy, until
from tests.local_server import LocalServer

LINES = 400
SCRIPT = """
import os, time
print("started", flush=True)
while not os.path.exists({go!r}):
    time.sleep(0.05)
for number in range({lines}):
    print(f"line={{number}} " + "x" * 500, flush=True)
print("loss=0.5")
"""


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[LocalServer]:
    """A server whose state lies on a disk of 24 MB: a tmpfs in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=24m none {disk} && echo mounted && exec sleep 600"
    with subprocess.Popen(["unshare", "-Urm", "sh", "-c", mount], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "mounted\n":
                pytest.skip("this machine lets nobody mount in a namespace of their own")
            namespace = ["nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials", f"--wd={Path.cwd()}"]
            server = LocalServer(disk / "state", prefix=namespace)
            server.start()
            yield server
            server.stop()
        finally:
            holder.kill()


def fill(toy: Toy) -> str:
    """Upload until nothing more fits; answers the last error's message."""
    number, said = 0, ""
    for size in (2**20, 2**16, 2**12, 1):
        while True:
            try:
                toy.s3.put_object(Bucket=BUCKET, Key=f"fill/{number}", Body=b"x" * size)
            except ClientError as error:
                said = error.response["Error"]["Message"]
                break
            number += 1
    return said


@pytest.mark.durability
def test_a_full_disk_costs_time_and_nothing_else(full_soon: LocalServer, tmp_path: Path) -> None:
    toy, go = Toy(full_soon), tmp_path / "go"
    toy.train("waits", SCRIPT.format(go=str(go), lines=LINES))
    request = toy.request("later", "print('loss=1.0')")
    until(lambda: toy.log("waits"), bool)
    assert "is full" in fill(toy)
    go.touch()
    with pytest.raises(ClientError, match=r"disk of .* is full, so nothing was changed"):
        for number in range(50):  # the database may have some pages left
            toy.sagemaker.create_training_job(**{**request, "TrainingJobName": f"no-room-{number}"})
    assert toy.describe("waits")["TrainingJobStatus"] == "InProgress"
    full_soon.kill()
    full_soon.start()  # also on a full disk
    assert toy.describe("waits")["TrainingJobStatus"] == "InProgress"
    for key in toy.keys("fill/"):
        toy.s3.delete_object(Bucket=BUCKET, Key=key)
    assert toy.ended("waits")["TrainingJobStatus"] == "Completed"
    said = [line.partition(" ")[0] for line in toy.log("waits")]
    assert said == ["started", *(f"line={number}" for number in range(LINES)), "loss=0.5"]
    toy.sagemaker.create_training_job(**request)
    assert toy.ended("later")["TrainingJobStatus"] == "Completed"
