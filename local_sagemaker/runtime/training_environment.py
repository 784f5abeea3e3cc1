"""The container contract of a training script: its arguments, its environment and its configuration files.

Names and values are those of SageMaker's training toolkit (sagemaker-training 5.1); paths are relocated.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from local_sagemaker.runtime import hyperparameters as hps
from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.objects import credentials
from local_sagemaker.runtime.training_folder import TrainingFolder

HOST = "algo-1"
INSTANCE_GROUP = "homogeneousCluster"
NETWORK_INTERFACE = "lo"
CHECKPOINTS = "/opt/ml/checkpoints"
TENSORS = "/opt/ml/output/tensors"

# Handed on from the server's own environment when set there: how to reach AWS or its stand-in.
AWS_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CA_BUNDLE",
)


@dataclass(frozen=True)
class TrainingSpec:
    """What a training job needs to be run. `request` are CreateTrainingJob's members."""

    name: str
    arn: str
    region: str
    request: Mapping[str, Any]
    folder: TrainingFolder

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Decoded, with relocated paths."""
        decoded = hps.decode(self.request.get("HyperParameters") or {})
        return {name: self.folder.relocate(value) for name, value in decoded.items()}

    @property
    def channels(self) -> list[dict[str, Any]]:
        """InputDataConfig."""
        return list(self.request.get("InputDataConfig") or [])

    @property
    def instance_type(self) -> str:
        """Such as ml.m5.xlarge."""
        return str(self.request["ResourceConfig"]["InstanceType"])

    @property
    def program(self) -> str:
        """The entry point, relative to the code folder."""
        return str(self.hyperparameters[hps.PROGRAM])

    @property
    def checkpoints(self) -> Path:
        """Where the script keeps its checkpoints."""
        configured = (self.request.get("CheckpointConfig") or {}).get("LocalPath")
        return self.folder.path(configured or CHECKPOINTS)

    @property
    def tensors(self) -> Path:
        """Where smdebug's hook writes."""
        configured = (self.request.get("DebugHookConfig") or {}).get("LocalPath")
        return self.folder.path(configured or TENSORS)


def command(spec: TrainingSpec) -> list[str]:
    """The script's argv. A program that is no .py is run by /bin/sh, as the toolkit does."""
    arguments = hps.command_line(hps.user_hyperparameters(spec.hyperparameters))
    interpreter = sys.executable if spec.program.endswith(".py") else "/bin/sh"
    return [interpreter, spec.program, *arguments]


def configuration_files(spec: TrainingSpec) -> dict[str, Any]:
    """The JSON files of input/config, by name."""
    files: dict[str, Any] = {
        "hyperparameters.json": {
            name: spec.folder.relocate(value) for name, value in (spec.request.get("HyperParameters") or {}).items()
        },
        "inputdataconfig.json": input_data_config(spec),
        "resourceconfig.json": resource_config(spec),
    }
    if hook := spec.request.get("DebugHookConfig"):
        files["debughookconfig.json"] = {**hook, "LocalPath": str(spec.tensors)}
    if profiler := spec.request.get("ProfilerConfig"):
        parameters = {
            name: spec.folder.relocate(value) for name, value in profiler.get("ProfilingParameters", {}).items()
        }
        files["profilerconfig.json"] = {**profiler, **({"ProfilingParameters": parameters} if parameters else {})}
    if checkpoint := spec.request.get("CheckpointConfig"):
        files["checkpointconfig.json"] = {**checkpoint, "LocalPath": str(spec.checkpoints)}
    return files


