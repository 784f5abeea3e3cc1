"""UpdateTrainingJob: another Profiler configuration, or warm pool time, for a job that has not ended."""

from collections.abc import Mapping
from typing import Any

from local_sagemaker import clock
from local_sagemaker.errors import ResourceNotFound, ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.jobs import debugger_rules
from local_sagemaker.operations.jobs.rule_configuration_rules import check_profiler_rules
from local_sagemaker.runtime import mount_namespace
from local_sagemaker.runtime.training.configuration import rewrite_profiler_config
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import host_names
from local_sagemaker.store import rule_evaluations
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.training_jobs import TrainingJob

UPDATE = Structure(
    "UpdateTrainingJobRequest",
    honoured=("TrainingJobName", "ProfilerConfig", "ProfilerRuleConfigurations", "ResourceConfig", "RemoteDebugConfig"),
)
PROFILER = Structure("ProfilerConfigForUpdate", honoured=debugger_rules.PROFILER)
RESOURCES = Structure(
    "ResourceConfigForUpdate",
    honoured=(),
    without_effect={"KeepAlivePeriodInSeconds": "jobs start at once here, without a warm pool"},
)
REMOTE_DEBUG = Structure(
    "RemoteDebugConfigForUpdate", honoured=(), refused={"EnableRemoteDebug": "leave it out or set it to false"}
)
STRUCTURES = (UPDATE, PROFILER, RESOURCES, REMOTE_DEBUG)


def update_training_job(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Change a job that has not ended. Its script and the sampler see a new ProfilerConfig at once.

    Raises ResourceNotFound, ValidationException.
    """
    UPDATE.check(members)
    PROFILER.check(members.get("ProfilerConfig") or {}, "ProfilerConfig.")
    REMOTE_DEBUG.check(members.get("RemoteDebugConfig") or {}, "RemoteDebugConfig.")
    with context.database.transaction():
        job = store.get(context.database, members["TrainingJobName"])
        if job is None:
            raise ResourceNotFound("Requested resource not found.")
        if job.status not in store.ACTIVE:
            raise ValidationException(
                f"The request was rejected because the training job is in status {job.status}: only a job that has not"
                " ended can be updated."
            )
        request, now = updated(job.request, members), clock.now()
        _check_profiler(members, request)
        changed = store.update(context.database, job, now, request=request)
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


def _tell_script(context: Context, job: TrainingJob, profiler: Mapping[str, Any]) -> None:
    first = TrainingFolder(
        context.settings.jobs_dir.resolve() / job.name, mount_namespace.is_mounted(context.settings.opt_ml)
    )
    for host in host_names(job.request):
        rewrite_profiler_config(first.of_host(host), profiler)
