"""Pages and plots of jobs, and a training job's events as they happen."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from service.dependencies import ClientsDep, JudgeDep, LeavingDep
from service.domain import diagnoses, reports
from service.domain.event_position import decoded
from service.domain.job_events import JobFollower
from service.errors import BadRequest, EvaluationBusy, EvaluationFailed, PlotNotFound, TrainingJobNotFound
from service.errors import TuningJobNotFound as NoTuningJob
from service.routes.diagnostics_examples import EVENTS_EXAMPLE
from service.routes.event_stream import event_stream
from service.routes.job_answers import AWS_PROBLEMS
from service.routes.problem_examples import of_events, of_name
from service.schemas.job import TrainingJobPath, TuningJobPath
from service.schemas.problem import problem_responses

router = APIRouter(prefix="/jobs", tags=["diagnostics"])

TRAINING_PLOTS = ("losses", "rules", "metrics", "cores", "steps")
TUNING_PLOTS = ("best", "hyperparameters", "parallel", "trials")
MEDIA_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
PROBLEMS = (EvaluationBusy, EvaluationFailed, *AWS_PROBLEMS)

PlotFormat = Annotated[Literal["svg", "png"], Path(description="A drawing, or an image.", examples=["svg"])]
TrainingPlot = Annotated[
    str, Path(max_length=64, description=f"One of {', '.join(TRAINING_PLOTS)}.", examples=["losses"])
]
TuningPlot = Annotated[str, Path(max_length=64, description=f"One of {', '.join(TUNING_PLOTS)}.", examples=["best"])]


def _page(description: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}}


def _image(description: str) -> dict[int | str, dict[str, Any]]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": description, "content": dict.fromkeys(MEDIA_TYPES.values(), binary)}}


def _html(page: reports.Page) -> HTMLResponse:
    return HTMLResponse(page.html, headers={"Content-Security-Policy": page.policy})


@router.get(
    "/training/{name}/report",
    summary="A training job's report, a page",
    response_class=HTMLResponse,
    responses={
        **_page("One page that needs nothing else: save it, send it."),
        **problem_responses(
            TrainingJobNotFound,
            *PROBLEMS,
            instance="/jobs/training/dogs-1/report",
            told=of_name("DescribeTrainingJob"),
        ),
    },
)
def get_training_report(name: TrainingJobPath, clients: ClientsDep, judge: JudgeDep) -> HTMLResponse:
    """Loss curves with what the rules found, the use of the instances, and what to change; of a running job too."""
    return _html(reports.training_page(clients, judge, name))


@router.get(
    "/training/{name}/plots/{plot}.{kind}",
    summary="One plot of a training job",
    response_class=Response,
    responses={
        **_image("The plot."),
        **problem_responses(
            TrainingJobNotFound,
            PlotNotFound,
            *PROBLEMS,
            instance="/jobs/training/dogs-1/plots/loss.svg",
            told=of_name("DescribeTrainingJob"),
        ),
    },
)
def get_training_plot(
    name: TrainingJobPath, plot: TrainingPlot, kind: PlotFormat, clients: ClientsDep, judge: JudgeDep
) -> Response:
    """As in the report."""
    return Response(reports.training_plot(clients, judge, name, plot, kind), media_type=MEDIA_TYPES[kind])


@router.get(
    "/tuning/{name}/report",
    summary="A tuning job's report, a page",
    response_class=HTMLResponse,
    responses={
        **_page("One page that needs nothing else: save it, send it."),
        **problem_responses(
            NoTuningJob,
            *PROBLEMS,
            instance="/jobs/tuning/dogs-tuning-1/report",
            told=of_name("DescribeHyperParameterTuningJob"),
        ),
    },
)
def get_tuning_report(name: TuningJobPath, clients: ClientsDep, judge: JudgeDep) -> HTMLResponse:
    """The objective against each hyperparameter, the best so far, and all training jobs side by side."""
    return _html(reports.tuning_page(clients, judge, name))


@router.get(
    "/tuning/{name}/plots/{plot}.{kind}",
    summary="One plot of a tuning job",
    response_class=Response,
    responses={
        **_image("The plot."),
        **problem_responses(
            NoTuningJob,
            PlotNotFound,
            *PROBLEMS,
            instance="/jobs/tuning/dogs-tuning-1/plots/worst.svg",
            told={
                **of_name("DescribeHyperParameterTuningJob"),
                PlotNotFound: ("A tuning job has no plot 'worst'.", f"Its plots are {', '.join(TUNING_PLOTS)}."),
            },
        ),
    },
)
def get_tuning_plot(
    name: TuningJobPath, plot: TuningPlot, kind: PlotFormat, clients: ClientsDep, judge: JudgeDep
) -> Response:
    """As in the report."""
    return Response(reports.tuning_plot(clients, judge, name, plot, kind), media_type=MEDIA_TYPES[kind])


@router.get(
    "/training/{name}/events",
    summary="Follow a training job as it happens",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events, until `end`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENTS_EXAMPLE}},
        },
        204: {"description": "The events were told to their end: connect no more."},
        **problem_responses(
            BadRequest,
            TrainingJobNotFound,
            *AWS_PROBLEMS,
            instance="/jobs/training/dogs-1/events",
            told=of_events("DescribeTrainingJob"),
        ),
    },
)
async def follow_training_job(
    *,
    name: TrainingJobPath,
    request: Request,
    clients: ClientsDep,
    judge: JudgeDep,
    leaving: LeavingDep,
    last_event_id: Annotated[
        str | None, Header(description="The `id` of the last event that came: go on from there.")
    ] = None,
) -> Response:
    """`status`: a step of the job's life. `log`: a line. `metric`: a value. `rule`: a rule's new status.

    `end` comes once the job is over and its log told; `problem` when it cannot be followed. With curl: `curl -N`.
    """
    position = decoded(last_event_id)
    if position.ended:
        return Response(status_code=204)
    follower = JobFollower(clients, name, position, lambda job: diagnoses.judged_for_events(judge, job))
    first = await run_in_threadpool(follower.poll)
    return StreamingResponse(
        event_stream(follower, first, request.url.path, leaving),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
