"""The argv of a training script, as SageMaker's training toolkit makes it; a ContainerEntrypoint runs as given."""

import shlex
import shutil
from pathlib import Path
from typing import Any

from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.mount_namespace import OPT_ML
from local_sagemaker.runtime.training import hyperparameters as hps
from local_sagemaker.runtime.training.source import EntryPoint, entry_point
from local_sagemaker.runtime.training.spec import TrainingSpec

TORCH_DISTRIBUTED = "sagemaker_torch_distributed_enabled"
PROCESSES_PER_HOST = "sagemaker_mpi_num_of_processes_per_host"
DISTRIBUTION_GROUPS = "sagemaker_distribution_instance_groups"
MASTER_PORT = 7777  # both SDKs' launchers write it so


def command(spec: TrainingSpec, share: ComputeShare) -> list[str]:
    """The script's argv: a Python program, a package's module or a shell command, as the toolkit does."""
    if spec.entrypoint:
        return [_relocated(spec, argument) for argument in spec.entrypoint]
    arguments = hps.command_line(hps.user_hyperparameters(spec.hyperparameters))
    python = str(spec.folder.venv.absolute() / "bin/python3")
    kind = entry_point(spec.program, spec.folder.code)
    if kind is EntryPoint.COMMAND:
        return ["/bin/sh", "-c", " ".join([f"./{shlex.quote(spec.program)}", *map(shlex.quote, arguments)])]
    module = ["-m", spec.program.removesuffix(".py")] if kind is EntryPoint.PYTHON_PACKAGE else [spec.program]
    return [python, *(torchrun(spec, share) if torch_distributed(spec) else []), *module, *arguments]


def torch_distributed(spec: TrainingSpec) -> bool:
    """Whether this host's script is started by torchrun: distribution={"torch_distributed": {"enabled": True}}."""
    return bool(spec.hyperparameters.get(TORCH_DISTRIBUTED)) and spec.host in distribution_hosts(spec)


def distribution_groups(spec: TrainingSpec) -> list[str]:
    """The instance groups that the distribution is meant for, as the SDK names them."""
    return list(spec.hyperparameters.get(DISTRIBUTION_GROUPS) or [])


def distribution_hosts(spec: TrainingSpec) -> list[str]:
    """The hosts of the distribution: all, when the request names no groups."""
    wanted = distribution_groups(spec) or [group.name for group in spec.groups]
    return [host for group in spec.groups if group.name in wanted for host in group.hosts]


def torchrun(spec: TrainingSpec, share: ComputeShare) -> list[str]:
    """Torchrun's module and flags."""
    hosts = distribution_hosts(spec)
    processes = spec.hyperparameters.get(PROCESSES_PER_HOST) or share.gpus or 1
    flags: dict[str, Any] = {"--nnodes": len(hosts), "--nproc_per_node": processes}
    if len(hosts) > 1:
        flags |= {"--master_addr": hosts[0], "--master_port": MASTER_PORT, "--node_rank": hosts.index(spec.host)}
    return ["-m", "torch.distributed.run", *(str(part) for flag in flags.items() for part in flag)]


def missing_program(spec: TrainingSpec, path: str) -> str:
    """The ContainerEntrypoint's program when it is nowhere to be found on PATH `path`; empty otherwise."""
    if not spec.entrypoint:
        return ""
    program = spec.entrypoint[0]
    if program.startswith(OPT_ML + "/"):
        return "" if spec.folder.path(program).is_file() else program
    here = program if not program.startswith("./") else str(spec.folder.code / program)
    return "" if shutil.which(here, path=path) else program


def _relocated(spec: TrainingSpec, argument: str) -> str:
    """An argument may be a whole shell script: where nothing is mounted on /opt/ml, it is replaced wherever it is."""
    return argument if spec.folder.mounted else argument.replace(OPT_ML, str(Path(spec.folder.ml).resolve()))
