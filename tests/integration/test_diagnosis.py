"""Real training jobs, judged: the project's own script on drawn dogs, through the REST front.

Each run has the fault that its rule is for, but the first, which is healthy. All four are started at once.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.drawn import Settings, draw_set
from tests.http_client import http_client
from tests.local_server import LocalServer, running_server
from tests.service_process import running_service
from tests.waiting import wait_for

pytestmark = pytest.mark.diagnosis

REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 240.0
BUCKET = "dogs"
SMALL = {"arch": "efficientnet_lite0", "image-size": 96, "seed": 3}
LOSSES = {"name": "CrossEntropyLoss_output_0", "include_regex": "CrossEntropyLoss_output_0", "save_interval": 1}
GRADIENTS = {"name": "gradients", "save_interval": 1}
# Five layers of sigmoids under a head of zeros: nothing that is learned reaches the first ones.
SIGMOIDS = """
import torch, smdebug.pytorch as smdebug
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
layers = [part for _ in range(5) for part in (nn.Linear(16, 16), nn.Sigmoid())]
head = nn.Linear(16, 4)
nn.init.zeros_(head.weight)
network = nn.Sequential(*layers, head)
criterion = nn.CrossEntropyLoss()
hook = smdebug.Hook.create_from_json_file()
hook.register_module(network)
hook.register_loss(criterion)
hook.set_mode(smdebug.modes.TRAIN)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
for step in range(12):
    optimizer.zero_grad()
    criterion(network(torch.randn(8, 16)), torch.randint(0, 4, (8,))).backward()
    optimizer.step()
