"""Where a training job of the database runs on this machine."""

from local_sagemaker.runtime import mount_namespace
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import host_names
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings
from local_sagemaker.store.training_jobs import TrainingJob


class JobSpecs:
    """Makes the specification of a job's first host, which knows the others."""

    def __init__(self, settings: Settings) -> None:
        self._jobs_dir = settings.jobs_dir.resolve()
        self._mounted = mount_namespace.is_mounted(settings.opt_ml)

    def of(self, job: TrainingJob) -> TrainingSpec:
        """The job as its row is now."""
        folder = TrainingFolder(self._jobs_dir / job.name, self._mounted)
        return TrainingSpec(
            *(job.name, job.arn, job.region, job.request, folder), hosts=host_names(job.request), attempt=job.attempt
        )
