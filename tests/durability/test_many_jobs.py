"""Two hundred jobs at once on a small machine: each runs once, in the order of their creation, in bounded memory."""

from pathlib import Path

import pytest

from tests.integration.toy_jobs import Toy
from tests.local_server import running_server

JOBS = 200
# What the server may gain over the whole flood: caches of connections and compiled operations, no job's own data.
GAIN_BYTES = 48 * 2**20
SCRIPT = """
import os
with open({witness!r}, "a") as file:
    file.write(os.environ["TRAINING_JOB_NAME"] + "\\n")
print("loss=0.5")
"""


def resident_bytes(pid: int) -> int:
    """The process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.durability
def test_two_hundred_queued_jobs(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    with running_server(tmp_path / "state", max_running_jobs=4) as server:
        toy = Toy(server)
        request = toy.request("flood", SCRIPT.format(witness=str(witness)))
        names = [f"flood-{number:03d}" for number in range(JOBS)]
        for name in names[:10]:
            toy.sagemaker.create_training_job(**{**request, "TrainingJobName": name})
        toy.ended(names[9])
        before = resident_bytes(server.pid)
        for name in names[10:]:
            toy.sagemaker.create_training_job(**{**request, "TrainingJobName": name})
        for name in names:
            assert toy.ended(name)["TrainingJobStatus"] == "Completed"
        assert resident_bytes(server.pid) - before < GAIN_BYTES
    ran = witness.read_text().split()
    assert sorted(ran) == names
    # Jobs that were let in together may start in any order; none waits for one that came much later.
    assert all(abs(place - names.index(name)) <= 8 for place, name in enumerate(ran))
