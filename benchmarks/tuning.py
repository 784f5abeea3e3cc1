"""Nine trials of a frozen ResNet18 as a tuning job, beside the same trials in the plain loop of the public solutions.

`python -m benchmarks.tuning`: about 2,000 drawn photographs of 133 classes in S3, a tuning job of local_sagemaker with
training/hpo.py, three trials at a time; then, alone, what one pass of the backbone over the data costs; then
plain_loop.py with the same hyperparameters, three processes at a time. All start from the same backbone, which
benchmarks/prediction/classifier.py trains once. The flags make it smaller, to try it.
"""

import argparse
import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from benchmarks.bars import Bar, end
from benchmarks.environments import ENVIRONMENTS
from benchmarks.prediction import classifier, machine, pictures, processes
from tests.integration.toy_jobs import BUCKET, IMAGE, ROLE, Toy
from tests.local_server import running_server
from tests.unit.training.scripts import Scripts

HERE = Path(__file__).parent
TRAINING = HERE.parent / "training"
ACCURACY = re.compile(r"^epoch=.* validation:accuracy=(\S+)")
POLL_SECONDS = 0.2
SEED = 0
FASTER, POINTS, PASSES = 5.0, 0.5, 1.5


@dataclass(frozen=True)
class Measured:
    """How long all trials took together, what they cost, and their best validation accuracy, percent."""

    wall_seconds: float
    cpu_seconds: float
    accuracy: float

    def __str__(self) -> str:
        return f"{self.wall_seconds:.1f} s, {self.cpu_seconds:.1f} CPU s, best accuracy {self.accuracy:.2f} %"


def main() -> int:
    """Run both and print the bars."""
    options = parse()
    machine.keep_to_two_cores()
    print(machine.describe(), flush=True)
    with tempfile.TemporaryDirectory(prefix="tuning-") as name:
        folder = Path(name)
        data = drawn(options.images_a_class)
        weights = folder / "weights"
        weights.mkdir()
        trained = classifier.ready().artifact / "model.safetensors"
        write_beginning(trained, weights / "model.safetensors", options.image_size, SEED)
        ours, trials = tuning_job(folder / "state", data, weights, options)
        print(f"the tuning job: {ours}", flush=True)
        one_pass = pass_cpu_seconds(data, weights, options.image_size)
        print(f"one pass of the backbone: {one_pass:.1f} CPU s", flush=True)
        plain = plain_loops(folder, data, weights, trials, options)
        print(f"the plain loop: {plain}", flush=True)
    return end(
        [
            Bar("tuning-faster-than-plain-loop", plain.wall_seconds / ours.wall_seconds, FASTER, "times"),
            Bar("tuning-accuracy-difference", abs(plain.accuracy - ours.accuracy), POINTS, "points", "at most"),
            Bar("tuning-cpu-in-feature-passes", ours.cpu_seconds / one_pass, PASSES, "passes", "at most"),
        ]
    )


def parse() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning")
    parser.add_argument("--images-a-class", type=int, default=16, help="a quarter of them for validation; 16: 2,128")
    parser.add_argument("--trials", type=int, default=9)
    parser.add_argument("--parallel", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=224)
    return parser.parse_args()


