"""Tuning jobs: start, list, describe, stop, and list their training jobs."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from service.dependencies import ClientsDep
from service.domain import tuning_jobs
from service.errors import BadRequest, StateConflict, TuningJobNotFound
from service.routes.job_answers import AWS_PROBLEMS, answer_created, created_or_found, referring
from service.routes.job_examples import TUNING_JOB_EXAMPLES
from service.routes.problem_examples import of_list, of_name, of_new_job, of_stop
from service.schemas.job import JobReference, TuningJobPath
from service.schemas.job_filter import TrialFilter, TuningJobFilter
from service.schemas.page import Page
from service.schemas.problem import problem_responses
from service.schemas.tuning_job import Trial, TuningJob, TuningJobSummary
from service.schemas.tuning_job_request import TuningJobRequest

router = APIRouter(prefix="/jobs/tuning", tags=["tuning jobs"])

STARTED = {
    "name": "dogs-tuning-1",
    "arn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/dogs-tuning-1",
    "status": "InProgress",
}


@router.post(
    "",
    status_code=202,
    summary="Start a tuning job",
    responses=created_or_found(
        "/jobs/tuning", example=STARTED, told=of_new_job("dogs-tuning-1", "CreateHyperParameterTuningJob")
    ),
)
def create_tuning_job(
    request: Annotated[TuningJobRequest, Body(openapi_examples=TUNING_JOB_EXAMPLES)],
    clients: ClientsDep,
    response: Response,
) -> JobReference:
    """The name is the idempotency key: the same name and body again answer the same job."""
    reference, created = tuning_jobs.create(clients, request)
    answer_created(response, f"/jobs/tuning/{reference.name}", created=created)
    return reference


@router.get(
    "",
    summary="List tuning jobs",
    responses=problem_responses(
        BadRequest, *AWS_PROBLEMS, instance="/jobs/tuning", told=of_list("ListHyperParameterTuningJobs")
    ),
)
def list_tuning_jobs(asked: Annotated[TuningJobFilter, Query()], clients: ClientsDep) -> Page[TuningJobSummary]:
    """The account's tuning jobs, the newest first unless sorted otherwise."""
    return tuning_jobs.page(clients, asked)


@router.get(
    "/{name}",
    summary="Describe a tuning job",
    responses=problem_responses(
        TuningJobNotFound,
        *AWS_PROBLEMS,
        instance="/jobs/tuning/dogs-tuning-1",
        told=of_name("DescribeHyperParameterTuningJob"),
    ),
)
def get_tuning_job(name: TuningJobPath, clients: ClientsDep) -> TuningJob:
    """What is searched, how far the job is, and the best training job so far."""
    return tuning_jobs.get(clients, name)


@router.post(
    "/{name}/stop",
    status_code=202,
    summary="Stop a tuning job",
    responses={
        202: referring({**STARTED, "status": "Stopping"}, "The job and its running training jobs end."),
        **problem_responses(
            TuningJobNotFound,
            StateConflict,
            *AWS_PROBLEMS,
            instance="/jobs/tuning/dogs-tuning-1/stop",
            told=of_stop("tuning job", "dogs-tuning-1", "StopHyperParameterTuningJob"),
        ),
    },
)
def stop_tuning_job(name: TuningJobPath, clients: ClientsDep, response: Response) -> JobReference:
    """Its running training jobs are stopped too. Asking again does no harm."""
    reference = tuning_jobs.stop(clients, name)
    response.headers["Location"] = f"/jobs/tuning/{name}"
    return reference


@router.get(
    "/{name}/training-jobs",
    summary="List a tuning job's training jobs",
    responses=problem_responses(
        BadRequest,
        TuningJobNotFound,
        *AWS_PROBLEMS,
        instance="/jobs/tuning/dogs-tuning-1/training-jobs",
        told=of_list("ListTrainingJobsForHyperParameterTuningJob"),
    ),
)
def list_training_jobs_of_tuning_job(
    name: TuningJobPath, asked: Annotated[TrialFilter, Query()], clients: ClientsDep
) -> Page[Trial]:
    """Hyperparameters, objective, status and duration of each; the newest first unless sorted otherwise."""
    return tuning_jobs.trials(clients, name, asked)
