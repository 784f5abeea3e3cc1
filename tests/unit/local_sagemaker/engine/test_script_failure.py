"""Which of several hosts is named, and why it is said to have failed."""

from pathlib import Path

import pytest

from local_sagemaker.engine.training import decisions
from local_sagemaker.engine.training.job import Observation
from local_sagemaker.engine.training.script_failure import explained
from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.process import Exited, Lost, ProcessState
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.spec import TrainingSpec

NOW = 1000.0
MISSES = "errors.DistributedError: another process of the job was lost: look for the reason"
REQUEST = {
    "HyperParameters": {"sagemaker_program": "train.py", "sagemaker_torch_distributed_enabled": "true"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
}


@pytest.mark.parametrize(
    ("processes", "logs", "reason"),
    [
        ((Exited(1, NOW - 2), Exited(1, NOW - 1)), (MISSES, "ChannelError: none"), "AlgorithmError: algo-2: "),
        ((Exited(1, NOW - 2), Exited(1, NOW - 1)), ("ChannelError: none", MISSES), "AlgorithmError: algo-1: "),
        ((Exited(1, NOW - 2), Exited(-9, NOW - 1)), (MISSES, "on"), "AlgorithmError: algo-2: "),
        ((Exited(-15, NOW + 1), Exited(-15, NOW - 1)), ("on", "on"), "AlgorithmError: algo-2: "),
        ((Exited(1, NOW - 2), Exited(-15, NOW + 1)), (MISSES, "on"), "AlgorithmError: algo-1: "),  # nobody else is left
        ((Exited(1, NOW - 2), Lost()), (MISSES, "on"), "InternalServerError: algo-2: The training process ended"),
    ],
)
def test_the_host_with_a_reason_of_its_own_is_named(
    tmp_path: Path, processes: tuple[ProcessState, ...], logs: tuple[str, str], reason: str
) -> None:
    spec = TrainingSpec("job", "arn", "us-east-1", REQUEST, TrainingFolder(tmp_path), hosts=("algo-1", "algo-2"))
    for host, line in zip(spec.all_hosts(), logs, strict=True):
        host.folder.root.mkdir(parents=True, exist_ok=True)
        job_log.append(host.folder.log, [line])
    observation = Observation(phase="Uploading", stopping=False, now=NOW + 2, processes=processes, terminated_at=NOW)
    found = explained(spec, observation, decisions.failed(None)).failure_reason
    assert found is not None
    assert found.startswith(reason)
