"""Tuning jobs: made once a name, found, listed, stopped, and their training jobs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.aws import resource_tags, sagemaker_jobs
from service.aws.clients import Clients
from service.domain import identity, source
from service.domain.job_definition import place
from service.domain.job_list import list_request
from service.domain.tuning_job_answer import trial, tuning_job, tuning_job_summary
from service.domain.tuning_job_request import create_tuning_job_request
from service.errors import StateConflict
from service.schemas.job import JobReference, TuningJobStatus
from service.schemas.job_filter import TrialFilter, TrialSort, TuningJobFilter, TuningJobSort
from service.schemas.page import Page
from service.schemas.tuning_job import Trial, TuningJob, TuningJobSummary
from service.schemas.tuning_job_request import TuningJobRequest

_SORT_BY = {TuningJobSort.CREATED_AT: "CreationTime", TuningJobSort.NAME: "Name", TuningJobSort.STATUS: "Status"}
_SORT_TRIALS_BY = {
    TrialSort.OBJECTIVE: "FinalObjectiveMetricValue",
    TrialSort.CREATED_AT: "CreationTime",
    TrialSort.NAME: "Name",
    TrialSort.STATUS: "Status",
}
_COMPARED = (
    "entry_point", "channels", "static_hyperparameters", "ranges", "objective", "strategy", "max_jobs",
    "max_parallel_jobs", "random_seed", "early_stopping", "instance_type", "instance_count", "volume_size_gb",
    "max_runtime_seconds", "checkpoint_s3_uri", "environment", "tags",
)  # fmt: skip


def create(clients: Clients, request: TuningJobRequest) -> tuple[JobReference, bool]:
    """Start the job; answers it, and whether this call made it.

    A name that is taken answers the job that is there when the same body made it, else NameConflict.
    Raises a Problem before anything is made when the request cannot be done.
    """
    source.check_entry_point(clients.settings.training_source_dir, request.entry_point)
    if request.name is not None and (there := sagemaker_jobs.find_tuning_job(clients, request.name)) is not None:
        return _same_job(clients, there, request), False
    name = request.name or identity.made_up_name("tuning", datetime.now(UTC))
    own_tags = identity.own_tags(request)
    aws_request = create_tuning_job_request(name, request, place(clients, request), own_tags)
    try:
        arn = sagemaker_jobs.create_tuning_job(clients, aws_request)
    except sagemaker_jobs.NameTaken:  # somebody was quicker, or botocore sent it twice
        return _same_job(clients, sagemaker_jobs.describe_tuning_job(clients, name), request), False
    return JobReference(name=name, arn=arn, status=TuningJobStatus.IN_PROGRESS), True


def get(clients: Clients, name: str) -> TuningJob:
    """The job with its tags. Raises TuningJobNotFound."""
    members = sagemaker_jobs.describe_tuning_job(clients, name)
    return tuning_job(members, resource_tags.read(clients, members["HyperParameterTuningJobArn"]))


def page(clients: Clients, asked: TuningJobFilter) -> Page[TuningJobSummary]:
    """One page of the account's tuning jobs."""
    answer = sagemaker_jobs.list_tuning_jobs(clients, list_request(asked, _SORT_BY[asked.sort_by]))
    items = [tuning_job_summary(members) for members in answer["HyperParameterTuningJobSummaries"]]
    return Page(items=items, next_cursor=answer.get("NextToken"))


def trials(clients: Clients, name: str, asked: TrialFilter) -> Page[Trial]:
    """One page of the tuning job's training jobs. Raises TuningJobNotFound."""
    request = {"HyperParameterTuningJobName": name, **list_request(asked, _SORT_TRIALS_BY[asked.sort_by])}
    answer = sagemaker_jobs.list_trials(clients, request)
    items = [trial(members) for members in answer["TrainingJobSummaries"]]
    return Page(items=items, next_cursor=answer.get("NextToken"))


def stop(clients: Clients, name: str) -> JobReference:
    """Ask the job to stop. Raises TuningJobNotFound, and StateConflict when it has ended by itself."""
    members = sagemaker_jobs.describe_tuning_job(clients, name)
    status = TuningJobStatus(members["HyperParameterTuningJobStatus"])
    if status in {TuningJobStatus.COMPLETED, TuningJobStatus.FAILED}:
        raise StateConflict(f"The tuning job {name} is {status} already.", "Nothing is left to stop.")
    if status is TuningJobStatus.IN_PROGRESS:
        sagemaker_jobs.stop_tuning_job(clients, name)
        status = TuningJobStatus.STOPPING
    return JobReference(name=name, arn=members["HyperParameterTuningJobArn"], status=status)


def differences(there: TuningJob, request: TuningJobRequest) -> list[str]:
    """What the job that is there has otherwise than the request asks."""
    old, new = there.model_dump(mode="json", exclude_none=True), request.model_dump(mode="json", exclude_none=True)
    return identity.differences(old, new, _COMPARED)


def _same_job(clients: Clients, members: Mapping[str, Any], request: TuningJobRequest) -> JobReference:
    tags = resource_tags.read(clients, members["HyperParameterTuningJobArn"])
    there = tuning_job(members, tags)
    identity.check_same(there.name, tags, request, differences(there, request))
    return JobReference(name=there.name, arn=there.arn, status=there.status)
