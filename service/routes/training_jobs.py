"""Training jobs: start, list, describe, stop, and read log and metrics."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Header, Query, Response
from fastapi.responses import PlainTextResponse

from service.dependencies import ClientsDep
from service.domain import training_jobs, training_logs
from service.errors import BadRequest, StateConflict, TrainingJobNotFound, TuningJobNotFound
from service.routes.job_answers import AWS_PROBLEMS, answer_created, created_or_found, referring
from service.routes.job_examples import TRAINING_JOB_EXAMPLES
from service.routes.problem_examples import of_list, of_name, of_new_job, of_stop
from service.schemas.job import JobReference, TrainingJobPath
from service.schemas.job_filter import TrainingJobFilter
from service.schemas.log_filter import LogFilter
from service.schemas.page import Page
from service.schemas.problem import problem_responses
from service.schemas.training_job import TrainingJob, TrainingJobSummary
from service.schemas.training_job_request import TrainingJobRequest
from service.schemas.training_log import LogPage, TrainingMetrics

router = APIRouter(prefix="/jobs/training", tags=["training jobs"])

STARTED = {
    "name": "dogs-1",
    "arn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/dogs-1",
    "status": "InProgress",
}


@router.post(
    "",
    status_code=202,
    summary="Start a training job",
    responses=created_or_found(
        "/jobs/training",
        TuningJobNotFound,
        StateConflict,
        example=STARTED,
        told=of_new_job("dogs-1", "CreateTrainingJob"),
    ),
)
def create_training_job(
    request: Annotated[TrainingJobRequest, Body(openapi_examples=TRAINING_JOB_EXAMPLES)],
    clients: ClientsDep,
    response: Response,
) -> JobReference:
    """The name is the idempotency key: the same name and body again answer the same job."""
    reference, created = training_jobs.create(clients, request)
    answer_created(response, f"/jobs/training/{reference.name}", created=created)
    return reference


@router.get(
    "",
    summary="List training jobs",
    responses=problem_responses(BadRequest, *AWS_PROBLEMS, instance="/jobs/training", told=of_list("ListTrainingJobs")),
)
def list_training_jobs(asked: Annotated[TrainingJobFilter, Query()], clients: ClientsDep) -> Page[TrainingJobSummary]:
    """The account's training jobs, those of tuning jobs too; the newest first unless sorted otherwise."""
    return training_jobs.page(clients, asked)


@router.get(
    "/{name}",
    summary="Describe a training job",
    responses=problem_responses(
        TrainingJobNotFound, *AWS_PROBLEMS, instance="/jobs/training/dogs-1", told=of_name("DescribeTrainingJob")
    ),
)
def get_training_job(name: TrainingJobPath, clients: ClientsDep) -> TrainingJob:
    """What was asked for, how far the job is, and what came out."""
    return training_jobs.get(clients, name)


@router.post(
    "/{name}/stop",
    status_code=202,
    summary="Stop a training job",
    responses={
        202: referring({**STARTED, "status": "Stopping"}, "The job ends."),
        **problem_responses(
            TrainingJobNotFound,
            StateConflict,
            *AWS_PROBLEMS,
            instance="/jobs/training/dogs-1/stop",
            told=of_stop("training job", "dogs-1", "StopTrainingJob"),
        ),
    },
)
def stop_training_job(name: TrainingJobPath, clients: ClientsDep, response: Response) -> JobReference:
    """SIGTERM, 120 seconds to save what there is, then the end. Asking again does no harm."""
    reference = training_jobs.stop(clients, name)
    response.headers["Location"] = f"/jobs/training/{name}"
    return reference


@router.get(
    "/{name}/logs",
    summary="Read or follow a training job's log",
    response_model=LogPage,
    responses={
        200: {
            "description": "JSON, or the lines alone for `Accept: text/plain`.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "headers": {"Link": {"description": 'The next page, rel="next".', "schema": {"type": "string"}}},
        },
        **problem_responses(
            BadRequest,
            TrainingJobNotFound,
            *AWS_PROBLEMS,
            instance="/jobs/training/dogs-1/logs",
            told=of_list("GetLogEvents"),
        ),
    },
)
def get_training_job_logs(
    name: TrainingJobPath,
    asked: Annotated[LogFilter, Query()],
    clients: ClientsDep,
    response: Response,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> LogPage | PlainTextResponse:
    """The oldest lines first. Follow a running job with `next_cursor` (or the Link header) until `complete`."""
    page = training_logs.page(clients, name, asked)
    headers = {"Vary": "Accept"}
    if page.next_cursor is not None and page.stream is not None:
        query = urlencode({"stream": page.stream, "cursor": page.next_cursor, "limit": asked.limit})
        headers["Link"] = f'</jobs/training/{name}/logs?{query}>; rel="next"'
    if _prefers_text(accept):
        return PlainTextResponse("".join(f"{line.message}\n" for line in page.items), headers=headers)
    response.headers.update(headers)
    return page


@router.get(
    "/{name}/metrics",
    summary="A training job's metrics over time",
    responses=problem_responses(
        BadRequest,
        TrainingJobNotFound,
        *AWS_PROBLEMS,
        instance="/jobs/training/dogs-1/metrics",
        told=of_name("DescribeTrainingJob"),
    ),
)
def get_training_job_metrics(name: TrainingJobPath, clients: ClientsDep) -> TrainingMetrics:
    """Loss and accuracy, as the job's metric definitions find them in its log, with SageMaker's final values."""
    return training_logs.metrics(clients, name)


def _prefers_text(accept: str) -> bool:
    """Whether plain text stands before JSON in the Accept header."""
    for part in accept.split(","):
        match part.partition(";")[0].strip().lower():
            case "text/plain":
                return True
            case "application/json" | "application/*" | "*/*":
                return False
    return False
