"""Why a training job failed: the words of FailureReason."""

from signal import SIGTERM

from local_sagemaker.engine.training import decisions
from local_sagemaker.engine.training import job as rules
from local_sagemaker.engine.training.job import Observation
from local_sagemaker.runtime import compute_share, process
from local_sagemaker.runtime.failure import MAX_CHARACTERS, error_message, failure_reason, is_for_anothers_sake
from local_sagemaker.runtime.training.command import command
from local_sagemaker.runtime.training.spec import TrainingSpec


def explained(spec: TrainingSpec, observation: Observation, end: decisions.End) -> decisions.End:
    """The end with its reason: the script's own, and what could not be uploaded."""
    if end.status != "Failed":
        return end
    reason, not_uploaded = end.failure_reason, observation.step_error
    if reason is None or reason == decisions.LOST:
        reason = script_failure(spec, observation)
    if not_uploaded and reason != not_uploaded:
        reason = f"{reason[: MAX_CHARACTERS - 1 - len(not_uploaded)]} {not_uploaded}"
    # Names of files may be no UTF-8, in which the database keeps them.
    return decisions.failed(reason.encode("utf-8", "replace").decode()[:MAX_CHARACTERS])


def script_failure(spec: TrainingSpec, observation: Observation) -> str:
    """Why the script failed, on the host where it failed first and not only because another one was gone."""
    failures = rules.failures(observation)
    index = next((index for index in failures if _is_own(spec, observation, index)), failures[0])
    host, state = spec.all_hosts()[index], observation.processes[index]
    reason = decisions.LOST
    if isinstance(state, process.Exited):
        argv, toolkit = command(host, compute_share.ComputeShare(cpus=1, gpus=0)), not host.entrypoint
        reason = failure_reason(host.folder.log, host.folder.failure, argv, state.returncode, toolkit=toolkit)
    if len(host.hosts) > 1:
        kind, _, text = reason.partition(": ")
        reason = f"{kind}: {host.host}: {text}"
    return reason


def _is_own(spec: TrainingSpec, observation: Observation, index: int) -> bool:
    """Whether a failed host has a reason of its own: it was neither ended for another's sake nor only misses one."""
    state = observation.processes[index]
    if not isinstance(state, process.Exited) or len(spec.hosts) == 1:
        return True
    if state.returncode < 0:
        by_us = observation.terminated_at is not None and state.ended_at >= observation.terminated_at
        return state.returncode != -SIGTERM or not by_us
    return not is_for_anothers_sake(error_message(spec.all_hosts()[index].folder.log))
