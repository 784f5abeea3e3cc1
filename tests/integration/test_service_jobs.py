"""Jobs through the REST front, on a real local_sagemaker: every answer comes from a script that really ran."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from service.app import create_app
from service.settings import Settings
from tests.http_client import http_client
from tests.local_server import LocalServer, boto_client, running_server

DEADLINE_SECONDS = 90.0
BUCKET = "dogs"
CHANNELS = {"train": f"s3://{BUCKET}/train", "validation": f"s3://{BUCKET}/valid"}

SCRIPT = """
import argparse, os, pathlib, signal, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--note", default="")
parser.add_argument("--mode", default="train")
arguments = parser.parse_args()

if arguments.mode == "fail":
    raise ValueError("no dogs in the train channel")
if arguments.mode == "wait":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("waiting for the end", flush=True)
    while True:
        time.sleep(0.05)
files = sorted(path.name for path in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir())
print(f"files={files} note={arguments.note!r} lr={arguments.lr!r} batch_size={arguments.batch_size!r}")
for epoch in (1, 2):
    loss = arguments.lr + 1 / (epoch * arguments.batch_size)
    print(f"epoch={epoch} train:loss={loss:.6f} train:accuracy=0.5 ", end="")
    print(f"validation:loss={loss:.6f} validation:accuracy=0.{epoch}")
print("test:loss=nan test:accuracy=0.75")
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("weights")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """local_sagemaker with a bucket that has a file in each channel."""
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=5) as server:
        s3 = boto_client(server, "s3")
        s3.create_bucket(Bucket=BUCKET)
        for key in ("train/a.txt", "train/b.txt", "valid/c.txt"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"a dog")
        yield server