def input_data_config(spec: TrainingSpec) -> dict[str, dict[str, str]]:
    """The content of inputdataconfig.json."""
    config: dict[str, dict[str, str]] = {}
    for channel in spec.channels:
        entry = {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": channel.get("RecordWrapperType") or "None",
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        config[channel["ChannelName"]] = entry
    return config


def resource_config(spec: TrainingSpec) -> dict[str, Any]:
    """The content of resourceconfig.json."""
    return {
        "current_host": HOST,
        "current_instance_type": spec.instance_type,
        "current_group_name": INSTANCE_GROUP,
        "hosts": [HOST],
        "instance_groups": [
            {"instance_group_name": INSTANCE_GROUP, "instance_type": spec.instance_type, "hosts": [HOST]}
        ],
        "network_interface_name": NETWORK_INTERFACE,
    }


def environment(spec: TrainingSpec, share: ComputeShare, endpoint_url: str) -> dict[str, str]:
    """The script's whole environment: the contract's variables, AWS access, and nothing else of the server's."""
    own = {name: str(spec.folder.relocate(value)) for name, value in (spec.request.get("Environment") or {}).items()}
    return {
        **_machine(spec, share),
        **_aws(spec, endpoint_url),
        **_toolkit(spec, share),
        **_debugger(spec),
        "TRAINING_JOB_NAME": spec.name,
        "TRAINING_JOB_ARN": spec.arn,
        "SM_JOB_NAME": spec.name,
        **own,
    }


def _machine(spec: TrainingSpec, share: ComputeShare) -> dict[str, str]:
    folder = spec.folder
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    python_path = [str(folder.code.resolve())]
    if folder.site_packages.exists():
        path.insert(0, str(folder.site_packages.resolve() / "bin"))
        python_path.append(str(folder.site_packages.resolve()))
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(folder.home.resolve()),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(python_path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "UTF-8",
        **share.environment(),
    }


def _aws(spec: TrainingSpec, endpoint_url: str) -> dict[str, str]:
    variables = {name: os.environ[name] for name in AWS_VARIABLES if os.environ.get(name)}
    access_key, secret_key = credentials()
    if access_key and secret_key:
        variables |= {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    if endpoint_url:
        variables["AWS_ENDPOINT_URL"] = endpoint_url
    return {**variables, "AWS_REGION": spec.region, "AWS_DEFAULT_REGION": spec.region}


def _debugger(spec: TrainingSpec) -> dict[str, str]:
    variables = {}
    if spec.request.get("DebugHookConfig"):
        variables["SMDEBUG_CONFIG_FILE_PATH"] = str((spec.folder.config / "debughookconfig.json").resolve())
    if spec.request.get("ProfilerConfig"):
        variables["SMPROFILER_CONFIG_PATH"] = str((spec.folder.config / "profilerconfig.json").resolve())
    return variables


def _toolkit(spec: TrainingSpec, share: ComputeShare) -> dict[str, str]:
    decoded, folder = spec.hyperparameters, spec.folder
    user = hps.user_hyperparameters(decoded)
    arguments = hps.command_line(user)
    channels = {
        channel["ChannelName"]: str((folder.data / channel["ChannelName"]).resolve()) for channel in spec.channels
    }
    raw_submit = str(hps.decode(spec.request.get("HyperParameters") or {})[hps.SUBMIT_DIRECTORY])
    groups = {INSTANCE_GROUP: resource_config(spec)["instance_groups"][0]}
    directories = {
        "model_dir": str(folder.model.resolve()),
        "input_dir": str((folder.ml / "input").resolve()),
        "input_config_dir": str(folder.config.resolve()),
        "output_dir": str(folder.output.resolve()),
        "output_data_dir": str(folder.output_data.resolve()),
        "output_intermediate_dir": str((folder.output / "intermediate").resolve()),
    }
    facts: dict[str, Any] = {
        "current_host": HOST,
        "hosts": [HOST],
        "network_interface_name": NETWORK_INTERFACE,
        "current_instance_type": spec.instance_type,
        "current_instance_group": INSTANCE_GROUP,
        "current_instance_group_hosts": [HOST],
        "instance_groups": [INSTANCE_GROUP],
        "instance_groups_dict": groups,
        "distribution_instance_groups": [],
        "is_hetero": False,
        "framework_module": "sagemaker_pytorch_container.training:main",
        "input_data_config": input_data_config(spec),
        "log_level": decoded.get(hps.LOG_LEVEL, 20),
        "module_dir": folder.relocate(raw_submit),
        "module_name": PurePosixPath(spec.program).stem,
        "num_cpus": share.cpus,
        "num_gpus": share.gpus,
        "num_neurons": 0,
        "resource_config": resource_config(spec),
        "user_entry_point": spec.program,
        **directories,
    }
    training_env = {
        **facts,
        "additional_framework_parameters": hps.framework_parameters(decoded),
        "channel_input_dirs": channels,
        "hyperparameters": user,
        "is_master": True,
        "job_name": spec.name,
        "master_hostname": HOST,
    }
    return {
        **hps.as_environment(facts),
        **hps.as_environment(user, "SM_HP_"),
        **hps.as_environment(channels, "SM_CHANNEL_"),
        **hps.as_environment(
            {
                "channels": sorted(channels),
                "framework_params": hps.framework_parameters(decoded),
                "hps": user,
                "training_env": training_env,
                "user_args": arguments,
            }
        ),
    }


def write_configuration(spec: TrainingSpec) -> None:
    """Write the files of input/config."""
    spec.folder.config.mkdir(parents=True, exist_ok=True)
    for name, content in configuration_files(spec).items():
        (spec.folder.config / name).write_text(json.dumps(content), encoding="utf-8")
