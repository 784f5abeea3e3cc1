"""What it costs to start a tuning job's trial: CPU seconds of its process tree until it has trained.

`python -m benchmarks.trial_start`: tuning jobs with training/hpo.py over local_sagemaker, one trial after the other, on
eight images of 32 pixels and one epoch. All CPU time of a trial counts, from the shim's start until the line of the
epoch is in the log: interpreter, imports, network, reading the images, two steps. What follows, the export of the
model, is no start; it is told as a part of the whole trial. Beside it run trials that are processes of their own
(LOCAL_SAGEMAKER_WARM_TRIALS=false). The first trial of all shows what the code imports, and is left out. The process
that imports for all of them is none of them: what it has used is told beside the bar.
"""

import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.bars import Bar, end
from local_sagemaker.runtime import shim
from service.domain import source
from tests.integration.toy_jobs import BUCKET, Toy
from tests.local_server import running_server

TRIALS = 6
CPU_SECONDS = 1.5
POLL_SECONDS = 0.005
EPOCH = b"\tepoch=1 "
TICKS = os.sysconf("SC_CLK_TCK")
TRAINING = Path(__file__).parent.parent / "training"
HYPERPARAMETERS = {"arch": "resnet18", "weights": "none", "image-size": 32, "batch-size": 4, "epochs": 1}


@dataclass
class Used:
    """CPU seconds of a trial: until it had trained, and in all."""

    start: float = 0.0
    whole: float = 0.0


class CpuWatch:
    """CPU seconds of each job below a folder, by its name, and of the server's templates, as the kernel counts them."""

    def __init__(self, jobs: Path, server: int) -> None:
        self._jobs = jobs
        self._server = server
        self.templates: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.used: dict[str, Used] = {}
        self._thread.start()

    def end(self) -> None:
        """Look no longer."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self._look_at_templates()
            for record in self._jobs.glob("*/process.json"):
                try:
                    pids = json.loads(record.read_bytes())
                    root = pids["shim_pid"]
                    if shim.start_time(root) == pids["shim_start_time"]:
                        trained = EPOCH in (record.parent / "log").read_bytes()
                        seconds = sum(cpu_seconds(pid) for pid in [root, *shim.descendants(root)])
                        used = self.used.setdefault(record.parent.name, Used())
                        used.whole = max(used.whole, seconds)
                        used.start = used.start if trained else used.whole
                except (FileNotFoundError, ProcessLookupError, ValueError):  # it ends just now
                    continue

    def _look_at_templates(self) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in Path(f"/proc/{self._server}/task").glob("*/children"):
                for pid in map(int, child.read_text().split()):
                    if b"template.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        self.templates[pid] = cpu_seconds(pid)


def cpu_seconds(pid: int) -> float:
    """What a process and its children that have ended have used."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def main() -> int:
    """Run the trials both ways and print the bar."""
    with tempfile.TemporaryDirectory(prefix="trial-start-") as folder:
        state = Path(folder)
        alone = trials(state, warm_trials="false", jobs=3)
        warm = trials(state, warm_trials="true", jobs=TRIALS + 1)
    print(f"trials that are processes of their own: {told(alone)}")
    print(f"trials of a warm pool: {told(warm)}; the first one shows what is to be imported")
    value = statistics.median(used.start for used in warm[1:])
    return end([Bar("trial-start-cpu", value, CPU_SECONDS, "s", wanted="at most")])


def told(trials: list[Used]) -> str:
    """CPU seconds in words."""
    return ", ".join(f"{used.start:.2f} (whole {used.whole:.2f})" for used in trials) + " CPU s"


def trials(state: Path, *, warm_trials: str, jobs: int) -> list[Used]:
    """CPU seconds of the trials of one tuning job, in their order."""
    with running_server(state / f"state-{warm_trials}", warm_trials=warm_trials) as server:
        toy = Toy(server)
        name = f"trials-{warm_trials}"
        watch = CpuWatch(state / f"state-{warm_trials}/training-jobs", server.pid)
        toy.sagemaker.create_hyper_parameter_tuning_job(**tuning_request(toy, name, jobs))
        while (job := toy.describe_tuning(name))["HyperParameterTuningJobStatus"] == "InProgress":
            time.sleep(0.1)
        watch.end()
        if watch.templates:
            print(f"the processes that import for the trials: {sum(watch.templates.values()):.2f} CPU s in all")
        found = toy.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        for trial in found["TrainingJobSummaries"]:
            if trial["TrainingJobStatus"] != "Completed":
                raise RuntimeError(f"{trial['TrainingJobName']}: {trial.get('FailureReason')}")
        if job["HyperParameterTuningJobStatus"] != "Completed":
            raise RuntimeError(f"{name}: {job.get('FailureReason')}")
        names = sorted(trial["TrainingJobName"] for trial in found["TrainingJobSummaries"])
        return [watch.used[name] for name in names]


def tuning_request(toy: Toy, name: str, jobs: int) -> dict[str, Any]:
    """CreateHyperParameterTuningJob's members."""
    request = toy.tuning_request(name, "pass", jobs=jobs, parallel=1)
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    objective = {"Type": "Minimize", "MetricName": "validation:loss"}
    config["HyperParameterTuningJobObjective"] = objective
    del config["ParameterRanges"]["CategoricalParameterRanges"]
    regex = "validation:loss=([0-9.e+-]+)"
    definition["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": objective["MetricName"], "Regex": regex}]
    definition["StoppingCondition"] = {"MaxRuntimeInSeconds": 600}
    uri = toy.put("source/sourcedir.tar.gz", source.pack(TRAINING))
    own = {"sagemaker_program": "hpo.py", "sagemaker_submit_directory": uri}
    definition["StaticHyperParameters"] = {key: json.dumps(value) for key, value in {**HYPERPARAMETERS, **own}.items()}
    definition["InputDataConfig"] = [channel(toy, kind) for kind in ("train", "validation")]
    return request


def channel(toy: Toy, name: str) -> dict[str, Any]:
    """A channel of eight images in two classes."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(8):
            path = Path(folder) / f"{number}.jpg"
            Image.new("RGB", (32, 32), (number * 30, 100, 200 - number * 20)).save(path)
            toy.put(f"data/{name}/00{number % 2}.Class_{number % 2}/{number}.jpg", path.read_bytes())
    location = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/{name}/"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": location}}


if __name__ == "__main__":
    sys.exit(main())