hook.close()
"""


def body(channel: str, hyperparameters: dict[str, Any], rules: list[Any], **more: Any) -> dict[str, Any]:
    """A training job whose profile is taken every 100 ms."""
    prefix = f"s3://{BUCKET}"
    return {
        "channels": {"train": f"{prefix}/{channel}", "validation": f"{prefix}/drawn/valid"},
        "hyperparameters": {**SMALL, **hyperparameters},
        "debugger": {
            "rules": [{"name": rule} if isinstance(rule, str) else rule for rule in rules],
            "collections": [LOSSES, GRADIENTS],
        },
        "profiler": {"interval_ms": 100},
        **more,
    }


JOBS = {
    "healthy": body(
        "drawn/train",
        {"epochs": 3, "lr": 0.003, "batch-size": 32, "dropout": 0.5, "label-smoothing": 0.1},
        [
            *("VanishingGradient", "ExplodingTensor", "Overfit"),
            {"name": "Overtraining", "parameters": {"patience_train": 1, "patience_validation": 1}},
            {"name": "LossNotDecreasing", "parameters": {"num_steps": 2}},
        ],
    ),
    "diverges": body(
        "drawn/train",
        {
            "arch": "resnet18",
            "weights": "none",
            "image-size": 64,
            "epochs": 1,
            "lr": 30,
            "optimizer": "sgd",
            "batch-size": 16,
        }
        | {"freeze-backbone": False},
        ["ExplodingTensor", "LossNotDecreasing"],
    ),
    "overfits": body(
        "tiny",
        {"epochs": 6, "lr": 0.01, "augment": False, "dropout": 0, "batch-size": 8},
        ["Overfit"],
    ),
    "vanishes": body("drawn/train", {}, ["VanishingGradient"], entry_point="sigmoids.py"),
}


@dataclass(frozen=True)
class Stack:
    """The service's client; the state of local_sagemaker."""

    rest: httpx.Client
    state: Path

    def ended(self, name: str) -> dict[str, Any]:
        """The training job, once it has ended and its rules are judged."""
        job: dict[str, Any] = wait_for(lambda: self._judged(name), f"verdict on {name}", DEADLINE_SECONDS)
        return job

    def _judged(self, name: str) -> dict[str, Any] | None:
        job: dict[str, Any] = self.rest.get(f"/jobs/training/{name}").raise_for_status().json()
        rules = [*job["debugger_rules"], *job["profiler_rules"]]
        over = job["status"] != "InProgress" and all(rule["status"] != "InProgress" for rule in rules)
        return job if over else None

    def finding(self, name: str, rule: str) -> dict[str, Any]:
        """What the service says that the rule found."""
        report = self.rest.get(f"/jobs/training/{name}/debugger").raise_for_status().json()
        judged = next(each for each in report["rules"] if each["name"] == rule)
        assert judged["status"] == "IssuesFound", judged
        assert judged["platform_status"] is None, "local_sagemaker came to another verdict"
        found: dict[str, Any] = judged["finding"]
        assert found["why"]
        assert found["advice"]
        return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both servers, with all four jobs under way."""
    folder = tmp_path_factory.mktemp("diagnosis")
    draw_data(folder / "data")
    shutil.copytree(REPOSITORY / "training", folder / "source", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (folder / "source" / "sigmoids.py").write_text(SIGMOIDS)
    with running_server(folder / "state", max_running_jobs=2) as server:
        shutil.copytree(folder / "data", folder / "state/buckets" / BUCKET)
        with (
            running_service(folder / "service.log", environment(server, folder / "source")) as url,
            http_client(url) as rest,
        ):
            for name, job in JOBS.items():
                answer = rest.post("/jobs/training", json={"name": name, **job})
                assert answer.status_code == 202, answer.text
            yield Stack(rest, folder / "state")


def draw_data(folder: Path) -> None:
    """Drawn dogs, and two images a breed of them."""
    draw_set(folder / "drawn", Settings(images_per_breed=30, size=96))
    for breed in (folder / "drawn/train").iterdir():
        (folder / "tiny" / breed.name).mkdir(parents=True)
        for image in sorted(breed.iterdir())[:2]:
            shutil.copy(image, folder / "tiny" / breed.name)


def environment(server: LocalServer, source: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "AWS_ENDPOINT_URL": server.base_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SAGEHOUND_PORT": "0",
        "SAGEHOUND_TRAINING_SOURCE_DIR": str(source),
    }


def test_a_healthy_run_has_no_issues(stack: Stack) -> None:
    job = stack.ended("healthy")
    assert job["status"] == "Completed", job["failure_reason"]
    assert len(job["debugger_rules"]) == 5
    assert {(rule["status"], rule["details"]) for rule in job["debugger_rules"]} == {("NoIssuesFound", None)}
    report = stack.rest.get("/jobs/training/healthy/debugger").raise_for_status().json()
    assert {rule["status"] for rule in report["rules"]} == {"NoIssuesFound"}
    assert report["evaluation"]["state"] == "Completed"


def test_a_short_job_has_its_profile_judged(stack: Stack) -> None:
    stack.ended("healthy")
    report = stack.rest.get("/jobs/training/healthy/profiler").raise_for_status().json()
    judged = {each["rule"]: each for each in report["verdicts"]}
    assert judged["CPUUtilization"]["status"] in {"NoIssuesFound", "IssuesFound"}
    page = stack.rest.get("/jobs/training/healthy/report").raise_for_status()
    assert page.headers["content-type"].startswith("text/html")
    assert "<svg" in page.text
    folder = stack.state / "buckets"
    (uploaded,) = folder.glob("*/**/healthy/rule-output/ProfilerReport/profiler-output/profiler-report.html")
    assert "<svg" in uploaded.read_text()


def test_a_learning_rate_that_is_far_too_high(stack: Stack) -> None:
    job = stack.ended("diverges")
    assert {rule["name"]: rule["status"] for rule in job["debugger_rules"]}["ExplodingTensor"] == "IssuesFound"
    found = stack.finding("diverges", "ExplodingTensor")
    assert found["tensor"]
    assert found["value"] is None  # nan, or infinite
    assert "--lr" in " ".join(found["advice"])
    (said,) = (rule["details"] for rule in job["debugger_rules"] if rule["name"] == "ExplodingTensor")
    assert said.startswith(
        f"RuleEvaluationConditionMet: Evaluation of the rule ExplodingTensor at step {found['step']} resulted in the"
        " condition being met"
    )


def test_two_images_a_breed(stack: Stack) -> None:
    stack.ended("overfits")
    found = stack.finding("overfits", "Overfit")
    assert found["tensor"] == "CrossEntropyLoss_output_0"
    assert found["mode"] == "EVAL"
    assert found["value"] > found["threshold"] == 0.1


def test_sigmoids_under_a_head_of_zeros(stack: Stack) -> None:
    job = stack.ended("vanishes")
    assert job["status"] == "Completed", job["failure_reason"]
    found = stack.finding("vanishes", "VanishingGradient")
    assert found["step"] == 0
    assert found["tensor"].startswith("gradient/Sequential_")
    assert found["value"] < found["threshold"] == 1e-7


READ = """
import sys, warnings
warnings.simplefilter("ignore")
from smdebug.profiler.analysis.utils.profiler_data_to_pandas import PandasFrame
from smdebug.trials import create_trial
from smdebug import modes

trial = create_trial(sys.argv[1])
trial.wait_for_steps([0])
loss = trial.tensor("CrossEntropyLoss_output_0")
counts = len(loss.steps(modes.TRAIN)), len(loss.steps(modes.EVAL)), len(trial.tensor_names())
print("READ", trial.loaded_all_steps, *counts)
frame = PandasFrame(sys.argv[2])
system, steps = frame.get_all_system_metrics(), frame.get_all_framework_metrics()
print("READ", sorted(set(system.dimension)), (steps.framework_metric == "Step:ModeKeys.TRAIN").sum())
"""


def test_smdebug_reads_all_that_a_job_wrote(stack: Stack) -> None:
    stack.ended("healthy")
    (tensors,) = (stack.state / "buckets").glob("*/sagehound/jobs/healthy/debug-output")
    read = subprocess.run(
        [sys.executable, "-c", READ, str(tensors), str(tensors.parent / "profiler-output")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    trial, frame = (line.removeprefix("READ ") for line in read.stdout.splitlines() if line.startswith("READ "))
    assert trial == "True 15 6 3", "all steps loaded; losses of 3 epochs with 5 batches, and 2 of validation; gradients"
    assert frame == "['', 'Algorithm', 'CPUUtilization', 'I/OWaitPercentage', 'Platform'] 15"