def drawn(images_a_class: int) -> Path:
    """Folder of train/ and validation/, drawn once."""
    folder = ENVIRONMENTS / f"tuning-{images_a_class}"
    if not (folder / "complete").is_file():
        print(f"drawing {folder}, once", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        for_validation = max(1, images_a_class // 4)
        # The names of the splits are other ones than those that the backbone learned from, and so are the pictures.
        pictures.draw_split(folder, "tuning", images_a_class - for_validation)
        pictures.draw_split(folder, "judging", for_validation)
        (folder / "tuning").rename(folder / "train")
        (folder / "judging").rename(folder / "validation")
        (folder / "complete").touch()
    return folder


def write_beginning(trained: Path, path: Path, image_size: int, seed: int) -> None:
    """Write the network that trials begin with: the trained backbone, and the head as training/ initialises it."""
    torch.manual_seed(seed)
    network = Scripts().networks.build_classifier(
        "resnet18", len(pictures.kinds()), image_size, dropout=0.0, frozen=True
    )
    backbone = {name: tensor for name, tensor in load_file(trained).items() if name.startswith("backbone.")}
    save_file({**network.state_dict(), **backbone}, path)


def tuning_job(
    state: Path, data: Path, weights: Path, options: argparse.Namespace
) -> tuple[Measured, list[Mapping[str, str]]]:
    """Run it on a fresh server; also each trial's tuned hyperparameters.

    CPU seconds are those of everything that the server starts, its pools of processes too, but not its own.
    """
    with running_server(state) as server:
        toy = Toy(server)
        for channel in ("train", "validation"):
            shutil.copytree(data / channel, state / "buckets" / BUCKET / channel)
        shutil.copytree(weights, state / "buckets" / BUCKET / "pretrained")
        began = time.perf_counter()
        toy.sagemaker.create_hyper_parameter_tuning_job(**request(toy, options))
        while (job := toy.describe_tuning("bench"))["HyperParameterTuningJobStatus"] == "InProgress":
            time.sleep(POLL_SECONDS)
        wall = time.perf_counter() - began
        pages = toy.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
        found = pages.paginate(HyperParameterTuningJobName="bench").build_full_result()["TrainingJobSummaries"]
        if job["TrainingJobStatusCounters"]["Completed"] != options.trials:
            print(*toy.log(found[0]["TrainingJobName"]), sep="\n")
            raise RuntimeError(f"{job['HyperParameterTuningJobStatus']}: {job.get('FailureReason')}, see above")
        accuracies = [
            float(match[1])
            for each in found
            for line in toy.log(each["TrainingJobName"])
            if (match := ACCURACY.match(line))
        ]
        cpu = sum(json.loads(path.read_text())["cpu_seconds"] for path in state.glob("training-jobs/*/exit.json"))
        cpu += processes.cpu_seconds(processes.trees([server.pid])) - own_cpu_seconds(server.pid)
    return Measured(wall, cpu, 100 * max(accuracies)), [each["TunedHyperParameters"] for each in found]


def request(toy: Toy, options: argparse.Namespace) -> dict[str, object]:
    """CreateHyperParameterTuningJob's members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path in sorted([*TRAINING.glob("*.py"), TRAINING / "requirements.txt"]):
            tar.add(path, path.name)
    source = toy.put("source/sourcedir.tar.gz", packed.getvalue())
    static = {
        "sagemaker_program": "hpo.py",
        "sagemaker_submit_directory": source,
        "epochs": options.epochs,
        "image-size": options.image_size,
        "arch": "resnet18",
        "freeze-backbone": "true",
        "augment": "none",
        "dropout": 0,
        "seed": SEED,
    }
    channels = ("train", "validation", "pretrained")
    return {
        "HyperParameterTuningJobName": "bench",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "RandomSeed": 1,
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": options.trials,
                "MaxParallelTrainingJobs": options.parallel,
            },
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
                ],
                "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ["32", "64", "128", "256"]}],
            },
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "validation:loss", "Regex": r"validation:loss=(\S+)"}],
            },
            "RoleArn": ROLE,
            "InputDataConfig": [
                {
                    "ChannelName": name,
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/"}},
                }
                for name in channels
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "StaticHyperParameters": {name: str(value) for name, value in static.items()},
        },
    }


def pass_cpu_seconds(data: Path, weights: Path, image_size: int) -> float:
    """One pass over all images, by a process a core at the same time, as trials do it."""
    cores = len(os.sched_getaffinity(0))
    shares = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.feature_pass"),
                *map(str, (data, weights, image_size, core, cores)),
            ],
            cwd=HERE.parent,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for core in range(cores)
    ]
    printed = [share.communicate()[0] for share in shares]
    if any(share.returncode for share in shares):
        raise RuntimeError("feature_pass.py failed")
    return sum(float(text.splitlines()[-1]) for text in printed)


def plain_loops(
    folder: Path, data: Path, weights: Path, trials: Sequence[Mapping[str, str]], options: argparse.Namespace
) -> Measured:
    """The same trials by plain_loop.py, as many at a time, with as many threads each."""
    threads = max(1, len(os.sched_getaffinity(0)) // options.parallel)
    file = weights / "model.safetensors"
    before, began = children_cpu_seconds(), time.perf_counter()

    def run(number: int) -> list[float]:
        flags = {
            "epochs": options.epochs,
            "image-size": options.image_size,
            "seed": SEED,
            "lr": float(trials[number]["lr"]),
            "batch-size": int(float(trials[number]["batch-size"].strip('"'))),
        }
        output = subprocess.run(
            [
                sys.executable,
                HERE / "plain_loop.py",
                *(data, file, folder / f"{number}.pt"),
                *(text for flag, value in flags.items() for text in (f"--{flag}", str(value))),
            ],
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        return [epoch["accuracy"] for epoch in json.loads(output.splitlines()[-1])]

    with ThreadPoolExecutor(options.parallel) as pool:
        best = max(max(accuracies) for accuracies in pool.map(run, range(len(trials))))
    return Measured(time.perf_counter() - began, children_cpu_seconds() - before, 100 * best)


def children_cpu_seconds() -> float:
    """Of all processes below this one that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def own_cpu_seconds(pid: int) -> float:
    """Of one living process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / processes.TICKS


if __name__ == "__main__":
    sys.exit(main())
