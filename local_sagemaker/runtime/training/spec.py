"""What one host of a training job needs to be run: the request, and where it lies on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local_sagemaker.runtime.training import hyperparameters as hps
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import InstanceGroup, instance_groups

CHECKPOINTS = "/opt/ml/checkpoints"
TENSORS = "/opt/ml/output/tensors"
TENSORBOARD = "/opt/ml/output/tensorboard"
PROFILE = "/opt/ml/output/profiler"


@dataclass(frozen=True)
class TrainingSpec:
    """A host of a job. `request` are CreateTrainingJob's members; `attempt` counts the job's starts."""

    name: str
    arn: str
    region: str
    request: Mapping[str, Any]
    folder: TrainingFolder
    host: str = "algo-1"
    hosts: tuple[str, ...] = ("algo-1",)
    attempt: int = 1

    def of_host(self, host: str) -> "TrainingSpec":
        """The same job on another of its hosts; `folder` must be the first host's."""
        return replace(self, host=host, folder=self.folder.of_host(host))

    def all_hosts(self) -> list["TrainingSpec"]:
        """The job on each of its hosts."""
        return [self.of_host(host) for host in self.hosts]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Decoded, with paths as the script sees them."""
        decoded = hps.decode(self.request.get("HyperParameters") or {})
        return {name: self.folder.relocate(value) for name, value in decoded.items()}

    @property
    def channels(self) -> list[dict[str, Any]]:
        """InputDataConfig."""
        return list(self.request.get("InputDataConfig") or [])

    @property
    def groups(self) -> tuple[InstanceGroup, ...]:
        """The job's instance groups."""
        return instance_groups(self.request["ResourceConfig"])

    @property
    def group(self) -> InstanceGroup:
        """The group of this host."""
        return next(group for group in self.groups if self.host in group.hosts)

    @property
    def instance_type(self) -> str:
        """Such as ml.m5.xlarge."""
        return self.group.instance_type

    @property
    def entrypoint(self) -> list[str]:
        """ContainerEntrypoint and ContainerArguments, as given; empty when SageMaker's toolkit would run a script."""
        algorithm = self.request.get("AlgorithmSpecification") or {}
        return [*(algorithm.get("ContainerEntrypoint") or []), *(algorithm.get("ContainerArguments") or [])]

    @property
    def program(self) -> str:
        """The entry point, relative to the code folder; empty with a ContainerEntrypoint."""
        return str(self.hyperparameters.get(hps.PROGRAM, ""))

    @property
    def checkpoints(self) -> Path:
        """Where the script's checkpoints lie."""
        configured = (self.request.get("CheckpointConfig") or {}).get("LocalPath")
        return self.folder.path(configured or CHECKPOINTS)

    @property
    def tensors(self) -> Path:
        """Where smdebug's hook writes."""
        configured = (self.request.get("DebugHookConfig") or {}).get("LocalPath")
        return self.folder.path(configured or TENSORS)

    @property
    def script_profile(self) -> Path:
        """Where the script itself writes a profile, by smdebug or otherwise."""
        parameters = (self.request.get("ProfilerConfig") or {}).get("ProfilingParameters") or {}
        return self.folder.path(parameters.get("LocalPath") or PROFILE)

    @property
    def tensorboard(self) -> Path:
        """Where the script writes what TensorBoardOutputConfig uploads."""
        configured = (self.request.get("TensorBoardOutputConfig") or {}).get("LocalPath")
        return self.folder.path(configured or TENSORBOARD)
