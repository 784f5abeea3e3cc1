"""What Debugger and Profiler rules make of a training job: asked of the process that judges jobs."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from service.aws import sagemaker_jobs
from service.aws.clients import Clients
from service.domain import diagnosed_job, script_mode
from service.domain.job_events import Judged
from service.errors import EvaluationBusy, EvaluationFailed, ProfileNotTaken, TensorsNotSaved
from service.evaluation.judge import Judge
from service.evaluation.messages import Answer
from service.schemas.debugger_answer import (
    DebuggerFilter,
    DebuggerReport,
    JudgedRule,
    SavedTensor,
    TensorFilter,
    TensorListFilter,
    TensorSeries,
)
from service.schemas.page import Page
from service.schemas.profiler_answer import PlatformRule, ProfilerFilter, ProfilerReport

Members = Mapping[str, Any]


def debugger(clients: Clients, judge: Judge, name: str, asked: DebuggerFilter) -> DebuggerReport:
    """Every rule of the job with its verdict, as far as it has been evaluated.

    Raises TrainingJobNotFound, TensorsNotSaved, EvaluationBusy and EvaluationFailed.
    """
    job = sagemaker_jobs.describe_training_job(clients, name)
    told = _ask_about_tensors(judge, job, "debugger", asked.model_dump()).members
    return DebuggerReport(
        name=name,
        evaluation=told["evaluation"],
        rules=judged_rules(job, told["rules"]),
        curves=told["curves"],
        notes=told["notes"],
    )


def tensors(clients: Clients, judge: Judge, name: str, asked: TensorListFilter) -> Page[SavedTensor]:
    """One page of the tensors that the job has saved, by name. Raises TrainingJobNotFound and TensorsNotSaved."""
    job = sagemaker_jobs.describe_training_job(clients, name)
    told = _ask_about_tensors(judge, job, "tensors", asked.model_dump()).members
    folder = f"/jobs/training/{name}/debugger/tensors"
    items = [{**tensor, "url": f"{folder}/{quote(tensor['name'])}"} for tensor in told["items"]]
    return Page(items=[SavedTensor.model_validate(item) for item in items], next_cursor=told["next_cursor"])


def tensor(clients: Clients, judge: Judge, name: str, tensor_name: str, asked: TensorFilter) -> TensorSeries:
    """A tensor's figure over the steps. Raises TrainingJobNotFound, TensorsNotSaved and TensorNotFound."""
    job = sagemaker_jobs.describe_training_job(clients, name)
    question = {**asked.model_dump(mode="json"), "tensor": tensor_name}
    return TensorSeries.model_validate(_ask_about_tensors(judge, job, "tensor", question).members)


def profiler(clients: Clients, judge: Judge, name: str, asked: ProfilerFilter) -> ProfilerReport:
    """What the Profiler rules make of the job. Raises TrainingJobNotFound and ProfileNotTaken."""
    job = sagemaker_jobs.describe_training_job(clients, name)
    subject = diagnosed_job.subject(job)
    if subject.profile is None:
        raise ProfileNotTaken(
            f"The training job {name} was made without a profiler, so nobody measured its instances.",
            'Create the job with "profiler": {} to measure them.',
        )
    told = judge.ask({"about": "profiler", "job": subject.as_json(), **asked.model_dump()}).members
    platform = [
        PlatformRule(name=rule_name, status=status.get("RuleEvaluationStatus"), details=_details(status))
        for rule_name, status in _by_name(job, "ProfilerRuleEvaluationStatuses").items()
    ]
    return ProfilerReport.model_validate({**told, "name": name, "platform": platform})


def judged_for_events(judge: Judge, job: Members) -> Judged | None:
    """The rules of a job whose tensors the script saves; None for a job whose rules SageMaker evaluates, or nobody.

    A job that has saved nothing, or cannot be judged now, has nothing to tell.
    """
    subject = diagnosed_job.subject(job)
    if subject.tensors is None or not script_mode.read(job.get("Environment", {})):
        return None
    try:
        told = judge.ask({"about": "debugger", "job": subject.as_json(), "curves": False, "max_points": 2}).members
    except (TensorsNotSaved, EvaluationFailed):
        return Judged({}, final=True)
    except EvaluationBusy:
        return Judged({}, final=False)
    statuses = {
        rule["name"]: {
            "name": rule["name"],
            "kind": "debugger",
            "status": rule["status"],
            "details": rule["details"] or None,
        }
        for rule in told["rules"]
    }
    return Judged(statuses, final=told["evaluation"]["state"] != "InProgress")


def judged_rules(job: Members, told: list[dict[str, Any]]) -> list[JudgedRule]:
    """The rules as the service judges them, with SageMaker's status where it is another; a user's own rules too."""
    platform = _by_name(job, "DebugRuleEvaluationStatuses")
    ours = {rule["name"]: rule for rule in told}
    custom = {
        rule["RuleConfigurationName"]: rule.get("RuleParameters", {}).get("rule_to_invoke", "")
        for rule in job.get("DebugRuleConfigurations", [])
        if diagnosed_job.is_custom(rule)
    }
    return [
        _judged(ours[name], platform.get(name)) if name in ours else _of_platform(name, custom[name], platform[name])
        for name in dict.fromkeys([*platform, *ours])
        if name in ours or name in custom
    ]


def _judged(rule: Mapping[str, Any], platform: Members | None) -> JudgedRule:
    judged = JudgedRule.model_validate({**rule, "details": rule["details"] or None})
    if platform is not None and platform.get("RuleEvaluationStatus") != judged.status:
        judged.platform_status = platform.get("RuleEvaluationStatus")
        judged.platform_details = _details(platform)
    return judged


def _of_platform(name: str, rule: str, platform: Members) -> JudgedRule:
    """A custom rule: its code runs beside the job, never in the service."""
    status = str(platform.get("RuleEvaluationStatus"))
    return JudgedRule.model_validate(
        {"name": name, "rule": rule, "status": status, "details": _details(platform), "finding": None}
    )


def _ask_about_tensors(judge: Judge, job: Members, about: str, question: Members) -> Answer:
    subject = diagnosed_job.subject(job)
    if subject.tensors is None:
        raise TensorsNotSaved(
            f"The training job {subject.name} was made without a debugger, so it saves no tensors.",
            'Create the job with "debugger": {} to save tensors and judge them, with "collected_by": "script" as well '
            "where AWS refuses Debugger.",
        )
    return judge.ask({"about": about, "job": subject.as_json(), **question})


def _by_name(job: Members, member: str) -> dict[str, Members]:
    return {status["RuleConfigurationName"]: status for status in job.get(member, [])}


def _details(status: Members) -> str | None:
    return (status.get("StatusDetails") or "").strip() or None
