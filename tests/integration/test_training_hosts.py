"""How a job runs on this machine: its own /opt/ml, entry points of containers, several hosts, restarts, waiting."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime import mount_namespace
from tests.integration.toy_jobs import BUCKET, Toy, until
from tests.local_server import LocalServer, running_server

GROUP = "/aws/sagemaker/TrainingJobs"
PRIVATE = mount_namespace.available()
mounted_only = pytest.mark.skipif(bool(PRIVATE), reason=f"mount namespaces are forbidden here: {PRIVATE}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=2.0, max_running_jobs=2) as server:
        yield server


@pytest.fixture(scope="module")
def toy(server: LocalServer) -> Toy:
    return Toy(server)


def several_hosts(toy: Toy, name: str, script: str, count: int = 2, **more: Any) -> dict[str, Any]:
    """CreateTrainingJob's members for a job of several hosts."""
    request = toy.request(name, script, **more)
    request["ResourceConfig"]["InstanceCount"] = count
    return request


def host_logs(toy: Toy, name: str) -> dict[str, list[str]]:
    """The lines of each host's log stream, by the stream's name without its time."""
    streams = toy.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    logs = {}
    for stream in streams:
        found = toy.logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
        host = stream["logStreamName"].rpartition("/")[2].rpartition("-")[0]
        logs[host] = [event["message"] for event in found["events"]]
    return logs


def said(lines: list[str]) -> dict[str, Any]:
    """The last line as JSON."""
    found: dict[str, Any] = json.loads(lines[-1])
    return found


VIEW = """
import json, os, socket, sys
open("/opt/ml/model/weights", "w").write("w")
print(json.dumps({
    "model": os.environ["SM_MODEL_DIR"], "cwd": os.getcwd(), "hostname": socket.gethostname(),
    "address": socket.gethostbyname("algo-1"), "data": sys.argv[-1], "files": os.listdir("/opt/ml/input/data/train"),
}))
"""


@mounted_only
def test_a_script_finds_its_folder_at_opt_ml(toy: Toy) -> None:
    before = sorted(os.listdir("/opt"))
    source = {"S3DataType": "S3Prefix", "S3Uri": toy.put("view-data/a.txt", "a").removesuffix("a.txt")}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    toy.train("view", VIEW, {"data": "/opt/ml/input/data/train"}, InputDataConfig=[channel])
    job = toy.ended("view")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert said(toy.log("view")) == {
        "model": "/opt/ml/model",
        "cwd": "/opt/ml/code",
        "hostname": "algo-1",
        "address": "127.0.2.1",
        "data": "/opt/ml/input/data/train",
        "files": ["a.txt"],
    }
    assert toy.tar_members("out/view/output/model.tar.gz") == {"weights": b"w"}
    assert sorted(os.listdir("/opt")) == before


def entrypoint(toy: Toy, name: str, *argv: str, **more: Any) -> dict[str, Any]:
    """CreateTrainingJob's members as the SDK's version 3 sends them: no script, an entry point instead."""
    script = toy.put(f"{name}/drivers/run.sh", more.pop("script", "echo unused")).removesuffix("run.sh")
    source = {"S3DataType": "S3Prefix", "S3Uri": script}
    request = toy.request(name, "", **more)
    request["AlgorithmSpecification"] |= {"ContainerEntrypoint": [argv[0]]}
    if argv[1:]:
        request["AlgorithmSpecification"]["ContainerArguments"] = list(argv[1:])
    request["HyperParameters"] = {"lr": "0.1"}
    request["InputDataConfig"] = [{"ChannelName": "sm_drivers", "DataSource": {"S3DataSource": source}}]
    return request


DRIVER = """
set -e
cat /opt/ml/input/config/hyperparameters.json; echo
for program in python3 pip3 torchrun; do basename "$(command -v $program)"; done
echo $TRAINING_JOB_NAME > /opt/ml/model/name
python3 -c 'import boto3; print("boto3 is here")'
if [ "$FAIL" ]; then echo "I was told to" > /opt/ml/output/failure; exit 3; fi
"""
RUN = "chmod +x /opt/ml/input/data/sm_drivers/run.sh && sh /opt/ml/input/data/sm_drivers/run.sh"


