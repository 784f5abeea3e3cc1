"""What Debugger and Profiler make of a training job: rules, tensors, the use of its instances."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from service.dependencies import ClientsDep, JudgeDep
from service.domain import diagnoses
from service.errors import (
    BadRequest,
    EvaluationBusy,
    EvaluationFailed,
    ProfileNotTaken,
    TensorNotFound,
    TensorsNotSaved,
    TrainingJobNotFound,
)
from service.routes.diagnostics_examples import DEBUGGER_EXAMPLE, PROFILER_EXAMPLE
from service.routes.job_answers import AWS_PROBLEMS
from service.routes.problem_examples import of_list, of_name
from service.schemas.debugger_answer import (
    DebuggerFilter,
    DebuggerReport,
    SavedTensor,
    TensorFilter,
    TensorListFilter,
    TensorSeries,
)
from service.schemas.evaluation import EvaluationProgress, EvaluationState
from service.schemas.job import TrainingJobPath
from service.schemas.page import Page
from service.schemas.problem import problem_responses
from service.schemas.profiler_answer import ProfilerFilter, ProfilerReport

router = APIRouter(prefix="/jobs/training", tags=["diagnostics"])

RETRY_AFTER_SECONDS = 1
RETRY_AFTER = {
    "Retry-After": {
        "description": "While `evaluation.state` is InProgress: ask again after so many seconds.",
        "schema": {"type": "integer"},
    }
}
EVALUATION_PROBLEMS = (TrainingJobNotFound, EvaluationBusy, EvaluationFailed, *AWS_PROBLEMS)

TensorPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=1024,
        description="The tensor's name, slashes as they are.",
        examples=["CrossEntropyLoss_output_0"],
    ),
]


@router.get(
    "/{name}/debugger",
    summary="What the Debugger rules found",
    responses={
        200: {
            "headers": RETRY_AFTER,
            "content": {"application/json": {"example": DEBUGGER_EXAMPLE}},
        },
        **problem_responses(
            TensorsNotSaved,
            *EVALUATION_PROBLEMS,
            instance="/jobs/training/dogs-1/debugger",
            told=of_name("DescribeTrainingJob"),
        ),
    },
)
def get_debugger(
    name: TrainingJobPath,
    asked: Annotated[DebuggerFilter, Query()],
    clients: ClientsDep,
    judge: JudgeDep,
    response: Response,
) -> DebuggerReport:
    """Each rule's verdict, with the tensor, step and value that met its condition, and what to change.

    Evaluated by the service from the tensors in S3, while the job runs too; a job without rules has the default ones.
    """
    report = diagnoses.debugger(clients, judge, name, asked)
    _say_when_to_come_back(response, report.evaluation)
    return report


@router.get(
    "/{name}/debugger/tensors",
    summary="List the tensors that a training job has saved",
    responses=problem_responses(
        BadRequest,
        TensorsNotSaved,
        *EVALUATION_PROBLEMS,
        instance="/jobs/training/dogs-1/debugger/tensors",
        told={**of_list("DescribeTrainingJob"), **of_name("DescribeTrainingJob")},
    ),
)
def list_tensors(
    name: TrainingJobPath, asked: Annotated[TensorListFilter, Query()], clients: ClientsDep, judge: JudgeDep
) -> Page[SavedTensor]:
    """By name, with their collections and how many steps have saved them."""
    return diagnoses.tensors(clients, judge, name, asked)


@router.get(
    "/{name}/debugger/tensors/{tensor:path}",
    summary="A tensor's figure over the steps",
    responses={
        200: {"headers": RETRY_AFTER},
        **problem_responses(
            TensorsNotSaved,
            TensorNotFound,
            *EVALUATION_PROBLEMS,
            instance="/jobs/training/dogs-1/debugger/tensors/CrossEntropyLoss_output_1",
            told=of_name("DescribeTrainingJob"),
        ),
    },
)
def get_tensor(
    *,
    name: TrainingJobPath,
    tensor: TensorPath,
    asked: Annotated[TensorFilter, Query()],
    clients: ClientsDep,
    judge: JudgeDep,
    response: Response,
) -> TensorSeries:
    """Its mean, or another figure, at every step that saved it, by mode."""
    series = diagnoses.tensor(clients, judge, name, tensor, asked)
    _say_when_to_come_back(response, series.evaluation)
    return series


@router.get(
    "/{name}/profiler",
    summary="How a training job uses its instances",
    responses={
        200: {"content": {"application/json": {"example": PROFILER_EXAMPLE}}},
        **problem_responses(
            ProfileNotTaken,
            *EVALUATION_PROBLEMS,
            instance="/jobs/training/dogs-1/profiler",
            told=of_name("DescribeTrainingJob"),
        ),
    },
)
def get_profiler(
    name: TrainingJobPath, asked: Annotated[ProfilerFilter, Query()], clients: ClientsDep, judge: JudgeDep
) -> ProfilerReport:
    """Bottlenecks, waste and whether another instance type would do, the costliest first, with the figures behind."""
    return diagnoses.profiler(clients, judge, name, asked)


def _say_when_to_come_back(response: Response, evaluation: EvaluationProgress) -> None:
    if evaluation.state is EvaluationState.IN_PROGRESS:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
