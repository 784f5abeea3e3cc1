"""The project's own training script on two hosts, as SageMaker starts it: torchrun, gloo, one model."""

import io
import json
import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_sagemaker.runtime import mount_namespace
from service.settings import Settings
from tests.http_client import http_client
from tests.integration.test_service_jobs import finished, serving
from tests.integration.test_training_hosts import host_logs
from tests.integration.test_training_script import draw
from tests.integration.toy_jobs import BUCKET, Toy
from tests.local_server import LocalServer, running_server
from tests.waiting import wait_for

PRIVATE = mount_namespace.available()
pytestmark = [
    pytest.mark.durability,
    pytest.mark.skipif(bool(PRIVATE), reason=f"mount namespaces are forbidden here: {PRIVATE}"),
]
CHANNELS = {"train": f"s3://{BUCKET}/data/train", "validation": f"s3://{BUCKET}/data/validation"}
# Nothing in it depends on a process's share of a batch: the head alone learns, without dropout.
HEAD = {"weights": "none", "image-size": 32, "batch-size": 5, "dropout": 0, "lr": 0.001, "augmented-views": 2}
TOLERANCE = 1e-5  # sums in another order; measured: 4e-8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=20) as server:
        yield server


@pytest.fixture(scope="module")
def toy(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    toy, folder = Toy(server), tmp_path_factory.mktemp("data")
    for seed, (channel, count) in enumerate({"train": 8, "validation": 3}.items()):
        draw(folder / channel, count, seed)
    for path in folder.rglob("*.png"):
        toy.put(f"data/{path.relative_to(folder)}", path.read_bytes())
    return toy


@pytest.fixture(scope="module")
def rest(server: LocalServer, toy: Toy) -> Iterator[httpx.Client]:
    """The service in front of it, with the real training source."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", server.base_url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        with (
            serving(Settings(training_image="images/training:1")) as url,
            http_client(url) as client,
        ):
            yield client


def train(rest: httpx.Client, name: str, instances: int, hyperparameters: dict[str, Any], **members: object) -> None:
    body = {
        "name": name,
        "channels": CHANNELS,
        "hyperparameters": HEAD | hyperparameters,
        "instance_count": instances,
        "debugger": None,
        "profiler": None,
        **members,
    }
    rest.post("/jobs/training", json=body).raise_for_status()


def wait_for_epoch(toy: Toy, name: str) -> None:
    """Until the job has printed a line of figures."""
    wait_for(lambda: any("epoch=1 " in line for line in host_logs(toy, name).get("algo-1", [])), "first epoch")


def history(toy: Toy, job: Any) -> list[dict[str, float]]:
    """The epochs of history.json in the job's output."""
    bucket, _, key = f"{job['output_s3_uri'].rstrip('/')}/{job['name']}/output/output.tar.gz"[5:].partition("/")
    packed = toy.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        file = tar.extractfile("history.json")
        assert file is not None
        epochs: list[dict[str, float]] = json.load(file)["epochs"]
    return epochs


def test_two_hosts_learn_what_one_learns(rest: httpx.Client, toy: Toy) -> None:
    for name, instances in (("one-host", 1), ("two-hosts", 2)):
        train(rest, name, instances, {"epochs": 3})
    one, two = (finished(rest, f"/jobs/training/{name}") for name in ("one-host", "two-hosts"))
    assert (one["status"], two["status"]) == ("Completed", "Completed"), two["failure_reason"]
    alone, together = history(toy, one), history(toy, two)
    assert len(alone) == len(together) == 3
    for expected, epoch in zip(alone, together, strict=True):
        for figure in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr"):
            assert epoch[figure] == pytest.approx(expected[figure], rel=TOLERANCE), figure
    logs = host_logs(toy, "two-hosts")
    assert [line.partition(" ")[0] for line in logs["algo-1"] if line.startswith("epoch=")] == [
        f"epoch={number}" for number in (1, 2, 3)
    ]
    assert logs["algo-2"] == ["process 1 of 2 trains; process 0 prints the figures"]


@pytest.mark.parametrize("killed", ["script", "torchrun"])
def test_a_host_that_is_killed_is_named(rest: httpx.Client, toy: Toy, server: LocalServer, killed: str) -> None:
    name = f"killed-{killed}"
    train(rest, name, 2, {"epochs": 100_000})
    wait_for_epoch(toy, name)
    os.kill(process_of(server.state_dir / "training-jobs" / name / "algo-2", killed), signal.SIGKILL)
    job = finished(rest, f"/jobs/training/{name}")
    assert job["status"] == "Failed"
    assert job["failure_reason"].startswith("AlgorithmError: algo-2: ")
    assert "SIGKILL" in job["failure_reason"]


def test_two_hosts_stop_at_one_place_and_go_on_there(rest: httpx.Client, toy: Toy) -> None:
    checkpoints = {"checkpoint_s3_uri": f"s3://{BUCKET}/checkpoints"}
    train(rest, "stopped", 2, {"epochs": 100_000}, **checkpoints)
    wait_for_epoch(toy, "stopped")
    rest.post("/jobs/training/stopped/stop").raise_for_status()
    stopped = finished(rest, "/jobs/training/stopped")
    assert (stopped["status"], stopped["secondary_status"]) == ("Stopped", "Stopped")
    trained = len(history(toy, stopped))
    assert "stopped by SIGTERM" in host_logs(toy, "stopped")["algo-1"]
    assert stopped["model_artifact_s3_uri"]
    train(rest, "goes-on", 2, {"epochs": trained + 2}, **checkpoints)
    job = finished(rest, "/jobs/training/goes-on")
    assert job["status"] == "Completed", job["failure_reason"]
    assert len(history(toy, job)) == trained + 2
    assert any(line.startswith("checkpoint: goes on in epoch") for line in host_logs(toy, "goes-on")["algo-1"])


def test_tensors_and_times_are_the_first_ones(rest: httpx.Client, toy: Toy) -> None:
    members: dict[str, Any] = {"debugger": {}, "profiler": {}}
    train(rest, "watched", 2, {"epochs": 3, "freeze-backbone": False}, **members)
    job = finished(rest, "/jobs/training/watched")
    assert job["status"] == "Completed", job["failure_reason"]
    debugger = rest.get("/jobs/training/watched/debugger").json()
    assert debugger["evaluation"]["steps_saved"] == 3 * (5 + 2)  # batches of five: 24 images and 9
    profiler = rest.get("/jobs/training/watched/profiler").json()
    assert (profiler["nodes"], profiler["complete"]) == (["algo-1", "algo-2"], True)


def process_of(host: Path, which: str) -> int:
    """The host's torchrun, or the script that it has started."""
    torchrun = int(json.loads((host / "process.json").read_text())["pid"])
    if which == "torchrun":
        return torchrun
    [script] = Path(f"/proc/{torchrun}/task/{torchrun}/children").read_text().split()
    return int(script)