def test_a_container_entrypoint_runs_as_given(toy: Toy) -> None:
    toy.sagemaker.create_training_job(**entrypoint(toy, "entry", "/bin/bash", "-c", RUN, script=DRIVER))
    failing = entrypoint(toy, "entry-fails", "/bin/bash", "-c", RUN, script=DRIVER, Environment={"FAIL": "yes"})
    toy.sagemaker.create_training_job(**failing)
    job = toy.ended("entry")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = toy.log("entry")
    assert log[-1] == "boto3 is here"
    assert json.loads(log[0]) == {"lr": "0.1"}
    assert log[-4:-1] == ["python3", "pip3", "torchrun"]
    assert toy.tar_members("out/entry/output/model.tar.gz") == {"name": b"entry\n"}
    assert job["AlgorithmSpecification"]["ContainerEntrypoint"] == ["/bin/bash"]
    job = toy.ended("entry-fails")
    assert job["FailureReason"].startswith("AlgorithmError: I was told to")
    assert "exit code: 3" in job["FailureReason"]


def test_a_program_that_is_not_here_is_named(toy: Toy) -> None:
    toy.sagemaker.create_training_job(**entrypoint(toy, "no-program", "/usr/local/bin/train"))
    job = toy.ended("no-program")
    assert job["TrainingJobStatus"] == "Failed"
    assert "ContainerEntrypoint '/usr/local/bin/train' is not a program on this machine" in job["FailureReason"]


def test_without_a_view_paths_are_moved(tmp_path: Path) -> None:
    with running_server(tmp_path / "state", opt_ml="moved") as server:
        toy = Toy(server)
        toy.sagemaker.create_training_job(**entrypoint(toy, "moved", "/bin/bash", "-c", RUN, script=DRIVER))
        toy.train("moved-script", "import os\nprint(os.environ['SM_MODEL_DIR'])")
        toy.sagemaker.create_training_job(**several_hosts(toy, "moved-hosts", "pass"))
        job = toy.ended("moved")
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert toy.tar_members("out/moved/output/model.tar.gz") == {"name": b"moved\n"}
        toy.ended("moved-script")
        assert toy.log("moved-script") == [str(tmp_path / "state/training-jobs/moved-script/ml/model")]
        assert "Add to its /etc/hosts: 127.0.2.1 algo-1" in toy.ended("moved-hosts")["FailureReason"]


MEETING = """
import json, os, pathlib, socket
config = json.loads(pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"], "resourceconfig.json").read_text())
me, others = os.environ["SM_CURRENT_HOST"], json.loads(os.environ["SM_HOSTS"])
if me == "algo-1":
    with socket.create_server(("algo-1", 7777)) as server:
        connection, _ = server.accept()
        greeting = connection.recv(100).decode()
else:
    with socket.create_server((me, 7777)):  # one port on two machines
        while True:
            try:
                connection = socket.create_connection(("algo-1", 7777))
                break
            except ConnectionRefusedError:
                pass
    greeting = me
    connection.sendall(me.encode())
connection.close()
pathlib.Path(os.environ["SM_MODEL_DIR"], me).write_text("mine")
pathlib.Path(os.environ["SM_MODEL_DIR"], "shared").write_text(me)
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], me).write_text("mine")
print("loss=0.5" if me == "algo-2" else "other=1")
print(json.dumps({"config": config, "hosts": others, "greeting": greeting, "threads": os.environ["OMP_NUM_THREADS"]}))
"""


@mounted_only
def test_hosts_find_each_other_and_their_results_become_one(toy: Toy) -> None:
    toy.sagemaker.create_training_job(**several_hosts(toy, "meeting", MEETING))
    toy.sagemaker.create_training_job(**several_hosts(toy, "meeting-again", MEETING))
    job = toy.ended("meeting")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    logs = host_logs(toy, "meeting")
    assert sorted(logs) == ["algo-1", "algo-2"]
    for host, lines in logs.items():
        seen = said(lines)
        assert seen["hosts"] == ["algo-1", "algo-2"]
        assert seen["greeting"] == "algo-2"
        assert seen["threads"] == "1"
        assert (seen["config"]["current_host"], seen["config"]["network_interface_name"]) == (host, "lo")
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("loss", 0.5)]
    assert toy.tar_members("out/meeting/output/model.tar.gz") == {
        "algo-1": b"mine",
        "algo-2": b"mine",
        "shared": b"algo-1",
    }
    assert sorted(toy.tar_members("out/meeting/output/output.tar.gz")) == ["algo-1", "algo-2"]
    # Launchers have one port for all, so that the second job waits for the first.
    again = toy.ended("meeting-again")
    assert again["TrainingJobStatus"] == "Completed", again.get("FailureReason")
    waited = [t["StatusMessage"] for t in again["SecondaryStatusTransitions"] if t["Status"] == "Pending"]
    assert waited == [
        "Training job waiting for the end of another one with several hosts, whose launcher has the same port"
    ]
    assert again["TrainingStartTime"] >= job["TrainingEndTime"]


