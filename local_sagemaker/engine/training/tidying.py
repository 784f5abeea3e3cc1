"""Removing the working files of training jobs, once both the job and the evaluation of its rules have ended."""

import shutil

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training.job_spec import JobSpecs
from local_sagemaker.runtime.training import output as training_output
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings
from local_sagemaker.store import evaluations
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob


class Tidying:
    """Tidies jobs beside the loop, and tells which are being tidied."""

    def __init__(self, settings: Settings, database: Database, background: Background) -> None:
        self._jobs_dir = settings.jobs_dir
        self._database = database
        self._background = background
        self._specs = JobSpecs(settings)
        self._under_way: set[str] = set()

    def tidy(self, job: TrainingJob) -> None:
        """Start to remove what the job needs no more; not as long as something of it goes on.

        Results that could not be uploaded stay.
        """
        if not self._is_done(job):
            return
        self._poll()
        self._under_way.add(job.name)
        spec = self._specs.of(job)
        self._background.start(("tidy", job.name), lambda: tidy(spec))

    def under_way(self, name: str) -> bool:
        """Whether files of a job of this name are being removed. The end of that wakes the engine."""
        self._poll()
        return name in self._under_way

    def tidy_ended(self) -> None:
        """Remove the working files of jobs that ended, or were deleted, just before an earlier process did."""
        for folder in self._jobs_dir.glob(".*"):
            shutil.rmtree(folder, ignore_errors=True)
        for ml in self._jobs_dir.glob("*/ml"):
            job = store.get(self._database, ml.parent.name)
            if job is not None and self._is_done(job):
                tidy(self._specs.of(job))

    def _is_done(self, job: TrainingJob) -> bool:
        ended = job.phase == "Ended" and not evaluations.is_open(self._database, job.name)
        return ended and training_output.KEPT not in (job.failure_reason or "")

    def _poll(self) -> None:
        self._under_way = {name for name in self._under_way if self._background.poll(("tidy", name)) is None}


def tidy(spec: TrainingSpec) -> None:
    """Remove the working files of all hosts; the first one's last, by which an unfinished removal is known."""
    for host in reversed(spec.all_hosts()):
        host.folder.tidy()
