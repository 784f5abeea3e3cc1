"""Warm pools: which job takes over whose instances, and how long they are kept. There are none but on paper.

What a pool saves here is the imports of the next job's script: see warm_starts.py.
"""

from collections.abc import Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.store import training_jobs, warm_pools
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob

RESOURCES = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
FAULTS_OF_THE_PLATFORM = "InternalServerError"


def keep_alive_seconds(request: Mapping[str, Any]) -> int:
    """KeepAlivePeriodInSeconds of CreateTrainingJob's members; 0 keeps nothing."""
    return int((request.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds") or 0)


def matches(kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the instances of a job serve another one, by the members of both."""
    if wanted.get("EnableManagedSpotTraining") or wanted["ResourceConfig"].get("InstanceGroups"):
        return False
    return _instances(kept) == _instances(wanted)


def _instances(request: Mapping[str, Any]) -> list[Any]:
    resources = request["ResourceConfig"]
    encrypted = bool(request.get("EnableInterContainerTrafficEncryption"))
    return [request.get("RoleArn"), encrypted, *(resources.get(name) for name in RESOURCES)]


class WarmPools:
    """Changes pools as jobs begin and end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begun = False

    def begin(self, job: TrainingJob, now: float) -> None:
        """The job gets its instances: another one's that were kept, where they match."""
        if warm_pools.get(self._database, job.name) is not None:
            return  # it is started again, and has them
        for pool in warm_pools.available(self._database):
            kept = training_jobs.get(self._database, pool.training_job_name)
            if kept is not None and (pool.keep_until or 0.0) > now and matches(kept.request, job.request):
                warm_pools.reuse(self._database, kept.name, now, job.name)
                warm_pools.use(self._database, job.name)
                return
        if keep_alive_seconds(job.request):
            warm_pools.use(self._database, job.name)

    def end(self, job: TrainingJob, now: float) -> None:
        """The job has ended: its instances are kept, unless the platform itself failed."""
        if warm_pools.get(self._database, job.name) is None:
            return
        seconds = keep_alive_seconds(job.request)
        if seconds and not (job.failure_reason or "").startswith(FAULTS_OF_THE_PLATFORM):
            warm_pools.keep(self._database, job.name, available_at=now, keep_until=now + seconds)
        else:
            warm_pools.terminate(self._database, job.name, now)

    def reconcile(self) -> float | None:
        """End pools whose time is over, and at first those of an earlier process. Answers when the next one is due."""
        now = clock.now()
        waiting = warm_pools.available(self._database)
        for pool in waiting:
            due = pool.keep_until or 0.0
            if not self._begun or due <= now:
                warm_pools.terminate(self._database, pool.training_job_name, min(due, now))
        self._begun = True
        times = [pool.keep_until - now for pool in waiting if pool.keep_until is not None and pool.keep_until > now]
        return min(times, default=None)