@pytest.fixture(scope="module")
def rest(aws: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service in front of it, which trains with the script above."""
    source = tmp_path_factory.mktemp("training")
    (source / "train_model.py").write_text(SCRIPT)
    (source / "hpo.py").write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", aws.base_url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        settings = Settings(training_source_dir=source, training_image="images/training:1")
        with serving(settings) as url, http_client(url) as client:
            yield client


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The service under uvicorn in a thread, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def wait_for(read: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """Poll until `done`; fails with the last answer after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = read()
        if done(answer):
            return answer
        assert time.monotonic() < deadline, f"not in {DEADLINE_SECONDS:.0f} s: {answer}"
        time.sleep(0.1)


def finished(rest: httpx.Client, path: str) -> Any:
    """The job of `path` once it is over."""
    over = {"Completed", "Failed", "Stopped"}
    return wait_for(lambda: rest.get(path).raise_for_status().json(), lambda job: job["status"] in over)


def test_training_job_runs_and_tells_what_came_out(rest: httpx.Client) -> None:
    body = {
        "name": "dogs-1",
        "channels": CHANNELS,
        "hyperparameters": {"lr": 0.25, "batch-size": 8, "note": 'a "quoted" note'},
        "tags": {"team": "dogs"},
        "debugger": None,
        "profiler": None,
    }
    answer = rest.post("/jobs/training", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == "/jobs/training/dogs-1"
    assert answer.json()["name"] == "dogs-1"

    job = finished(rest, "/jobs/training/dogs-1")
    assert job["status"] == "Completed", job
    assert job["hyperparameters"] == {"batch-size": 8, "lr": 0.25, "note": 'a "quoted" note'}
    assert job["channels"] == CHANNELS
    assert job["entry_point"] == "train_model.py"
    assert job["tags"] == {"team": "dogs"}
    steps = [step["status"] for step in job["transitions"]]
    assert steps[0] == "Starting"
    assert steps[-1] == "Completed"
    assert "Training" in steps
    assert job["model_artifact_s3_uri"].endswith("/dogs-1/output/model.tar.gz")
    assert job["training_seconds"] >= 1
    finals = {metric["name"]: metric["value"] for metric in job["final_metrics"]}
    assert finals["validation:loss"] == pytest.approx(0.25 + 1 / 16)
    assert finals["test:accuracy"] == 0.75

    metrics = rest.get("/jobs/training/dogs-1/metrics").json()
    series = {one["name"]: one for one in metrics["series"]}
    assert [point["value"] for point in series["validation:accuracy"]["points"]] == [0.1, 0.2]
    assert series["validation:loss"]["final_value"] == pytest.approx(0.25 + 1 / 16)
    assert [point["value"] for point in series["test:loss"]["points"]] == [None]  # nan
    assert metrics["complete"]

    text = rest.get("/jobs/training/dogs-1/logs", headers={"Accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert "files=['a.txt', 'b.txt'] note='a \"quoted\" note' lr=0.25 batch_size=8" in text.text


def test_log_is_followed_by_cursor_until_complete(rest: httpx.Client) -> None:
    rest.post("/jobs/training", json={"name": "dogs-logs", "channels": CHANNELS, "debugger": None}).raise_for_status()
    lines: list[str] = []
    cursor = None
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = rest.get("/jobs/training/dogs-logs/logs", params=query).raise_for_status().json()
        assert len(page["items"]) <= 2
        lines += [line["message"] for line in page["items"]]
        if page["complete"]:
            assert page["next_cursor"] is None
            break
        cursor = page["next_cursor"]
        assert time.monotonic() < deadline, lines
        if not page["items"]:
            time.sleep(0.1)
    assert [line for line in lines if line.startswith(("epoch", "test"))] == [
        "epoch=1 train:loss=0.041250 train:accuracy=0.5 validation:loss=0.041250 validation:accuracy=0.1",
        "epoch=2 train:loss=0.025625 train:accuracy=0.5 validation:loss=0.025625 validation:accuracy=0.2",
        "test:loss=nan test:accuracy=0.75",
    ]


def test_same_name_and_body_is_the_same_job_and_another_body_a_conflict(rest: httpx.Client) -> None:
    body = {"name": "dogs-same", "channels": CHANNELS, "hyperparameters": {"lr": 0.1}}
    first = rest.post("/jobs/training", json=body)
    again = rest.post("/jobs/training", json={**body, "max_runtime_seconds": 86_400})  # the default, spelled out
    assert (first.status_code, again.status_code) == (202, 200), again.text
    assert again.json()["arn"] == first.json()["arn"]
    assert again.headers["Location"] == "/jobs/training/dogs-same"

    other = rest.post("/jobs/training", json={**body, "hyperparameters": {"lr": 0.2}, "instance_type": "ml.m5.large"})
    assert other.status_code == 409
    problem = other.json()
    assert problem["type"] == "urn:sagehound:problem:name-conflict"
    assert problem["differences"] == [
        "hyperparameters.lr is 0.1 there and 0.2 here",
        'instance_type is "ml.m5.xlarge" there and "ml.m5.large" here',
    ]
    # With Debugger and Profiler as by default, the rules have a status of their own.
    job = finished(rest, "/jobs/training/dogs-same")
    rules = [rule["name"] for rule in job["debugger_rules"]]
    assert rules == ["VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization"]
    assert [rule["name"] for rule in job["profiler_rules"]] == ["ProfilerReport"]


def test_failing_script_is_named_and_a_running_one_can_be_stopped(rest: httpx.Client) -> None:
    body = {"channels": CHANNELS, "debugger": None, "profiler": None}
    rest.post("/jobs/training", json={**body, "name": "dogs-fail", "hyperparameters": {"mode": "fail"}})
    waits = rest.post("/jobs/training", json={**body, "hyperparameters": {"mode": "wait"}}).raise_for_status().json()
    assert waits["name"].startswith("training-")

    path = f"/jobs/training/{waits['name']}"
    logs = wait_for(lambda: rest.get(f"{path}/logs").json(), lambda page: bool(page["items"]))
    assert logs["items"][-1]["message"] == "waiting for the end"
    assert not logs["complete"]
    stopped = rest.post(f"{path}/stop")
    assert (stopped.status_code, stopped.json()["status"]) == (202, "Stopping")
    assert finished(rest, path)["status"] == "Stopped"
    assert rest.post(f"{path}/stop").status_code == 202  # it is as asked

    failed = finished(rest, "/jobs/training/dogs-fail")
    assert failed["status"] == "Failed"
    assert "ValueError: no dogs in the train channel" in failed["failure_reason"]
    assert failed["model_artifact_s3_uri"] is None
    assert rest.post("/jobs/training/dogs-fail/stop").status_code == 409
    listed = rest.get("/jobs/training", params={"status": "Failed", "name_contains": "dogs"}).json()
    assert [job["name"] for job in listed["items"]] == ["dogs-fail"]


def test_tuning_job_finds_the_best_and_training_takes_it(rest: httpx.Client) -> None:
    body = {
        "name": "dogs-tuning",
        "channels": CHANNELS,
        "static_hyperparameters": {"note": "static"},
        "strategy": "Random",
        "random_seed": 1,
        "max_jobs": 3,
        "max_parallel_jobs": 2,
    }
    answer = rest.post("/jobs/tuning", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == "/jobs/tuning/dogs-tuning"
    assert rest.post("/jobs/tuning", json=body).status_code == 200
    conflict = rest.post("/jobs/tuning", json={**body, "max_jobs": 4})
    assert (conflict.status_code, conflict.json()["differences"]) == (409, ["max_jobs is 3 there and 4 here"])

    job = finished(rest, "/jobs/tuning/dogs-tuning")
    assert job["status"] == "Completed", job
    assert job["training_job_counters"]["completed"] == 3
    assert job["objective"] == {"metric": "validation:loss", "type": "Minimize"}
    assert job["static_hyperparameters"] == {"note": "static"}
    assert job["ranges"]["batch-size"]["values"] == [32, 64, 128, 256]

    query = {"sort_by": "objective", "sort_order": "ascending", "limit": "2"}
    page = rest.get("/jobs/tuning/dogs-tuning/training-jobs", params=query).json()
    rest_of_it = rest.get(
        "/jobs/tuning/dogs-tuning/training-jobs", params={**query, "cursor": page["next_cursor"]}
    ).json()
    trials = page["items"] + rest_of_it["items"]
    assert rest_of_it["next_cursor"] is None
    losses = [trial["objective"]["value"] for trial in trials]
    assert len(losses) == 3
    assert losses == sorted(losses)
    for trial in trials:
        values = trial["hyperparameters"]
        assert isinstance(values["batch-size"], int)
        assert trial["objective"]["value"] == pytest.approx(values["lr"] + 1 / (2 * values["batch-size"]), abs=1e-5)
        assert trial["status"] == "Completed"
        assert trial["duration_seconds"] > 0
    best = job["best_training_job"]
    assert best["name"] == trials[0]["name"]
    assert rest.get(best["training_job_url"]).json()["tuning_job"] == "dogs-tuning"

    final = {"name": "dogs-final", "channels": CHANNELS, "from_tuning_job": "dogs-tuning", "debugger": None}
    rest.post("/jobs/training", json={**final, "hyperparameters": {"batch-size": 16}}).raise_for_status()
    trained = finished(rest, "/jobs/training/dogs-final")
    assert trained["hyperparameters"] == {"batch-size": 16, "lr": best["hyperparameters"]["lr"]}
    assert trained["from_tuning_job"] == "dogs-tuning"


def test_unknown_jobs_and_refused_requests_are_problems(rest: httpx.Client) -> None:
    for path in ("training/nobody", "training/nobody/logs", "training/nobody/metrics", "tuning/nobody"):
        answer = rest.get(f"/jobs/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert "nobody" in answer.json()["detail"]
    assert rest.get("/jobs/tuning/nobody/training-jobs").status_code == 404
    assert rest.post("/jobs/tuning/nobody/stop").status_code == 404
    missing = rest.post("/jobs/training", json={"channels": CHANNELS, "from_tuning_job": "nobody"})
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:sagehound:problem:tuning-job-not-found")
    unknown = rest.post(
        "/jobs/training", json={"channels": CHANNELS, "instance_type": "ml.nonsense.large", "debugger": None}
    )
    assert unknown.status_code == 400, unknown.text
    assert "ml.nonsense.large" in unknown.json()["detail"]
