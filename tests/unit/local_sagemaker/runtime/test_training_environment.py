"""The container contract: arguments, variables, configuration files."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.training.command import command, missing_program
from local_sagemaker.runtime.training.configuration import configuration_files
from local_sagemaker.runtime.training.environment import environment
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import addresses, host_names
from local_sagemaker.runtime.training.spec import TrainingSpec

SHARE = ComputeShare(2, 0)
REQUEST: dict[str, Any] = {
    "AlgorithmSpecification": {"TrainingInputMode": "File"},
    "HyperParameters": {
        "batch-size": '"32"',
        "lr": "0.01",
        "data": "/opt/ml/input/data/train",
        "sagemaker_program": '"pkg/train.py"',
        "sagemaker_submit_directory": '"s3://b/sourcedir.tar.gz"',
        "sagemaker_container_log_level": "10",
        "sagemaker_estimator_class_name": '"PyTorch"',
    },
    "InputDataConfig": [{"ChannelName": "train", "ContentType": "image/jpeg"}],
    "ResourceConfig": {"InstanceType": "ml.m5.large"},
    "Environment": {"GREETING": "hello", "OMP_NUM_THREADS": "7"},
}


def spec(root: Path, *, mounted: bool = False, **more: Any) -> TrainingSpec:
    request = {**REQUEST, **more}
    return TrainingSpec(
        "job", "arn:job", "eu-west-1", request, TrainingFolder(root, mounted), hosts=host_names(request)
    )


def test_the_command(tmp_path: Path) -> None:
    data, python = str(tmp_path / "ml/input/data/train"), str(tmp_path / "venv/bin/python3")
    assert command(spec(tmp_path), SHARE) == [
        python, "pkg/train.py", "--batch-size", "32", "--data", data, "--lr", "0.01",
    ]  # fmt: skip
    assert command(spec(tmp_path, mounted=True), SHARE)[5] == "/opt/ml/input/data/train"
    shell = {**REQUEST["HyperParameters"], "sagemaker_program": "run.sh"}
    argv = command(spec(tmp_path, HyperParameters=shell), SHARE)
    assert argv == ["/bin/sh", "-c", f"./run.sh --batch-size 32 --data {data} --lr 0.01"]


ENTRYPOINT: dict[str, Any] = {
    "AlgorithmSpecification": {
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", "chmod +x /opt/ml/x && /opt/ml/x"],
    }
}


def test_an_entrypoint_runs_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted, moved = spec(tmp_path, mounted=True, **ENTRYPOINT), spec(tmp_path, **ENTRYPOINT)
    assert command(mounted, SHARE) == ["/bin/bash", "-c", "chmod +x /opt/ml/x && /opt/ml/x"]
    ml = tmp_path / "ml"
    assert command(moved, SHARE) == ["/bin/bash", "-c", f"chmod +x {ml}/x && {ml}/x"]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    variables = environment(mounted, SHARE, "http://127.0.0.1:4570", torchrun_port=4321)
    assert variables["TRAINING_JOB_NAME"] == "job"
    assert variables["PATH"].startswith(f"{tmp_path}/venv/bin:")
    assert variables["PET_MASTER_PORT"] == "4321"
    assert not [name for name in variables if name.startswith("SM_") and name != "SM_JOB_NAME"]


@pytest.mark.parametrize(
    ("program", "missing"), [("sh", ""), ("/bin/sh", ""), ("train", "train"), ("/opt/ml/x", "/opt/ml/x")]
)
def test_a_program_that_is_not_there(tmp_path: Path, program: str, missing: str) -> None:
    job = spec(tmp_path, mounted=True, AlgorithmSpecification={"ContainerEntrypoint": [program]})
    assert missing_program(job, "/usr/bin:/bin") == missing
    assert missing_program(spec(tmp_path), "") == ""
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml/x").touch()
    assert missing_program(job, "/usr/bin:/bin") in {missing, ""} - {"/opt/ml/x"}


GROUPS = [
    {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "data"},
    {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 2, "InstanceGroupName": "train"},
]


def test_torchrun_on_every_host_of_the_distribution(tmp_path: Path) -> None:
    hyperparameters = {**REQUEST["HyperParameters"], "sagemaker_torch_distributed_enabled": "true"}
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    job = spec(tmp_path, HyperParameters=hyperparameters, ResourceConfig=resources)
    flags = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"]
    master = ["--master_addr", "algo-1", "--master_port", "7777"]
    for rank, host in enumerate(job.all_hosts()):
        assert command(host, SHARE)[1:13] == [*flags, *master, "--node_rank", str(rank)]
    alone = spec(tmp_path, HyperParameters=hyperparameters)
    assert command(alone, ComputeShare(2, 3))[1:8] == [*flags[:3], "1", "--nproc_per_node", "3", "pkg/train.py"]

    hyperparameters["sagemaker_distribution_instance_groups"] = '["train"]'
    job = spec(tmp_path, HyperParameters=hyperparameters, ResourceConfig={"InstanceGroups": GROUPS})
    data, first, second = job.all_hosts()
    assert command(data, SHARE)[1] == "pkg/train.py"
    assert command(second, SHARE)[7:13] == ["--master_addr", "algo-2", "--master_port", "7777", "--node_rank", "1"]
    assert environment(first, SHARE, "")["NCCL_SOCKET_IFNAME"] == "lo"


def test_hosts_know_each_other(tmp_path: Path) -> None:
    job = spec(tmp_path, mounted=True, ResourceConfig={"InstanceGroups": GROUPS})
    last = job.of_host("algo-3")
    assert last.folder.root == tmp_path / "algo-3"
    variables = environment(last, SHARE, "")
    assert variables["SM_CURRENT_HOST"] == "algo-3"
    assert json.loads(variables["SM_HOSTS"]) == ["algo-1", "algo-2", "algo-3"]
    assert variables["SM_CURRENT_INSTANCE_TYPE"] == "ml.g4dn.xlarge"
    assert json.loads(variables["SM_CURRENT_INSTANCE_GROUP_HOSTS"]) == ["algo-2", "algo-3"]
    assert variables["SM_IS_HETERO"] == "true"
    assert variables["SM_MODEL_DIR"] == "/opt/ml/model"
    assert json.loads(variables["SM_TRAINING_ENV"])["is_master"] is False
    assert "PET_MASTER_PORT" not in variables
    assert configuration_files(last)["resourceconfig.json"] == {
        "current_host": "algo-3",
        "current_instance_type": "ml.g4dn.xlarge",
        "current_group_name": "train",
        "hosts": ["algo-1", "algo-2", "algo-3"],
        "instance_groups": [
            {"instance_group_name": "data", "instance_type": "ml.m5.large", "hosts": ["algo-1"]},
            {"instance_group_name": "train", "instance_type": "ml.g4dn.xlarge", "hosts": ["algo-2", "algo-3"]},
        ],
        "network_interface_name": "lo",
    }
    assert len(set(addresses([f"algo-{n}" for n in range(600)]).values())) == 600


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    assert "LOCAL_SAGEMAKER_JOB_CACHE" not in environment(spec(tmp_path), SHARE, "")
    variables = environment(spec(tmp_path), SHARE, "http://127.0.0.1:4570", job_cache=tmp_path / "cache")
    ml = tmp_path / "ml"
    expected = {
        "SM_MODEL_DIR": str(ml / "model"),
        "SM_OUTPUT_DIR": str(ml / "output"),
        "SM_OUTPUT_DATA_DIR": str(ml / "output/data"),
        "SM_INPUT_DIR": str(ml / "input"),
        "SM_INPUT_CONFIG_DIR": str(ml / "input/config"),
        "SM_CHANNEL_TRAIN": str(ml / "input/data/train"),
        "SM_CHANNELS": '["train"]',
        "SM_HP_LR": "0.01",
        "SM_HP_BATCH-SIZE": "32",
        "SM_NUM_CPUS": "2",
        "SM_NUM_GPUS": "0",
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_MODULE_NAME": "pkg/train",
        "SM_MODULE_DIR": "s3://b/sourcedir.tar.gz",
        "SM_USER_ENTRY_POINT": "pkg/train.py",
        "SM_LOG_LEVEL": "10",
        "SM_FRAMEWORK_PARAMS": '{"sagemaker_estimator_class_name":"PyTorch"}',
        "SM_JOB_NAME": "job",
        "TRAINING_JOB_NAME": "job",
        "TRAINING_JOB_ARN": "arn:job",
        "LOCAL_SAGEMAKER_JOB_CACHE": str(tmp_path / "cache"),
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4570",
        "AWS_ACCESS_KEY_ID": "local",
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ml / "code"),
        "PYTHONUNBUFFERED": "1",
        "MKL_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
        "GREETING": "hello",
        "OMP_NUM_THREADS": "7",  # the request's own word is the last
    }
    assert {name: variables.get(name) for name in expected} == expected
    assert json.loads(variables["SM_USER_ARGS"]) == command(spec(tmp_path), SHARE)[2:]
    training_env = json.loads(variables["SM_TRAINING_ENV"])
    assert training_env["hyperparameters"]["lr"] == 0.01
    assert training_env["channel_input_dirs"] == {"train": str(ml / "input/data/train")}
    assert "SECRET_OF_THE_SERVER" not in variables
    assert "SMDEBUG_CONFIG_FILE_PATH" not in variables


def test_configuration_files(tmp_path: Path) -> None:
    files = configuration_files(
        spec(
            tmp_path,
            CheckpointConfig={"S3Uri": "s3://b/c"},
            DebugHookConfig={"S3OutputPath": "s3://b/d", "LocalPath": "/opt/ml/output/mine"},
            ProfilerConfig={"ProfilingParameters": {"LocalPath": "/opt/ml/output/profiler", "A": "b"}},
        )
    )
    ml = tmp_path / "ml"
    assert files["hyperparameters.json"]["batch-size"] == '"32"'
    assert files["inputdataconfig.json"] == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            "ContentType": "image/jpeg",
        }
    }
    assert files["resourceconfig.json"]["instance_groups"][0]["instance_type"] == "ml.m5.large"
    assert files["checkpointconfig.json"] == {"S3Uri": "s3://b/c", "LocalPath": str(ml / "checkpoints")}
    assert files["debughookconfig.json"] == {"S3OutputPath": "s3://b/d", "LocalPath": str(ml / "output/mine")}
    assert files["profilerconfig.json"]["ProfilingParameters"] == {"LocalPath": str(ml / "output/profiler"), "A": "b"}
