"""What a job gets to read, through a real server: channels, source, checkpoints, metrics over a hostile log."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.toy_jobs import BUCKET, Toy, until
from tests.local_server import running_server

LIST = """
import json, os
found = {}
for name in json.loads(os.environ["SM_CHANNELS"]):
    folder = os.environ["SM_CHANNEL_" + name.upper()]
    for at, _, names in os.walk(folder):
        for file in names:
            path = os.path.join(at, file)
            found[name + "/" + os.path.relpath(path, folder)] = open(path).read()
modes = {name: channel["TrainingInputMode"] for name, channel in json.loads(os.environ["SM_INPUT_DATA_CONFIG"]).items()}
print("FOUND " + json.dumps([found, modes]))
"""
GOES_ON = """
import os, signal, sys, time
folder = "/opt/ml/checkpoints" if os.path.isdir("/opt/ml/checkpoints") else os.environ["CHECKPOINTS"]
path = os.path.join(folder, "epoch")
epoch = int(open(path).read()) if os.path.exists(path) else 0
print("begins behind epoch=%d" % epoch)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
while epoch < 5:
    epoch += 1
    with open(path + ".new", "w") as file:
        file.write(str(epoch))
    os.replace(path + ".new", path)
    print("epoch=%d" % epoch)
    while epoch == 3 and os.environ["ONCE"] == "yes":
        time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=10) as server:
        yield Toy(server)


def channel(name: str, data_type: str, uri: str, **members: object) -> dict[str, object]:
    source = {"S3DataType": data_type, "S3Uri": uri, **{k: v for k, v in members.items() if k != "InputMode"}}
    mode = {"InputMode": members["InputMode"]} if "InputMode" in members else {}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **mode}


def test_channels_of_every_kind(toy: Toy) -> None:
    images = [toy.put(f"images/{name}", name) for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg")]
    manifest = toy.put("some.manifest", json.dumps([{"prefix": f"s3://{BUCKET}/images/"}, "a/1.jpg", "b/3.jpg"]))
    line = json.dumps({"source-ref": images[1], "label": 1})
    labels = toy.put("labels.jsonl", line + "\n")
    model = toy.put("pretrained/model.tar.gz", "weights")
    toy.train(
        "channels",
        LIST,
        InputDataConfig=[
            channel("train", "S3Prefix", f"s3://{BUCKET}/images", S3DataDistributionType="ShardedByS3Key"),
            channel("fast", "S3Prefix", f"s3://{BUCKET}/images/b/", InputMode="FastFile"),
            channel("chosen", "ManifestFile", manifest),
            channel("labelled", "AugmentedManifestFile", labels, AttributeNames=["source-ref", "label"]),
            channel("model", "S3Prefix", model),
        ],
    )
    assert toy.ended("channels")["TrainingJobStatus"] == "Completed"
    [written] = [line for line in toy.log("channels") if line.startswith("FOUND ")]
    found, modes = json.loads(written.removeprefix("FOUND "))
    assert found == {
        "train/a/1.jpg": "a/1.jpg",
        "train/a/2.jpg": "a/2.jpg",
        "train/b/3.jpg": "b/3.jpg",
        "fast/3.jpg": "b/3.jpg",
        "chosen/a/1.jpg": "a/1.jpg",
        "chosen/b/3.jpg": "b/3.jpg",
        f"labelled/{BUCKET}/images/a/2.jpg": "a/2.jpg",
        "labelled/labels.jsonl": line + "\n",
        "model/model.tar.gz": "weights",
    }
    assert modes == {"train": "File", "fast": "FastFile", "chosen": "File", "labelled": "File", "model": "File"}


def test_a_bad_manifest_fails_the_job_and_says_where(toy: Toy) -> None:
    bad = toy.put("bad.manifest", json.dumps([{"prefix": f"s3://{BUCKET}/images/"}, "none.jpg"]))
    toy.train("bad-manifest", LIST, InputDataConfig=[channel("train", "ManifestFile", bad)])
    assert toy.ended("bad-manifest")["FailureReason"] == (
        f"ClientError: Data download failed for channel train: s3://{BUCKET}/images/none.jpg does not exist"
    )


def test_a_second_job_goes_on_where_the_first_was_stopped(toy: Toy) -> None:
    checkpoints = {"S3Uri": f"s3://{BUCKET}/checkpoints/run", "LocalPath": "/opt/ml/checkpoints"}
    environment = {"CHECKPOINTS": "/opt/ml/checkpoints"}
    epoch = [{"Name": "epoch", "Regex": r"^epoch=(\d+)"}]
    more: dict[str, Any] = {"CheckpointConfig": checkpoints, "metric_definitions": epoch}
    toy.train("first", GOES_ON, Environment={**environment, "ONCE": "yes"}, **more)
    until(lambda: toy.log("first"), lambda lines: "epoch=3" in lines)
    toy.sagemaker.stop_training_job(TrainingJobName="first")
    assert toy.ended("first")["TrainingJobStatus"] == "Stopped"
    toy.train("second", GOES_ON, Environment={**environment, "ONCE": "no"}, **more)
    assert toy.ended("second")["TrainingJobStatus"] == "Completed"
    assert [line for line in toy.log("second") if "epoch=" in line] == ["begins behind epoch=3", "epoch=4", "epoch=5"]
    assert toy.s3.get_object(Bucket=BUCKET, Key="checkpoints/run/epoch")["Body"].read() == b"5"


def test_an_expression_without_end_holds_nobody_up(toy: Toy) -> None:
    definitions = [
        {"Name": "slow", "Regex": r"loss=.*?(\d+).*?(\d+).*?(\d+).*?(\d+).*?(\d+)z"},
        {"Name": "loss", "Regex": r"loss=([0-9.]+)"},
    ]
    toy.train("hostile", "print('loss=0.5 ' + '1 ' * 20000)\n", metric_definitions=definitions)
    job = toy.ended("hostile")
    assert job["TrainingJobStatus"] == "Completed"
    assert [(metric["MetricName"], metric["Value"]) for metric in job["FinalMetricDataList"]] == [("loss", 0.5)]
    assert any(line.startswith("local_sagemaker: metric slow is left out") for line in toy.log("hostile"))
