"""The environment of a training script: names and values are those of SageMaker's training toolkit (5.1)."""

import contextlib
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.objects import credentials
from local_sagemaker.runtime.training import hyperparameters as hps
from local_sagemaker.runtime.training.command import (
    MASTER_PORT,
    distribution_groups,
    distribution_hosts,
    torch_distributed,
)
from local_sagemaker.runtime.training.configuration import input_data_config, resource_config
from local_sagemaker.runtime.training.hosts import NETWORK_INTERFACE, addresses
from local_sagemaker.runtime.training.spec import TrainingSpec

JOB_CACHE = "LOCAL_SAGEMAKER_JOB_CACHE"  # a folder that all jobs of this machine share

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


def environment(
    spec: TrainingSpec,
    share: ComputeShare,
    endpoint_url: str,
    *,
    torchrun_port: int | None = None,
    job_cache: Path | None = None,
) -> dict[str, str]:
    """The script's whole environment: the contract's variables, AWS access, and nothing else of the server's.

    SM_* variables are the toolkit's work; a ContainerEntrypoint makes its own. `torchrun_port` is what a torchrun of
    one host takes where it is told none; `job_cache` a folder that all jobs may use.
    """
    own = {name: str(spec.folder.relocate(value)) for name, value in (spec.request.get("Environment") or {}).items()}
    return {
        **_machine(spec, share),
        **aws_variables(spec.region, endpoint_url),
        **({} if spec.entrypoint else {**_toolkit(spec, share), **_pytorch(spec, torchrun_port)}),
        **_debugger(spec),
        **({} if torchrun_port is None else {"PET_MASTER_PORT": str(torchrun_port)}),
        **({} if job_cache is None else {JOB_CACHE: str(job_cache.resolve())}),
        "TRAINING_JOB_NAME": spec.name,
        "TRAINING_JOB_ARN": spec.arn,
        "SM_JOB_NAME": spec.name,
        **own,
    }