@mounted_only
def test_a_host_that_fails_stops_the_others_and_is_named(toy: Toy) -> None:
    script = (
        "import os, time\nprint('on', flush=True)\n"
        "if os.environ['SM_CURRENT_HOST'] == 'algo-2': raise RuntimeError('disk on fire')\ntime.sleep(60)"
    )
    toy.sagemaker.create_training_job(**several_hosts(toy, "one-fails", script, 3))
    job = toy.ended("one-fails")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: algo-2: ")
    assert "RuntimeError: disk on fire" in job["FailureReason"]
    assert (job["TrainingEndTime"] - job["TrainingStartTime"]).total_seconds() < 40


@mounted_only
def test_all_hosts_survive_kill_9_of_the_server(tmp_path: Path) -> None:
    witness, go = tmp_path / "witness", tmp_path / "go"
    script = (
        "import os, time\nhost = os.environ['SM_CURRENT_HOST']\n"
        f"open({str(witness)!r}, 'a').write(host + ' ')\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
        "print('loss=0.25')\n"
    )
    witness.touch()
    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        toy = Toy(server)
        toy.sagemaker.create_training_job(**several_hosts(toy, "killed", script, 3))
        until(lambda: witness.read_text().split(), lambda ran: len(ran) == 3)
        server.kill()
        server.start()
        go.touch()
        job = toy.ended("killed")
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert sorted(witness.read_text().split()) == ["algo-1", "algo-2", "algo-3"]
        assert all(lines == ["loss=0.25"] for lines in host_logs(toy, "killed").values())
    finally:
        server.stop()


RESUMING = """
import os, pathlib, time
state = pathlib.Path(os.environ["SM_MODEL_DIR"]).parent / "checkpoints/step"
step = int(state.read_text()) if state.exists() else 0
print("from step", step, flush=True)
state.write_text(str(step + 1))
if step == 0:
    time.sleep(60)
"""


def faults(server: LocalServer, rules: str) -> None:
    """Put faults in force."""
    request = urllib.request.Request(f"{server}/faults", data=rules.encode(), method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.parametrize("spot", [True, False])
def test_a_job_starts_again_from_its_checkpoints(server: LocalServer, toy: Toy, spot: bool) -> None:
    """Managed spot training is interrupted by the faults switch; a retry follows on a lost process."""
    name = "resumed-spot" if spot else "resumed"
    more: dict[str, Any] = {"RetryStrategy": {"MaximumRetryAttempts": 1}}
    if spot:
        condition = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 600}
        more = {"EnableManagedSpotTraining": True, "StoppingCondition": condition}
    toy.train(name, RESUMING, CheckpointConfig={"S3Uri": f"s3://{BUCKET}/{name}-steps"}, **more)
    until(lambda: toy.keys(f"{name}-steps/"), bool)
    if spot:
        faults(server, "kill=1")
        toy.phase(name, "Interrupted")
        faults(server, "")
    else:
        record = json.loads((server.state_dir / "training-jobs" / name / "process.json").read_text())
        for pid in (record["shim_pid"], record["pid"]):
            os.kill(pid, signal.SIGKILL)
    job = toy.ended(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = toy.log(name)
    assert lines[0] == "from step 0"
    assert int(lines[-1].removeprefix("from step ")) > 0
    statuses = [t["Status"] for t in job["SecondaryStatusTransitions"]]
    again = "Interrupted" if spot else "Restarting"
    start = statuses.index(again)
    assert statuses[start : start + 4] == [again, "Starting", "Downloading", "Training"]
    assert statuses[-2:] == ["Uploading", "Completed"]
    assert job["EnableManagedSpotTraining"] is spot
    assert 1 <= job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_a_spot_job_gives_up_waiting_for_a_slot(toy: Toy) -> None:
    for name in ("busy-1", "busy-2"):
        toy.train(name, "import time\ntime.sleep(60)")
    condition = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}
    toy.train("spot", "pass", EnableManagedSpotTraining=True, StoppingCondition=condition)
    job = toy.ended("spot")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert "TrainingStartTime" not in job
    for name in ("busy-1", "busy-2"):
        toy.sagemaker.stop_training_job(TrainingJobName=name)
        toy.ended(name)


def test_tensorboard_files_are_uploaded(toy: Toy) -> None:
    script = (
        "import os, pathlib\nfolder = pathlib.Path(os.environ['SM_OUTPUT_DIR'], 'tensorboard')\n"
        "folder.mkdir(exist_ok=True)\n(folder / 'events').write_text('e')\n"
    )
    toy.train("boards", script, TensorBoardOutputConfig={"S3OutputPath": f"s3://{BUCKET}/events"})
    job = toy.ended("boards")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert toy.keys("events/") == ["events/boards/tensorboard-output/events"]
