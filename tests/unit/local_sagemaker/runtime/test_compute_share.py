"""Threads and GPUs of a job."""

import pytest

from diagnostics.instances import instance_type
from local_sagemaker.runtime.compute_share import ComputeShare, compute_share


@pytest.mark.parametrize(
    ("instance", "jobs", "cores", "gpus", "expected"),
    [
        ("ml.m5.xlarge", 3, 2, 0, ComputeShare(1, 0)),
        ("ml.m5.xlarge", 1, 2, 0, ComputeShare(2, 0)),
        ("ml.m5.xlarge", 1, 16, 0, ComputeShare(4, 0)),
        ("ml.m5.xlarge", 2, 16, 1, ComputeShare(4, 0)),
        ("ml.c5.9xlarge", 3, 16, 0, ComputeShare(5, 0)),
        ("ml.g4dn.xlarge", 1, 16, 2, ComputeShare(4, 1)),
        ("ml.g4dn.xlarge", 1, 16, 0, ComputeShare(4, 0)),
    ],
)
def test_share(instance: str, jobs: int, cores: int, gpus: int, expected: ComputeShare) -> None:
    assert compute_share(instance_type(instance), jobs, cores=cores, gpus=gpus) == expected


def test_libraries_are_told() -> None:
    environment = ComputeShare(3, 2).environment()
    assert {environment[f"{library}_NUM_THREADS"] for library in ("OMP", "MKL", "OPENBLAS")} == {"3"}
    assert environment["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert ComputeShare(1, 0).environment()["CUDA_VISIBLE_DEVICES"] == ""
