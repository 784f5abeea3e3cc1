"""Diagnoses through the REST front, on a real local_sagemaker: tensors that a script really wrote, in a real S3."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from diagnostics.tensors.saved_step import Mode
from service.settings import Settings
from tests.http_client import http_client
from tests.integration.test_service_jobs import finished, serving
from tests.local_server import LocalServer, boto_client, running_server
from tests.unit.diagnostics.tensor_files import TensorFiles

BUCKET = "dogs"
LOSS = "CrossEntropyLoss_output_0"
CHANNELS = {name: f"s3://{BUCKET}/{name}" for name in ("train", "validation", "tensors")}

# What smdebug's hook would have written, copied; and what this project's training does in script mode.
SCRIPT = """
import json, os, pathlib, shutil

folder = pathlib.Path("/opt/ml/output/tensors")
if "SAGEHOUND_DIAGNOSTICS" in os.environ:
    text = os.environ["SAGEHOUND_DIAGNOSTICS"]
    for number in range(2, 100):
        text += os.environ.get(f"SAGEHOUND_DIAGNOSTICS_{number}", "")
    folder = pathlib.Path("/opt/ml/checkpoints", json.loads(text)["folder"], "debug-output")
print("epoch=1 train:loss=1.5", flush=True)
shutil.copytree(os.environ["SM_CHANNEL_TENSORS"], folder, dirs_exist_ok=True)
print("epoch=2 train:loss=0.5")
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("weights")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """local_sagemaker, and in a bucket of it the tensors of a training that overfits."""
    files = TensorFiles(tmp_path_factory.mktemp("tensors"))
    files.collections()
    for step in range(28):
        epoch, judges = step // 7, step % 7 > 4
        loss = (3.0 if judges else 1.0) / (1 + epoch)
        files.save(step, {LOSS: [loss]}, Mode.EVAL if judges else Mode.TRAIN)
    files.end()
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=5) as server:
        s3 = boto_client(server, "s3")
        s3.create_bucket(Bucket=BUCKET)
        for key in ("train/a.txt", "validation/b.txt"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"a dog")
        for path in sorted(path for path in files.root.rglob("*") if path.is_file()):
            s3.put_object(Bucket=BUCKET, Key=f"tensors/{path.relative_to(files.root)}", Body=path.read_bytes())
        yield server


@pytest.fixture(scope="module")
def rest(aws: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service in front of it."""
    source = tmp_path_factory.mktemp("training")
    (source / "train_model.py").write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", aws.base_url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        settings = Settings(training_source_dir=source, training_image="images/training:1")
        with serving(settings) as url, http_client(url) as client:
            yield client


def told(rest: httpx.Client, path: str) -> Any:
    """The answer's JSON."""
    return rest.get(path).raise_for_status().json()


@pytest.mark.diagnosis
@pytest.mark.parametrize("collected_by", ["sagemaker", "script"])
def test_rules_are_judged_wherever_the_tensors_were_collected(rest: httpx.Client, collected_by: str) -> None:
    path = f"/jobs/training/dogs-{collected_by}"
    body = {
        "name": f"dogs-{collected_by}",
        "channels": CHANNELS,
        "collected_by": collected_by,
        "debugger": {"rules": [{"name": "Overfit", "parameters": {"patience": 1}}]},
        "profiler": None,
    }
    rest.post("/jobs/training", json=body).raise_for_status()
    # Follow it from the start to the end, as curl -N would.
    with rest.stream("GET", f"{path}/events") as stream:
        events = [line.partition(": ")[2] for line in stream.iter_lines() if line.startswith(("event: ", "data: "))]
    kinds, data = events[::2], [json.loads(text) for text in events[1::2]]
    assert kinds[-1] == "end"
    assert data[-1]["status"] == "Completed"
    assert [one["value"] for kind, one in zip(kinds, data, strict=True) if kind == "metric"] == [1.5, 0.5]
    assert "rule" in kinds
    assert [one["status"] for kind, one in zip(kinds, data, strict=True) if kind == "status"][-1] == "Completed"

    job = finished(rest, path)
    assert job["collected_by"] == collected_by
    report = told(rest, job["debugger_url"] + "?curves=true")
    assert report["evaluation"]["state"] == "Completed"
    assert report["evaluation"]["steps_saved"] == 28
    (rule,) = report["rules"]
    assert (rule["status"], rule["finding"]["tensor"], rule["finding"]["mode"]) == ("IssuesFound", LOSS, "EVAL")
    assert {curve["mode"] for curve in report["curves"]} == {"TRAIN", "EVAL"}
    (tensor,) = told(rest, f"{path}/debugger/tensors")["items"]
    assert tensor["steps"] == {"TRAIN": 20, "EVAL": 8}
    series = told(rest, tensor["url"])["series"]
    assert series[0]["values"][0] == 1.0
    page = rest.get(job["report_url"])
    assert page.status_code == 200
    assert "Overfit" in page.text
    plot = rest.get(f"{path}/plots/losses.png")
    assert plot.content.startswith(b"\x89PNG")


def test_a_job_without_debugger_says_what_to_send(rest: httpx.Client) -> None:
    body = {"name": "dogs-plain", "channels": CHANNELS, "debugger": None, "profiler": None}
    rest.post("/jobs/training", json=body).raise_for_status()
    finished(rest, "/jobs/training/dogs-plain")
    for path, kind in (("debugger", "tensors-not-saved"), ("profiler", "profile-not-taken")):
        answer = rest.get(f"/jobs/training/dogs-plain/{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, f"urn:sagehound:problem:{kind}")
    assert rest.get("/jobs/training/nobody/debugger").status_code == 404
    assert rest.get("/jobs/training/nobody/events").status_code == 404