def aws_variables(region: str, endpoint_url: str) -> dict[str, str]:
    """How a process reaches AWS or its stand-in."""
    variables = {name: os.environ[name] for name in AWS_VARIABLES if os.environ.get(name)}
    access_key, secret_key = credentials()
    if access_key and secret_key:
        variables |= {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    if endpoint_url:
        variables["AWS_ENDPOINT_URL"] = endpoint_url
    return {**variables, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def search_path(spec: TrainingSpec) -> str:
    """PATH of the script."""
    path = [
        str(spec.folder.venv.absolute() / "bin"),
        str(Path(sys.executable).parent),
        os.environ.get("PATH", os.defpath),
    ]
    if spec.folder.site_packages.exists():
        path.insert(1, str(spec.folder.site_packages.resolve() / "bin"))
    return os.pathsep.join(path)


def _machine(spec: TrainingSpec, share: ComputeShare) -> dict[str, str]:
    folder = spec.folder
    python_path = [] if spec.entrypoint else [folder.seen(folder.code)]
    if folder.site_packages.exists():
        python_path.append(str(folder.site_packages.resolve()))
    return {
        "PATH": search_path(spec),
        "HOME": str(folder.home.resolve()),
        "LANG": "C.UTF-8",
        **({"PYTHONPATH": os.pathsep.join(python_path)} if python_path else {}),
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONIOENCODING": "UTF-8",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **share.environment(),
    }


def _debugger(spec: TrainingSpec) -> dict[str, str]:
    variables = {}
    if spec.request.get("DebugHookConfig"):
        variables["SMDEBUG_CONFIG_FILE_PATH"] = spec.folder.seen(spec.folder.config / "debughookconfig.json")
    if spec.request.get("ProfilerConfig"):
        variables["SMPROFILER_CONFIG_PATH"] = spec.folder.seen(spec.folder.config / "profilerconfig.json")
    return variables


def _toolkit(spec: TrainingSpec, share: ComputeShare) -> dict[str, str]:
    decoded, folder = spec.hyperparameters, spec.folder
    user = hps.user_hyperparameters(decoded)
    channels = {channel["ChannelName"]: folder.seen(folder.data / channel["ChannelName"]) for channel in spec.channels}
    facts = {**_cluster(spec), **_directories(spec), **_script(spec, share)}
    framework = hps.framework_parameters(decoded)
    master = master_host(spec)
    training_env = {
        **facts,
        "additional_framework_parameters": framework,
        "channel_input_dirs": channels,
        "distribution_hosts": distribution_hosts(spec) if distribution_groups(spec) else [],
        "hyperparameters": user,
        "is_modelparallel_enabled": None,
        "is_smddpmprun_installed": False,
        "is_smddprun_installed": False,
        "topology": [],
        "is_master": spec.host == master,
        "job_name": spec.name,
        "master_hostname": master,
    }
    everything = {
        "channels": sorted(channels),
        "framework_params": framework,
        "hps": user,
        "training_env": training_env,
        "user_args": hps.command_line(user),
    }
    return {
        **hps.as_environment(facts),
        **hps.as_environment(user, "SM_HP_"),
        **hps.as_environment(channels, "SM_CHANNEL_"),
        **hps.as_environment(everything),
        "CURRENT_HOST": spec.host,
        "SAGEMAKER_JOB_NAME": str(decoded.get(hps.JOB_NAME) or ""),
        "SAGEMAKER_REGION": str(decoded.get(hps.REGION) or spec.region),
    }


def master_host(spec: TrainingSpec) -> str:
    """The host that the others of a distribution turn to."""
    return (distribution_hosts(spec) if distribution_groups(spec) else spec.hosts)[0]


def _pytorch(spec: TrainingSpec, port: int | None) -> dict[str, str]:
    """What the PyTorch images add. `port` because jobs that run beside each other here share their ports."""
    master = master_host(spec)
    variables = {
        "MASTER_ADDR": master if spec.folder.mounted else addresses(spec.hosts)[master],
        "MASTER_PORT": str(port or MASTER_PORT),
        "NCCL_SOCKET_IFNAME": NETWORK_INTERFACE,
        "NCCL_IB_DISABLE": "1",
        "NCCL_DEBUG": "WARN",
    }
    if torch_distributed(spec):
        variables["NCCL_PROTO"] = "simple"
    with contextlib.suppress(metadata.PackageNotFoundError):  # a script that needs no torch runs without
        variables["SM_DLC_TORCH_VERSION"] = metadata.version("torch")
    return variables


def _cluster(spec: TrainingSpec) -> dict[str, Any]:
    config = resource_config(spec)
    return {
        "current_host": spec.host,
        "hosts": list(spec.hosts),
        "network_interface_name": NETWORK_INTERFACE,
        "current_instance_type": spec.instance_type,
        "current_instance_group": spec.group.name,
        "current_instance_group_hosts": list(spec.group.hosts),
        "instance_groups": [group.name for group in spec.groups],
        "instance_groups_dict": {group["instance_group_name"]: group for group in config["instance_groups"]},
        "distribution_instance_groups": distribution_groups(spec),
        "is_hetero": len(spec.groups) > 1,
        "resource_config": config,
    }


def _directories(spec: TrainingSpec) -> dict[str, Any]:
    folder = spec.folder
    return {
        "model_dir": folder.seen(folder.model),
        "input_dir": folder.seen(folder.ml / "input"),
        "input_config_dir": folder.seen(folder.config),
        "output_dir": folder.seen(folder.output),
        "output_data_dir": folder.seen(folder.output_data),
        "output_intermediate_dir": folder.seen(folder.output / "intermediate"),
    }


def _script(spec: TrainingSpec, share: ComputeShare) -> dict[str, Any]:
    decoded = spec.hyperparameters
    raw_submit = str(hps.decode(spec.request.get("HyperParameters") or {})[hps.SUBMIT_DIRECTORY])
    return {
        "framework_module": "sagemaker_pytorch_container.training:main",
        "input_data_config": input_data_config(spec),
        "log_level": decoded.get(hps.LOG_LEVEL, 20),
        "module_dir": spec.folder.relocate(raw_submit),
        "module_name": spec.program.removesuffix(".py"),
        "num_cpus": share.cpus,
        "num_gpus": share.gpus,
        "num_neurons": 0,
        "user_entry_point": spec.program,
    }
