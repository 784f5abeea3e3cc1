"""Pages and plots of training jobs and tuning jobs: made by the process that judges jobs."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.aws import sagemaker_jobs
from service.aws.clients import Clients
from service.domain import diagnosed_job, hyperparameters
from service.evaluation.judge import Judge
from service.evaluation.messages import Answer

Members = Mapping[str, Any]
MAX_TRIALS = 2000
TRIALS_AT_ONCE = 100


@dataclass(frozen=True)
class Page:
    """HTML, and the Content-Security-Policy that it is made for."""

    html: bytes
    policy: str


def training_page(clients: Clients, judge: Judge, name: str) -> Page:
    """The job's page as it stands. Raises TrainingJobNotFound."""
    job = sagemaker_jobs.describe_training_job(clients, name)
    return _page(judge.ask({"about": "page", "job": diagnosed_job.subject(job).as_json()}))


def training_plot(clients: Clients, judge: Judge, name: str, plot: str, kind: str) -> bytes:
    """One plot of the job. Raises TrainingJobNotFound and PlotNotFound."""
    job = sagemaker_jobs.describe_training_job(clients, name)
    question = {"about": "plot", "job": diagnosed_job.subject(job).as_json(), "plot": plot, "format": kind}
    return judge.ask(question).content


def tuning_page(clients: Clients, judge: Judge, name: str) -> Page:
    """The tuning job's page as it stands. Raises TuningJobNotFound."""
    return _page(judge.ask({"about": "tuning-page", "tuning": _tuning(clients, name)}))


def tuning_plot(clients: Clients, judge: Judge, name: str, plot: str, kind: str) -> bytes:
    """One plot of the tuning job. Raises TuningJobNotFound and PlotNotFound."""
    question = {"about": "tuning-plot", "tuning": _tuning(clients, name), "plot": plot, "format": kind}
    return judge.ask(question).content


def _page(answer: Answer) -> Page:
    return Page(answer.content, answer.members["policy"])


def _tuning(clients: Clients, name: str) -> dict[str, Any]:
    """The tuning job as plain JSON, its training jobs in the order in which they were made."""
    job = sagemaker_jobs.describe_tuning_job(clients, name)
    config = job.get("HyperParameterTuningJobConfig", {})
    objective = config.get("HyperParameterTuningJobObjective", {})
    # SageMaker has no word for a training job that was stopped early: nobody else stops one while the tuning goes on.
    status, stops_early = job["HyperParameterTuningJobStatus"], config.get("TrainingJobEarlyStoppingType") == "Auto"
    stops_early = stops_early and status not in {"Stopping", "Stopped"}
    return {
        "name": name,
        "objective_name": objective.get("MetricName", ""),
        "objective_type": objective.get("Type", "Minimize"),
        "strategy": config.get("Strategy", ""),
        "status": status,
        "ranges": _ranges(config.get("ParameterRanges", {})),
        "trials": [
            _trial(number, trial, stops_early=stops_early)
            for number, trial in enumerate(_trials(clients, name), start=1)
        ],
    }


def _trials(clients: Clients, name: str) -> Iterator[Members]:
    request = {
        "HyperParameterTuningJobName": name,
        "SortBy": "CreationTime",
        "SortOrder": "Ascending",
        "MaxResults": TRIALS_AT_ONCE,
    }
    for _ in range(MAX_TRIALS // TRIALS_AT_ONCE):
        answer = sagemaker_jobs.list_trials(clients, request)
        yield from answer["TrainingJobSummaries"]
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]


def _trial(number: int, trial: Members, *, stops_early: bool) -> dict[str, Any]:
    objective = trial.get("FinalHyperParameterTuningJobObjectiveMetric")
    started_at, ended_at = trial.get("TrainingStartTime"), trial.get("TrainingEndTime")
    return {
        "name": trial["TrainingJobName"],
        "number": number,
        "status": trial["TrainingJobStatus"],
        "hyperparameters": {
            name: str(hyperparameters.decode_value(text))
            for name, text in trial.get("TunedHyperParameters", {}).items()
        },
        "objective": objective["Value"] if objective and math.isfinite(objective["Value"]) else None,
        "started_at": started_at.timestamp() if started_at else None,
        "ended_at": ended_at.timestamp() if ended_at else None,
        "early_stopped": stops_early and trial["TrainingJobStatus"] == "Stopped",
    }


def _ranges(ranges: Members) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for kind in ("ContinuousParameterRanges", "IntegerParameterRanges"):
        for one in ranges.get(kind, []):
            found[one["Name"]] = {
                "scaling": one.get("ScalingType", "Auto"),
                "minimum": float(one["MinValue"]),
                "maximum": float(one["MaxValue"]),
            }
    for one in ranges.get("CategoricalParameterRanges", []):
        found[one["Name"]] = {"scaling": "Categorical"}
    return found
