"""Training jobs over the wire: a real server, real processes, real S3 on loopback."""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.integration.toy_jobs import BUCKET, Toy, until
from tests.local_server import LocalServer, running_server

GROUP = "/aws/sagemaker/TrainingJobs"

SAYS_ALL = """
import json, os, pathlib, sys
print("argv", json.dumps(sys.argv[1:]))
print("env", json.dumps(dict(os.environ)))
print("cwd", os.getcwd())
train = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
print("files", json.dumps(sorted(str(p.relative_to(train)) for p in train.rglob("*") if p.is_file())))
config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"])
print("config", json.dumps({p.name: json.loads(p.read_text()) for p in config.iterdir()}))
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("w")
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt").write_text("r")
print("loss=0.5")
print("loss=0.25")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=1.0, max_running_jobs=2) as server:
        yield server


@pytest.fixture(scope="module")
def toy(server: LocalServer) -> Toy:
    return Toy(server)


def said(toy: Toy, name: str) -> dict[str, object]:
    """What SAYS_ALL printed, by its first word."""
    found = {}
    for line in toy.log(name):
        word, _, rest = line.partition(" ")
        if word in {"argv", "env", "files", "config"}:
            found[word] = json.loads(rest)
    return found


def test_a_job_runs_by_the_container_contract(toy: Toy) -> None:
    toy.put("data/train/a/1.txt", "1")
    toy.put("data/train/b/2.txt", "2")
    channel = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/train"}}}
    toy.train(
        "contract",
        SAYS_ALL,
        {"batch-size": 32, "lr": "0.0004", "v": True},
        InputDataConfig=[{"ChannelName": "train", **channel}],
        Environment={"GREETING": "hello"},
        Tags=[{"Key": "team", "Value": "dogs"}],
    )
    job = toy.ended("contract")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed"), job.get("FailureReason")

    transitions = [(t["Status"], t["StatusMessage"]) for t in job["SecondaryStatusTransitions"]]
    assert transitions == [
        ("Starting", "Preparing the instances for training"),
        ("Downloading", "Downloading the training image"),
        ("Training", "Training image download completed. Training in progress."),
        ("Uploading", "Uploading generated training model"),
        ("Completed", "Training job completed"),
    ]
    assert all("EndTime" in t for t in job["SecondaryStatusTransitions"])
    assert job["OutputDataConfig"] == {"KmsKeyId": "", "S3OutputPath": f"s3://{BUCKET}/out/", "CompressionType": "GZIP"}
    assert job["InputDataConfig"][0]["RecordWrapperType"] == "None"
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert job["TrainingTimeInSeconds"] >= 1
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/contract/output/model.tar.gz"
    assert toy.tar_members("out/contract/output/model.tar.gz") == {"weights": b"w"}
    assert toy.tar_members("out/contract/output/output.tar.gz") == {"report.txt": b"r"}

    seen = said(toy, "contract")
    assert seen["argv"] == ["--batch-size", "32", "--lr", "0.0004", "-v", "True"]
    assert seen["files"] == ["a/1.txt", "b/2.txt"]
    env = seen["env"]
    assert isinstance(env, dict)
    assert env["SM_HP_BATCH-SIZE"] == "32"
    assert env["SM_HPS"] == '{"batch-size":32,"lr":"0.0004","v":true}'
    assert env["SM_CHANNELS"] == '["train"]'
    assert env["SM_USER_ENTRY_POINT"] == "train.py"
    assert env["SM_MODULE_NAME"] == "train"
    assert env["SM_CURRENT_HOST"] == "algo-1"
    assert env["TRAINING_JOB_NAME"] == "contract"
    assert env["GREETING"] == "hello"
    assert env["AWS_REGION"] == "us-east-1"
    assert [name for name in env if name.startswith("LOCAL_SAGEMAKER_")] == ["LOCAL_SAGEMAKER_JOB_CACHE"]
    config = seen["config"]
    assert isinstance(config, dict)
    assert config["hyperparameters.json"]["lr"] == '"0.0004"'
    assert config["inputdataconfig.json"]["train"]["TrainingInputMode"] == "File"
    assert config["resourceconfig.json"]["hosts"] == ["algo-1"]

    tags = toy.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "dogs"}]


def test_a_script_that_raises_fails_with_its_last_line(toy: Toy) -> None:
    toy.train("raising", "print('loss=1')\nraise RuntimeError('boom')\n", {"lr": 0.1})
    job = toy.ended("raising")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: boom"\n'
        'Command "python3 train.py --lr 0.1", exit code: 1'
    )
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job failed"
    assert job["FinalMetricDataList"][0]["Value"] == 1.0
    assert toy.keys("out/raising/output/model") == []


def test_output_failure_becomes_the_failure_reason(toy: Toy) -> None:
    script = "import os\nopen(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('no dogs' + 'x' * 2000)\nexit(3)\n"
    toy.train("explained", script)
    reason = toy.ended("explained")["FailureReason"]
    assert reason.startswith("AlgorithmError: no dogsxxx")
    assert reason.endswith(", exit code: 1")  # the toolkit's, not the script's
    assert len(reason) <= 1024


def test_missing_input_is_the_clients_error_and_names_it(toy: Toy) -> None:
    channel = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nothing/here"}}}
    toy.train("no-data", "print(1)", InputDataConfig=[{"ChannelName": "train", **channel}])
    job = toy.ended("no-data")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed")
    assert f"s3://{BUCKET}/nothing/here" in job["FailureReason"]


def test_a_missing_script_is_named(toy: Toy) -> None:
    request = toy.request("no-script", "print(1)")
    request["HyperParameters"]["sagemaker_program"] = '"other.py"'
    toy.sagemaker.create_training_job(**request)
    assert "'other.py' is not in" in toy.ended("no-script")["FailureReason"]


def test_names_in_latin_1_are_told_as_well_as_they_can_be(toy: Toy) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", encoding="latin-1", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("grün.py"))
    request = toy.request("latin", "print(1)")
    request["HyperParameters"]["sagemaker_submit_directory"] = toy.put("latin.tar.gz", packed.getvalue())
    toy.sagemaker.create_training_job(**request)
    assert toy.ended("latin")["FailureReason"].endswith("which holds: gr?n.py")


def test_requirements_that_are_here_need_no_pip_and_others_fail_clearly(toy: Toy) -> None:
    toy.train(
        "required", "import boto3\nprint('ok')", requirements="boto3>=1\n# nothing else\nnumpy; python_version<'3'\n"
    )
    assert toy.ended("required")["TrainingJobStatus"] == "Completed"
    assert toy.log("required") == ["ok"]

    toy.train("unrequired", "print('ok')", requirements="--no-index\nno-such-distribution==1.0\n")
    job = toy.ended("unrequired")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: InstallRequirementsError:")
    assert "no-such-distribution" in job["FailureReason"]
    assert any("no-such-distribution" in line for line in toy.log("unrequired"))


def test_requirements_are_installed_beside_the_environment(toy: Toy, tmp_path: Path) -> None:
    package = tmp_path / "toypackage"
    package.mkdir()
    (package / "toypackage.py").write_text("ANSWER = 42\n")
    (package / "pyproject.toml").write_text(
        '[project]\nname = "toypackage"\nversion = "1"\n[tool.setuptools]\npy-modules = ["toypackage"]\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    # A build backend of a few lines: no network, and no setuptools needed.
    (package / "backend.py").write_text(
        "import zipfile\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    name = 'toypackage-1-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(folder + '/' + name, 'w') as wheel:\n"
        "        wheel.write('toypackage.py')\n"
        "        info = 'toypackage-1.dist-info/'\n"
        "        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: toypackage\\nVersion: 1\\n')\n"
        "        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        wheel.writestr(info + 'RECORD', '')\n"
        "    return name\n"
    )
    toy.train("installing", "import toypackage\nprint(toypackage.ANSWER)", requirements=f"--no-index\n{package}\n")
    job = toy.ended("installing")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert toy.log("installing")[-1] == "42"


def test_stop_ends_a_job_and_keeps_its_model(toy: Toy) -> None:
    script = """
