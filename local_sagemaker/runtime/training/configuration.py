"""The JSON files that a training container finds in /opt/ml/input/config."""

import json
from collections.abc import Mapping
from typing import Any

from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import NETWORK_INTERFACE
from local_sagemaker.runtime.training.spec import TrainingSpec

PROFILER_FILE = "profilerconfig.json"


def write_configuration(spec: TrainingSpec) -> None:
    """Write the files."""
    spec.folder.config.mkdir(parents=True, exist_ok=True)
    for name, content in configuration_files(spec).items():
        (spec.folder.config / name).write_text(json.dumps(content), encoding="utf-8")


def configuration_files(spec: TrainingSpec) -> dict[str, Any]:
    """Each file's content by its name."""
    files: dict[str, Any] = {
        "hyperparameters.json": {
            name: spec.folder.relocate(value) for name, value in (spec.request.get("HyperParameters") or {}).items()
        },
        "inputdataconfig.json": input_data_config(spec),
        "resourceconfig.json": resource_config(spec),
    }
    if hook := spec.request.get("DebugHookConfig"):
        files["debughookconfig.json"] = {**hook, "LocalPath": spec.folder.seen(spec.tensors)}
    if profiler := spec.request.get("ProfilerConfig"):
        files[PROFILER_FILE] = profiler_config(spec.folder, profiler)
    if checkpoint := spec.request.get("CheckpointConfig"):
        files["checkpointconfig.json"] = {**checkpoint, "LocalPath": spec.folder.seen(spec.checkpoints)}
    return files


def profiler_config(folder: TrainingFolder, profiler: Mapping[str, Any]) -> dict[str, Any]:
    """The content of profilerconfig.json for a ProfilerConfig."""
    parameters = {name: folder.relocate(value) for name, value in profiler.get("ProfilingParameters", {}).items()}
    return {**profiler, **({"ProfilingParameters": parameters} if parameters else {})}


def rewrite_profiler_config(folder: TrainingFolder, profiler: Mapping[str, Any]) -> None:
    """Put another ProfilerConfig in a running script's way: smdebug looks at the file again and again.

    Nothing happens on a host whose files are not there, or not there any more.
    """
    if folder.config.is_dir():
        temporary = folder.config / f".{PROFILER_FILE}"
        temporary.write_text(json.dumps(profiler_config(folder, profiler)), encoding="utf-8")
        temporary.replace(folder.config / PROFILER_FILE)


def input_data_config(spec: TrainingSpec) -> dict[str, dict[str, str]]:
    """The content of inputdataconfig.json."""
    config: dict[str, dict[str, str]] = {}
    for channel in spec.channels:
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        entry = {
            "TrainingInputMode": channel.get("InputMode")
            or spec.request["AlgorithmSpecification"]["TrainingInputMode"],
            "S3DistributionType": source.get("S3DataDistributionType") or "FullyReplicated",
            "RecordWrapperType": channel.get("RecordWrapperType") or "None",
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        config[channel["ChannelName"]] = entry
    return config


def resource_config(spec: TrainingSpec) -> dict[str, Any]:
    """The content of resourceconfig.json."""
    return {
        "current_host": spec.host,
        "current_instance_type": spec.instance_type,
        "current_group_name": spec.group.name,
        "hosts": list(spec.hosts),
        "instance_groups": [
            {
                "instance_group_name": group.name,
                "instance_type": group.instance_type,
                "hosts": list(group.hosts),
            }
            for group in spec.groups
        ],
        "network_interface_name": NETWORK_INTERFACE,
    }
