"""How long a training job takes from CreateTrainingJob to Completed beyond its script's own time.

`python -m benchmarks.noop_job`: jobs one after the other whose script does nothing, over boto3 as clients do it. From
what the client waited is subtracted what the same script takes when started by hand. The median counts.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import Bar, end
from tests.integration.toy_jobs import Toy
from tests.local_server import running_server

JOBS = 15
OVERHEAD_SECONDS = 1.0
POLL_SECONDS = 0.01
SCRIPT = "pass\n"


def main() -> int:
    """Run the jobs and print the bar."""
    with tempfile.TemporaryDirectory(prefix="noop-job-") as folder, running_server(Path(folder)) as server:
        toy = Toy(server)
        took = [seconds_of_a_job(toy, f"noop-{number}") for number in range(JOBS + 1)][1:]  # the first one warms up
        alone = [seconds_of_the_script() for _ in took]
    script = statistics.median(alone)
    print(f"a job: median {statistics.median(took):.3f} s, worst {max(took):.3f} s; its script alone: {script:.3f} s")
    overhead = statistics.median(took) - script
    return end([Bar("noop-job-overhead", overhead, OVERHEAD_SECONDS, "s", wanted="at most")])


def seconds_of_a_job(toy: Toy, name: str) -> float:
    """From the call of CreateTrainingJob until DescribeTrainingJob says Completed."""
    request = toy.request(name, SCRIPT)
    began = time.perf_counter()
    toy.sagemaker.create_training_job(**request)
    while (job := toy.describe(name))["TrainingJobStatus"] == "InProgress":
        time.sleep(POLL_SECONDS)
    if job["TrainingJobStatus"] != "Completed":
        raise RuntimeError(f"{name}: {job['TrainingJobStatus']}, {job.get('FailureReason')}")
    return time.perf_counter() - began


def seconds_of_the_script() -> float:
    """The script as a process of its own, by the same Python."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