import os, signal, sys, time
def stop(*_):
    print("stopping")
    open(os.environ["SM_MODEL_DIR"] + "/half", "w").write("h")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready")
time.sleep(60)
"""
    toy.train("stopped", script)
    until(lambda: toy.describe("stopped"), lambda job: job["SecondaryStatus"] == "Training")
    until(lambda: toy.log("stopped"), lambda lines: "ready" in lines)
    toy.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = toy.ended("stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]][-3:] == ["Stopping", "Uploading", "Stopped"]
    assert toy.tar_members("out/stopped/output/model.tar.gz") == {"half": b"h"}
    with pytest.raises(ClientError, match="training job is in status Stopped"):
        toy.sagemaker.stop_training_job(TrainingJobName="stopped")


def test_max_runtime_stops_even_a_script_that_ignores_sigterm(toy: Toy) -> None:
    script = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
    started = time.monotonic()
    toy.train("overlong", script, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = toy.ended("overlong")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert time.monotonic() - started < 20


def test_more_jobs_than_slots_wait_and_then_run(toy: Toy) -> None:
    names = [f"queued-{number}" for number in range(4)]
    for name in names:
        toy.train(name, "import time\ntime.sleep(0.5)\nprint('done')")
    assert [toy.ended(name)["TrainingJobStatus"] for name in names] == ["Completed"] * 4
    last = toy.describe(names[-1])
    assert "Pending" in [t["Status"] for t in last["SecondaryStatusTransitions"]]


def test_a_waiting_job_stops_at_once(toy: Toy) -> None:
    for name in ("busy-1", "busy-2", "waiting"):
        toy.train(name, "import time\ntime.sleep(60)")
    toy.phase("waiting", "Pending")
    toy.sagemaker.stop_training_job(TrainingJobName="waiting")
    job = toy.ended("waiting")
    assert job["TrainingJobStatus"] == "Stopped"
    assert "TrainingStartTime" not in job
    for name in ("busy-1", "busy-2"):
        toy.sagemaker.stop_training_job(TrainingJobName=name)
    assert {toy.ended(name)["TrainingJobStatus"] for name in ("busy-1", "busy-2")} == {"Stopped"}


def test_checkpoints_come_and_go(toy: Toy) -> None:
    script = """
