"""The container contract: arguments, variables, configuration files."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.training_environment import TrainingSpec, command, configuration_files, environment
from local_sagemaker.runtime.training_folder import TrainingFolder

SHARE = ComputeShare(2, 0)
REQUEST: dict[str, Any] = {
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


def spec(root: Path, **more: Any) -> TrainingSpec:
    return TrainingSpec("job", "arn:job", "eu-west-1", {**REQUEST, **more}, TrainingFolder(root))


def test_the_command(tmp_path: Path) -> None:
    data = str(tmp_path / "ml/input/data/train")
    assert command(spec(tmp_path)) == [
        sys.executable, "pkg/train.py", "--batch-size", "32", "--data", data, "--lr", "0.01",
    ]  # fmt: skip
    shell = {**REQUEST["HyperParameters"], "sagemaker_program": "run.sh"}
    assert command(spec(tmp_path, HyperParameters=shell))[:2] == ["/bin/sh", "run.sh"]


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    variables = environment(spec(tmp_path), SHARE, "http://127.0.0.1:4570")
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
        "SM_MODULE_NAME": "train",
        "SM_MODULE_DIR": "s3://b/sourcedir.tar.gz",
        "SM_USER_ENTRY_POINT": "pkg/train.py",
        "SM_LOG_LEVEL": "10",
        "SM_FRAMEWORK_PARAMS": '{"sagemaker_estimator_class_name": "PyTorch"}',
        "SM_JOB_NAME": "job",
        "TRAINING_JOB_NAME": "job",
        "TRAINING_JOB_ARN": "arn:job",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4570",
        "AWS_ACCESS_KEY_ID": "local",
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ml / "code"),
        "PYTHONUNBUFFERED": "1",
        "MKL_NUM_THREADS": "2",
        "GREETING": "hello",
        "OMP_NUM_THREADS": "7",  # the request's own word is the last
    }
    assert {name: variables.get(name) for name in expected} == expected
    assert json.loads(variables["SM_USER_ARGS"]) == command(spec(tmp_path))[2:]
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
