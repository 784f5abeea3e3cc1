"""Why a training job failed: the words of FailureReason."""

from local_sagemaker.engine.training import decisions
from local_sagemaker.engine.training import job as rules
from local_sagemaker.engine.training.job import Observation
from local_sagemaker.runtime import compute_share, process
from local_sagemaker.runtime.failure import MAX_CHARACTERS, failure_reason
from local_sagemaker.runtime.training.command import command
from local_sagemaker.runtime.training.spec import TrainingSpec


def explained(spec: TrainingSpec, observation: Observation, end: decisions.End) -> decisions.End:
    """The end with its reason: the script's own, and what could not be uploaded."""
    if end.status != "Failed":
        return end
    reason, not_uploaded = end.failure_reason or script_failure(spec, observation), observation.step_error
    if not_uploaded and reason != not_uploaded:
        reason = f"{reason[: MAX_CHARACTERS - 1 - len(not_uploaded)]} {not_uploaded}"
    # Names of files may be no UTF-8, in which the database keeps them.
    return decisions.failed(reason.encode("utf-8", "replace").decode()[:MAX_CHARACTERS])


def script_failure(spec: TrainingSpec, observation: Observation) -> str:
    """Why the script failed on the host where it failed first."""
    index = rules.first_failure(observation)
    state = observation.processes[index or 0]
    if not isinstance(state, process.Exited):
        return decisions.LOST
    host = spec.all_hosts()[index or 0]
    argv = command(host, compute_share.ComputeShare(cpus=1, gpus=0))
    reason = failure_reason(host.folder.log, host.folder.failure, argv, state.returncode, toolkit=not host.entrypoint)
    if len(host.hosts) > 1:
        kind, _, text = reason.partition(": ")
        reason = f"{kind}: {host.host}: {text}"
    return reason
