"""Metrics of training jobs: what their definitions find in the hosts' logs, kept with how far each log was read."""

from collections.abc import Sequence

from local_sagemaker.runtime.training import metrics
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.database import Database
from local_sagemaker.store.job_metrics import Metric
from local_sagemaker.store.training_jobs import TrainingJob


def keep_metrics(
    database: Database, job: TrainingJob, hosts: Sequence[TrainingSpec], *, to_end: bool = False
) -> TrainingJob:
    """Keep the metrics of what the logs have gained: a bounded part of each, or all. Answers the new row."""
    definitions = job.request["AlgorithmSpecification"].get("MetricDefinitions") or []
    for host in hosts:
        more = True
        while more:
            read = job.log_offsets.get(host.host, 0)
            found, offset = metrics.read(host.folder.log, read, definitions)
            more = to_end and offset != read
            if offset != read:
                values = [Metric(value.name, value.timestamp, value.value) for value in found]
                job = store.add_metrics(database, job, host.host, offset, values)
    return job
