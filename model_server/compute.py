"""How many workers there are, and which CPUs' and GPUs' worth each of them gets."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Compute:
    """What `workers` processes share. `told` is the CPUs of the share as the thread variables spell it."""

    workers: int
    cpus: int
    gpus: Sequence[str]
    told: str

    def environment(self, index: int, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables of worker `index` that differ from the front's `environment`.

        Each worker's numerical libraries get its part of the CPUs. A variable that says something else than the share
        is the model's own wish, and stays.
        """
        threads = str(max(1, self.cpus // self.workers))
        changed = {name: threads for name in THREAD_VARIABLES if environment.get(name) in (None, "", self.told)}
        if self.gpus:
            changed["CUDA_VISIBLE_DEVICES"] = self.gpus[index % len(self.gpus)]
        return changed


def compute(
    environment: Mapping[str, str], *, workers: int | None, cpus: int | None, cores: int, gpus: Sequence[str]
) -> Compute:
    """One worker a GPU where there are any, else one a CPU, unless `workers` says how many.

    The CPUs are `cpus`, else OMP_NUM_THREADS, by which a container is told its share; never more than `cores`, those of
    this machine.
    """
    threads = environment.get("OMP_NUM_THREADS", "")
    shared = int(threads) if threads.isascii() and threads.isdecimal() and int(threads) > 0 else None
    share = min(cpus or shared or cores, cores)
    told = str(cpus) if cpus else threads
    return Compute(workers or len(gpus) or share, share, tuple(gpus), told)


def cores_of_machine() -> int:
    """CPUs that this process may use: its affinity and its control group's quota, at least one."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = CPU_QUOTA.read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


def gpus_of_machine(environment: Mapping[str, str]) -> list[str]:
    """The GPUs that CUDA may use: those of CUDA_VISIBLE_DEVICES, else all."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    numbers = (path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
    return sorted((number for number in numbers if number.isdigit()), key=int)
