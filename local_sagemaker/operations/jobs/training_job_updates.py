"""UpdateTrainingJob: another Profiler configuration for a job that has not ended; other time for its warm pool."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.training.warm_pools import keep_alive_seconds
from local_sagemaker.errors import ResourceNotFound, ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.jobs import debugger_rules
from local_sagemaker.operations.jobs.resource_rules import check_keep_alive
from local_sagemaker.operations.jobs.rule_configuration_rules import check_profiler_rules
from local_sagemaker.runtime import mount_namespace
from local_sagemaker.runtime.training.configuration import rewrite_profiler_config
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import host_names
from local_sagemaker.store import rule_evaluations, warm_pools
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.training_jobs import TrainingJob
from local_sagemaker.store.warm_pools import WarmPool

UPDATE = Structure(
    "UpdateTrainingJobRequest",
    honoured=("TrainingJobName", "ProfilerConfig", "ProfilerRuleConfigurations", "ResourceConfig", "RemoteDebugConfig"),
)
PROFILER = Structure("ProfilerConfigForUpdate", honoured=debugger_rules.PROFILER)
RESOURCES = Structure("ResourceConfigForUpdate", honoured=("KeepAlivePeriodInSeconds",))
REMOTE_DEBUG = Structure(
    "RemoteDebugConfigForUpdate", honoured=(), refused={"EnableRemoteDebug": "leave it out or set it to false"}
)
STRUCTURES = (UPDATE, PROFILER, RESOURCES, REMOTE_DEBUG)


def update_training_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Change a job that has not ended. Its script and the sampler see a new ProfilerConfig at once.

    The warm pool of one that has ended can be kept longer, counted from the job's end, or be ended: with 0 seconds.
    Raises ResourceNotFound, ValidationException.
    """
    UPDATE.check(members)
    PROFILER.check(members.get("ProfilerConfig") or {}, "ProfilerConfig.")
    REMOTE_DEBUG.check(members.get("RemoteDebugConfig") or {}, "RemoteDebugConfig.")
    check_keep_alive(members.get("ResourceConfig") or {}, "ResourceConfig")
    with context.database.transaction():
        job = store.get(context.database, members["TrainingJobName"])
        if job is None:
            raise ResourceNotFound("Requested resource not found.")
        pool = warm_pools.get(context.database, job.name)
        kept = pool is not None and pool.status == "Available" and set(members) == {"TrainingJobName", "ResourceConfig"}
        if job.status not in store.ACTIVE and not kept:
            raise ValidationException(
                f"The request was rejected because the training job is in status {job.status}: only a job that has not"
                " ended can be updated, and the KeepAlivePeriodInSeconds of one whose warm pool is Available."
            )
        request, now = updated(job.request, members), clock.now()
        _check_profiler(members, request)
        _check_pool(members, request)
        changed = store.update(context.database, job, now, request=request)
        if "ResourceConfig" in members:
            _change_pool(context, changed, pool, now)
        if "ProfilerRuleConfigurations" in members:
            rule_evaluations.change(context.database, job, changed, "Profiler", now)
        if "ProfilerConfig" in members:
            _tell_script(context, job, request["ProfilerConfig"])
    context.wake_engine.set()
    return {"TrainingJobArn": job.arn}


def updated(request: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """CreateTrainingJob's members with UpdateTrainingJob's in their place: members of structures one by one."""
    result = dict(request)
    for name in ("ProfilerConfig", "ResourceConfig"):
        if name in changes:
            result[name] = {**(request.get(name) or {}), **changes[name]}
    if "ProfilerRuleConfigurations" in changes:
        result["ProfilerRuleConfigurations"] = changes["ProfilerRuleConfigurations"]
    return result


def _check_profiler(members: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """What is new of the Profiler, as it would be in force; rules stay when the Profiler is switched off."""
    if "ProfilerConfig" in members:
        debugger_rules.check_profiler(request["ProfilerConfig"])
    if "ProfilerRuleConfigurations" in members:
        check_profiler_rules(members["ProfilerRuleConfigurations"], request.get("ProfilerConfig") or {})


def _check_pool(members: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    if not (members.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds"):
        return
    if request.get("EnableManagedSpotTraining") or request["ResourceConfig"].get("InstanceGroups"):
        raise ValidationException(
            "KeepAlivePeriodInSeconds is neither for managed spot training nor for jobs of several instance groups."
        )


def _change_pool(context: Context, job: TrainingJob, pool: WarmPool | None, now: float) -> None:
    seconds = keep_alive_seconds(job.request)
    if pool is None:
        if seconds and job.phase != "Starting":  # it has its instances, and may keep them
            warm_pools.use(context.database, job.name)
    elif pool.available_at is not None:
        until = pool.available_at + seconds
        if until <= now:
            warm_pools.terminate(context.database, job.name, now)
        else:
            warm_pools.keep(context.database, job.name, available_at=pool.available_at, keep_until=until)


def _tell_script(context: Context, job: TrainingJob, profiler: Mapping[str, Any]) -> None:
    first = TrainingFolder(
        context.settings.jobs_dir.resolve() / job.name, mount_namespace.is_mounted(context.settings.opt_ml)
    )
    for host in host_names(job.request):
        rewrite_profiler_config(first.of_host(host), profiler)
