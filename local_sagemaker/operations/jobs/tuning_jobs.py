"""CreateHyperParameterTuningJob and its siblings."""

import json
import math
import secrets
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.tuning import results, warm_start
from local_sagemaker.engine.tuning.definition import MAX_JOBS, definitions, objectives, total_combinations
from local_sagemaker.errors import ResourceInUse, ResourceNotFound, ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.jobs.tuning_job_rules import check_tuning_job, hyperband_resources
from local_sagemaker.operations.jobs.tuning_job_views import child_summary, described, summary
from local_sagemaker.operations.jobs.warm_start_rules import check_warm_start
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.store import pages, tags, tuning_children
from local_sagemaker.store import tuning_jobs as store
from local_sagemaker.store.tuning_children import Child
from local_sagemaker.store.tuning_jobs import TuningJob

SORT_KEYS = {**listing.SORT_KEYS, "FinalObjectiveMetricValue": lambda child: child.objective}


def create_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Record the tuning job and wake the engine. Raises ValidationException, ResourceLimitExceeded, ResourceInUse."""
    check_tuning_job(members)
    check_tags(members.get("Tags") or [])
    _check_parents(context, members)
    name = members["HyperParameterTuningJobName"]
    arn = context.arn("hyper-parameter-tuning-job", name)
    request = _completed({member: value for member, value in members.items() if member != "Tags"})
    seed = request["HyperParameterTuningJobConfig"].get("RandomSeed")
    job = store.new_tuning_job(
        name,
        arn,
        context.region,
        request=request,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        now=clock.now(),
    )
    with context.database.transaction():
        if store.taken(context.database, name, arn):
            raise ResourceInUse(
                f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name."
            )
        store.insert(context.database, job)
        tags.put_tags(context.database, arn, members.get("Tags") or [])
    context.wake_engine.set()
    return {"HyperParameterTuningJobArn": arn}


def describe_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """All that is known of a tuning job, its best training job included."""
    job = _existing(context, members["HyperParameterTuningJobName"])
    answer = described(job, _children(context, job))
    if warm_start.is_identical(job.request):
        answer["OverallBestTrainingJob"] = _overall_best(context, job)
    return answer


def list_tuning_jobs(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Summaries of all tuning jobs, by name unless asked otherwise, as AWS documents."""
    found, next_token = listing.rows(
        context.database, pages.TUNING_JOBS, members, default_sort="Name", default_order="Ascending"
    )
    summaries = []
    for row in found:
        request = json.loads(row["request"])
        children = tuning_children.children(context.database, row["name"], objectives(request))
        summaries.append(summary(row, request, children))
    return listing.answer("HyperParameterTuningJobSummaries", summaries, next_token)


def stop_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Start no more training jobs and stop those that run."""
    with context.database.transaction():
        job = _existing(context, members["HyperParameterTuningJobName"])
        if job.status == "InProgress":
            store.update(context.database, job, clock.now(), status="Stopping")
        elif job.status != "Stopping":
            raise ValidationException(
                f"The request was rejected because the hyperparameter tuning job is in status {job.status}."
            )
    context.wake_engine.set()
    return {}


def list_training_jobs_for_tuning_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Summaries of a tuning job's training jobs, the latest first unless asked otherwise: so AWS does, and not as it
    documents.
    """
    job = _existing(context, members["HyperParameterTuningJobName"])
    children = _children(context, job)
    if members.get("SortBy") == "FinalObjectiveMetricValue":  # without a value they are not listed, as AWS says
        children = [child for child in children if child.objective is not None]
    order: listing.Order = "Ascending" if members.get("SortBy") else "Descending"
    found, next_token = listing.page(children, members, default_sort="Name", default_order=order, sort_keys=SORT_KEYS)
    return listing.answer("TrainingJobSummaries", [child_summary(job, child) for child in found], next_token)


def _check_parents(context: Context, members: dict[str, Any]) -> None:
    names = warm_start.parent_names(members)
    if names:
        jobs = sum(tuning_children.last_number(context.database, name) for name in names)
        check_warm_start(members, {name: store.get(context.database, name) for name in names}, jobs)


def _completed(request: dict[str, Any]) -> dict[str, Any]:
    """The request with what AWS works out for itself: the number of training jobs, and Hyperband's epochs."""
    config = dict(request["HyperParameterTuningJobConfig"])
    among = definitions(request)
    limits = config["ResourceLimits"]
    if not limits.get("MaxNumberOfTrainingJobs"):
        most = min(MAX_JOBS[config["Strategy"]], total_combinations(among))
        config["ResourceLimits"] = {**limits, "MaxNumberOfTrainingJobs": math.floor(most)}
    if config["Strategy"] == "Hyperband":
        lowest, highest = hyperband_resources(config, among)
        config["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": lowest, "MaxResource": highest}}
    return {**request, "HyperParameterTuningJobConfig": config}


def _existing(context: Context, name: str) -> TuningJob:
    job = store.get(context.database, name)
    if job is None:
        raise ResourceNotFound(f"Amazon SageMaker can't find a tuning job called {name}. Type another name.")
    return job


def _children(context: Context, job: TuningJob) -> list[Child]:
    return tuning_children.children(context.database, job.name, objectives(job.request))


def _overall_best(context: Context, job: TuningJob) -> dict[str, Any] | None:
    """The best of this tuning job and its parents, told with the tuning job that it belongs to."""
    family = [job, *(store.get(context.database, name) for name in warm_start.parent_names(job.request))]
    bests: dict[str, tuple[TuningJob, Child]] = {}
    maximize = definitions(job.request)[0].maximize
    for member in family:
        best = member and results.best(_children(context, member), maximize=maximize)
        if member and best:
            bests[best.name] = member, best
    overall = results.best([child for _, child in bests.values()], maximize=maximize)
    if overall is None:
        return None
    owner, child = bests[overall.name]
    return {**child_summary(owner, child), "TuningJobName": owner.name}
