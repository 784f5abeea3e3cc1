"""What a training job's input and log cost: a channel of 10,000 small objects, and a log of a million lines.

`python -m benchmarks.training_input`. Both jobs run on a server of their own; times are those that DescribeTrainingJob
shows, memory is the server's at its highest.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bars import Bar, end
from tests.integration.toy_jobs import BUCKET, Toy
from tests.local_server import LocalServer, running_server

OBJECTS = 10_000
OBJECT_BYTES = 10_000
FOLDERS = 133  # as many as there are breeds
LINES = 1_000_000

COUNT = "import os\nprint(sum(len(names) for _, _, names in os.walk(os.environ['SM_CHANNEL_TRAIN'])))\n"
CHATTY = f"""
import time
started = time.time()
for number in range({LINES}):
    if number % 1000:
        print("step", number, "of {LINES}: some words about nothing, the loss is going down, 12 images/s")
    else:
        print(f"epoch={{number // 1000}} train:loss={{1 / (number + 1)}} validation:loss={{2 / (number + 1)}}")
print("own=%.3f" % (time.time() - started))
"""


def main() -> int:
    """Run both jobs and hold them against the bars."""
    with tempfile.TemporaryDirectory() as name, running_server(Path(name)) as server:
        toy = Toy(server)
        download = _download_seconds(toy, server)
        before = _peak_megabytes(server)
        after_script, grown = _log_seconds(toy), _peak_megabytes(server) - before
    return end(
        [
            Bar(f"{OBJECTS} objects, Downloading", OBJECTS / download, 1000, "objects/s"),
            Bar(f"{LINES} lines, Completed after the script's last", after_script, 5, "s", "at most"),
            Bar(f"{LINES} lines, the server's memory grew by", grown, 100, "MB", "at most"),
        ]
    )


def _download_seconds(toy: Toy, server: LocalServer) -> float:
    body = os.urandom(OBJECT_BYTES)
    for number in range(OBJECTS):
        path = server.state_dir / f"buckets/{BUCKET}/data/{number % FOLDERS:03d}/{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data"}
    toy.train("many", COUNT, InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}])
    transitions = _completed(toy, "many")
    _must(toy.log("many") == [str(OBJECTS)], toy.log("many"))
    return _end_of(transitions, "Downloading") - _start_of(transitions, "Downloading")


def _log_seconds(toy: Toy) -> float:
    """From the script's end to Completed."""
    definitions = [
        {"Name": name, "Regex": rf"(?:^|\s){name}=([0-9.eE+-]+|nan|inf)"}
        for name in ("epoch", "train:loss", "validation:loss", "own")
    ]
    toy.train("chatty", CHATTY, metric_definitions=definitions)
    transitions = _completed(toy, "chatty")
    metrics = {metric["MetricName"]: metric["Value"] for metric in toy.describe("chatty")["FinalMetricDataList"]}
    _must(metrics["epoch"] == LINES // 1000 - 1, metrics)
    return _end_of(transitions, "Uploading") - _start_of(transitions, "Training") - float(metrics["own"])


def _completed(toy: Toy, name: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 300
    while (job := toy.describe(name))["TrainingJobStatus"] == "InProgress":
        _must(time.monotonic() < deadline, job)
        time.sleep(0.2)
    _must(job["TrainingJobStatus"] == "Completed", job)
    return list(job["SecondaryStatusTransitions"])


def _start_of(transitions: list[dict[str, Any]], status: str) -> float:
    return next(float(found["StartTime"].timestamp()) for found in transitions if found["Status"] == status)


def _end_of(transitions: list[dict[str, Any]], status: str) -> float:
    return next(float(found["EndTime"].timestamp()) for found in transitions if found["Status"] == status)


def _peak_megabytes(server: LocalServer) -> float:
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
    return int(kilobytes) / 1000


def _must(holds: bool, seen: object) -> None:
    if not holds:
        raise RuntimeError(f"the benchmark went wrong: {seen}")


if __name__ == "__main__":
    sys.exit(main())
