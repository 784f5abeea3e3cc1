"""What starts a host of a training job: its view of this machine, its environment, its command."""

import shutil
import socket
from pathlib import Path

from local_sagemaker.runtime import process
from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.mount_namespace import OPT_ML
from local_sagemaker.runtime.process import Command
from local_sagemaker.runtime.training.command import command
from local_sagemaker.runtime.training.environment import environment
from local_sagemaker.runtime.training.hosts import ETC_HOSTS
from local_sagemaker.runtime.training.spec import TrainingSpec


def command_of(host: TrainingSpec, share: ComputeShare, endpoint_url: str, job_cache: Path) -> Command:
    """What runs the host's script. `job_cache` is the folder that jobs may keep things in for each other."""
    folder = host.folder
    port = free_port() if len(host.hosts) == 1 else None
    return Command(
        command(host, share),
        cwd=folder.seen(folder.code),
        env=environment(host, share, endpoint_url, torchrun_port=port, job_cache=job_cache),
        mounts={OPT_ML: folder.ml, str(ETC_HOSTS): folder.hosts_file} if folder.mounted else None,
        hostname=host.host if folder.mounted else None,
    )


def clear(spec: TrainingSpec) -> None:
    """Make the hosts' folders ready for a start. Logs of earlier starts of the same job stay.

    What lies there at its first start belongs to a job that an older database knew.
    """
    if spec.attempt == 1:
        shutil.rmtree(spec.folder.root, ignore_errors=True)
        return
    for host in spec.all_hosts():
        host.folder.tidy()
        process.forget(host.folder.root)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
