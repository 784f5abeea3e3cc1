"""How much of this machine a training job may use, by its instance type and by what runs beside it."""

import os
from dataclasses import dataclass
from pathlib import Path

from diagnostics.instances import InstanceType


@dataclass(frozen=True)
class ComputeShare:
    """CPUs bound the threads of numerical libraries; GPUs are the first ones of the machine."""

    cpus: int
    gpus: int

    def environment(self) -> dict[str, str]:
        """Variables by which OpenMP, MKL, OpenBLAS and CUDA keep to the share."""
        threads = str(self.cpus)
        return {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "NUMEXPR_NUM_THREADS": threads,
            # OpenMP's threads would spin while they wait for each other, and where something else runs on one of the
            # cores the job then takes several times its time, in which it leaves no core to others.
            "OMP_WAIT_POLICY": "PASSIVE",
            "CUDA_VISIBLE_DEVICES": ",".join(str(number) for number in range(self.gpus)),
        }


def compute_share(instance: InstanceType, jobs_at_once: int, *, cores: int, gpus: int) -> ComputeShare:
    """The instance's vCPUs, at most this machine's cores divided by the jobs that run at once, at least one."""
    return ComputeShare(cpus=max(1, min(instance.vcpus, cores // max(1, jobs_at_once))), gpus=min(instance.gpus, gpus))


def host_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def host_gpus() -> int:
    """NVIDIA GPUs of this machine."""
    return sum(1 for path in Path("/dev").glob("nvidia*") if path.name.removeprefix("nvidia").isdigit())
