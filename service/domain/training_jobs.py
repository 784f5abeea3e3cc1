"""Training jobs: made once a name, found, listed, stopped."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.aws import resource_tags, sagemaker_jobs
from service.aws.clients import Clients
from service.domain import identity, source, tuned_hyperparameters
from service.domain.job_definition import place
from service.domain.job_list import list_request
from service.domain.training_job_answer import training_job, training_job_summary
from service.domain.training_job_request import create_training_job_request
from service.errors import StateConflict
from service.schemas.job import JobReference, TrainingJobStatus
from service.schemas.job_filter import TrainingJobFilter, TrainingJobSort
from service.schemas.page import Page
from service.schemas.tags import TUNING_JOB_TAG
from service.schemas.training_job import TrainingJob, TrainingJobSummary
from service.schemas.training_job_request import Collector, TrainingJobRequest

_SORT_BY = {
    TrainingJobSort.CREATED_AT: "CreationTime",
    TrainingJobSort.NAME: "Name",
    TrainingJobSort.STATUS: "Status",
}
_COMPARED = (
    "entry_point", "channels", "hyperparameters", "from_tuning_job", "instance_type", "instance_count",
    "volume_size_gb", "max_runtime_seconds", "checkpoint_s3_uri", "environment", "tags", "collected_by",
)  # fmt: skip


def create(clients: Clients, request: TrainingJobRequest) -> tuple[JobReference, bool]:
    """Start the job; answers it, and whether this call made it.

    A name that is taken answers the job that is there when the same body made it, else NameConflict.
    Raises a Problem before anything is made when the request cannot be done.
    """
    source.check_entry_point(clients.settings.training_source_dir, request.entry_point)
    if request.name is not None and (there := sagemaker_jobs.find_training_job(clients, request.name)) is not None:
        return _same_job(clients, there, request), False
    tuned = tuned_hyperparameters.best(clients, request.from_tuning_job) if request.from_tuning_job else {}
    name = request.name or identity.made_up_name("training", datetime.now(UTC))
    own_tags = identity.own_tags(request)
    if request.from_tuning_job:
        own_tags[TUNING_JOB_TAG] = request.from_tuning_job
    aws_request = create_training_job_request(name, request, place(clients, request), tuned, own_tags)
    try:
        arn = sagemaker_jobs.create_training_job(clients, aws_request)
    except sagemaker_jobs.NameTaken:  # somebody was quicker, or botocore sent it twice
        return _same_job(clients, sagemaker_jobs.describe_training_job(clients, name), request), False
    return JobReference(name=name, arn=arn, status=TrainingJobStatus.IN_PROGRESS), True


def get(clients: Clients, name: str) -> TrainingJob:
    """The job with its tags. Raises TrainingJobNotFound."""
    members = sagemaker_jobs.describe_training_job(clients, name)
    return training_job(members, resource_tags.read(clients, members["TrainingJobArn"]))


def page(clients: Clients, asked: TrainingJobFilter) -> Page[TrainingJobSummary]:
    """One page of the account's training jobs."""
    answer = sagemaker_jobs.list_training_jobs(clients, list_request(asked, _SORT_BY[asked.sort_by]))
    items = [training_job_summary(members) for members in answer["TrainingJobSummaries"]]
    return Page(items=items, next_cursor=answer.get("NextToken"))


def stop(clients: Clients, name: str) -> JobReference:
    """Ask the job to stop. Raises TrainingJobNotFound, and StateConflict when it has ended by itself."""
    members = sagemaker_jobs.describe_training_job(clients, name)
    status = TrainingJobStatus(members["TrainingJobStatus"])
    if status in {TrainingJobStatus.COMPLETED, TrainingJobStatus.FAILED}:
        raise StateConflict(f"The training job {name} is {status} already.", "Nothing is left to stop.")
    if status is TrainingJobStatus.IN_PROGRESS:
        sagemaker_jobs.stop_training_job(clients, name)
        status = TrainingJobStatus.STOPPING
    return JobReference(name=name, arn=members["TrainingJobArn"], status=status)


def differences(there: TrainingJob, request: TrainingJobRequest) -> list[str]:
    """What the job that is there has otherwise than the request asks."""
    old, new = there.model_dump(mode="json"), request.model_dump(mode="json")
    if request.from_tuning_job is not None:  # the job has the tuned ones beside those that were named
        old["hyperparameters"] = {key: old["hyperparameters"].get(key) for key in request.hyperparameters}
    if not request.is_collected_by_script:
        new["collected_by"] = Collector.SAGEMAKER  # or nobody: the same to the job
    elif request.checkpoint_s3_uri is None:
        old["checkpoint_s3_uri"] = None  # the service gave the job one
    return identity.differences(old, new, _COMPARED)


def _same_job(clients: Clients, members: Mapping[str, Any], request: TrainingJobRequest) -> JobReference:
    tags = resource_tags.read(clients, members["TrainingJobArn"])
    there = training_job(members, tags)
    identity.check_same(there.name, tags, request, differences(there, request))
    return JobReference(name=there.name, arn=there.arn, status=there.status)