import json, os, pathlib
config = json.load(open(os.environ["SM_INPUT_CONFIG_DIR"] + "/checkpointconfig.json"))
folder = pathlib.Path(config["LocalPath"])
print("found", sorted(p.name for p in folder.iterdir()))
(folder / f"epoch{len(list(folder.iterdir()))}").write_text("c")
"""
    checkpoints = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/one"}}
    for name, found in (("checkpoints-1", "found []"), ("checkpoints-2", "found ['epoch0']")):
        toy.train(name, script, **checkpoints)
        assert toy.ended(name)["TrainingJobStatus"] == "Completed"
        assert toy.log(name) == [found]
    assert toy.keys("checkpoints/one/") == ["checkpoints/one/epoch0", "checkpoints/one/epoch1"]


def test_debugger_gets_its_configuration_and_its_files_come_back(toy: Toy) -> None:
    script = """
import json, os, pathlib
config = json.load(open(os.environ["SMDEBUG_CONFIG_FILE_PATH"]))
folder = pathlib.Path(config["LocalPath"])
folder.mkdir(parents=True, exist_ok=True)
(folder / "tensors").write_text("t")
"""
    rule = {
        "RuleConfigurationName": "Overfit",
        "RuleEvaluatorImage": "image",
        "RuleParameters": {"rule_to_invoke": "Overfit"},
    }
    toy.train(
        "debugged",
        script,
        DebugHookConfig={"S3OutputPath": f"s3://{BUCKET}/debug/", "HookParameters": {"train.save_interval": "5"}},
        DebugRuleConfigurations=[rule],
        ProfilerConfig={"S3OutputPath": f"s3://{BUCKET}/debug/", "ProfilingIntervalInMilliseconds": 500},
    )
    job = toy.ended("debugged")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    [status] = job["DebugRuleEvaluationStatuses"]  # test_rules.py has what becomes of it
    assert status["RuleConfigurationName"] == "Overfit"
    assert job["ProfilingStatus"] == "Enabled"
    assert toy.keys("debug/debugged/debug-output/") == [
        "debug/debugged/debug-output/tensors",
        "debug/debugged/debug-output/training_job_end.ts",
    ]


def test_uncompressed_output(toy: Toy) -> None:
    script = "import os\nopen(os.environ['SM_MODEL_DIR'] + '/weights', 'w').write('w')"
    output = {"S3OutputPath": f"s3://{BUCKET}/loose", "CompressionType": "NONE"}
    toy.train("loose", script, OutputDataConfig=output)
    job = toy.ended("loose")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/loose/loose/output/model/"
    assert toy.keys("loose/loose/output/") == ["loose/loose/output/model/weights"]


def test_a_lost_output_bucket_fails_the_job_and_keeps_the_results(toy: Toy, server: LocalServer) -> None:
    script = "import os\nopen(os.environ['SM_MODEL_DIR'] + '/weights', 'w').write('w')"
    toy.train("homeless", script, OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/out"})
    job = toy.ended("homeless")
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed: s3://no-such-bucket/out")
    assert (server.state_dir / "training-jobs/homeless/ml/model/weights").read_text() == "w"


def test_a_script_that_failed_keeps_what_could_not_be_uploaded_too(toy: Toy, server: LocalServer) -> None:
    script = "import os\nopen(os.environ['SM_OUTPUT_DATA_DIR'] + '/report', 'w').write('r')\nraise ValueError('boom')"
    toy.train("homeless-failure", script, OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/out"})
    reason = toy.ended("homeless-failure")["FailureReason"]
    assert reason.startswith("AlgorithmError: ExecuteUserScriptError:")
    assert "ValueError: boom" in reason
    assert "ClientError: Artifact upload failed: s3://no-such-bucket/out" in reason
    assert (server.state_dir / "training-jobs/homeless-failure/ml/output/data/report").read_text() == "r"
    toy.sagemaker.delete_training_job(TrainingJobName="homeless-failure")
    assert not list((server.state_dir / "training-jobs").glob("*homeless-failure*"))


def test_a_job_that_went_well_leaves_only_its_log_behind(toy: Toy, server: LocalServer) -> None:
    toy.train("tidy", "print('done')")
    toy.ended("tidy")
    folder = server.state_dir / "training-jobs/tidy"
    until((folder / "ml").exists, lambda there: not there)
    assert (folder / "log").read_text().endswith("\tdone\n")


def test_boto3s_waiter_sees_the_end(toy: Toy) -> None:
    toy.train("waited", "print('loss=nan')")
    toy.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert "FinalMetricDataList" not in toy.describe("waited")  # nan is no number for a client


def test_names_are_taken_once_and_unknown_ones_are_not_found(toy: Toy) -> None:
    toy.train("once", "print(1)")
    with pytest.raises(ClientError, match="already exists") as taken:
        toy.train("ONCE", "print(1)")
    assert taken.value.response["Error"]["Code"] == "ResourceInUse"
    for operation in (toy.sagemaker.describe_training_job, toy.sagemaker.stop_training_job):
        with pytest.raises(ClientError, match="Requested resource not found") as unknown:
            operation(TrainingJobName="never")
        assert unknown.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="does not exist"):
        toy.sagemaker.list_tags(ResourceArn="arn:aws:sagemaker:us-east-1:123456789012:training-job/never")
    toy.ended("once")


def test_what_is_not_supported_is_refused_with_advice(toy: Toy) -> None:
    request = toy.request("refused", "print(1)")
    for changes, message in (
        ({"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["s-1"]}}, "VpcConfig"),
        ({"ResourceConfig": {**request["ResourceConfig"], "InstanceCount": 17}}, "use at most 16"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"HyperParameters": {}}, "sagemaker_program"),
    ):
        with pytest.raises(ClientError, match=message) as refused:
            toy.sagemaker.create_training_job(**{**request, **changes})
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="not found"):
        toy.describe("refused")


def test_log_events_resume_at_their_token(toy: Toy) -> None:
    script = (
        "import sys, time\nfor n in range(3): print('line', n)\nsys.stdin.close()\ntime.sleep(0.5)\nprint('last')\n"
    )
    toy.train("logged", script)
    until(lambda: toy.phase("logged", "Training"), bool)
    streams = {"logGroupName": GROUP, "logStreamNamePrefix": "logged/", "limit": 1}
    until(lambda: toy.logs.describe_log_streams(**streams)["logStreams"], bool)
    toy.ended("logged")
    described = toy.logs.describe_log_streams(**streams)
    assert "nextToken" not in described
    stream = {"logGroupName": GROUP, "logStreamName": described["logStreams"][0]["logStreamName"]}
    first = toy.logs.get_log_events(**stream, startFromHead=True, limit=2)
    assert [event["message"] for event in first["events"]] == ["line 0", "line 1"]
    rest = toy.logs.get_log_events(**stream, nextToken=first["nextForwardToken"])
    assert [event["message"] for event in rest["events"]] == ["line 2", "last"]
    nothing = toy.logs.get_log_events(**stream, nextToken=rest["nextForwardToken"])
    assert nothing["events"] == []
    assert nothing["nextForwardToken"] == rest["nextForwardToken"]
    tail = toy.logs.get_log_events(**stream, limit=1)
    assert [event["message"] for event in tail["events"]] == ["last"]
    before = toy.logs.get_log_events(**stream, nextToken=tail["nextBackwardToken"], limit=2)
    assert [event["message"] for event in before["events"]] == ["line 1", "line 2"]
    with pytest.raises(ClientError, match="log group does not exist"):
        toy.logs.describe_log_streams(logGroupName="/aws/other")


def test_lists_page_through_everything_once(toy: Toy) -> None:
    toy.train("listed-1", "print(1)")
    toy.train("listed-2", "print(1)")
    toy.train("listed-3", "print(1)")
    pages = toy.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="listed", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    assert names == ["listed-1", "listed-2", "listed-3"]
    for name in names:
        toy.ended(name)
