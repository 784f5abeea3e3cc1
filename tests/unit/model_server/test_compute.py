"""model_server/compute.py and model_server/settings.py: workers, and what each is given."""

from collections.abc import Mapping

import pytest

from model_server.compute import compute, gpus_of_machine
from model_server.settings import BadSetting, read_settings


@pytest.mark.parametrize(
    ("environment", "workers", "cpus", "expected"),
    [
        ({}, None, None, (8, "1")),
        ({"OMP_NUM_THREADS": "4"}, None, None, (4, "1")),
        ({"OMP_NUM_THREADS": "4"}, 2, None, (2, "2")),
        ({"OMP_NUM_THREADS": "4"}, 8, None, (8, "1")),
        ({"OMP_NUM_THREADS": "64"}, None, None, (8, "1")),  # more than the machine has
        ({"OMP_NUM_THREADS": "many"}, None, 4, (4, None)),
        ({"OMP_NUM_THREADS": "4"}, None, 4, (4, "1")),
        ({"OMP_NUM_THREADS": "1"}, None, 4, (4, None)),  # the model's own wish
        ({"OMP_NUM_THREADS": "7"}, 1, 2, (1, None)),
    ],
)
def test_workers_and_their_threads(
    environment: Mapping[str, str], workers: int | None, cpus: int | None, expected: tuple[int, str | None]
) -> None:
    share = compute(environment, workers=workers, cpus=cpus, cores=8, gpus=[])
    assert (share.workers, share.environment(0, environment).get("OMP_NUM_THREADS")) == expected


def test_a_worker_a_gpu_each_sees_its_own() -> None:
    share = compute({}, workers=None, cpus=None, cores=8, gpus=["0", "1"])
    assert share.workers == 2
    given = [share.environment(index, {}) for index in range(2)]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in given] == ["0", "1"]
    assert {one["OMP_NUM_THREADS"] for one in given} == {"4"}
    several = compute({}, workers=3, cpus=None, cores=8, gpus=["0", "1"])
    assert several.environment(2, {})["CUDA_VISIBLE_DEVICES"] == "0"


@pytest.mark.parametrize(("visible", "gpus"), [("", []), ("-1", []), ("0,1", ["0", "1"]), ("GPU-ab", ["GPU-ab"])])
def test_gpus_are_those_that_cuda_may_use(visible: str, gpus: list[str]) -> None:
    assert gpus_of_machine({"CUDA_VISIBLE_DEVICES": visible}) == gpus


def test_settings_have_defaults_and_say_what_they_take() -> None:
    found = read_settings({"MODEL_SERVER_QUEUE_SIZE": "", "SAGEMAKER_TS_MAX_BATCH_DELAY": "20"})
    assert (found.workers, found.queue_size, found.queue_bytes) == (None, 512, 256 * 2**20)
    assert (found.batch_size, found.batch_delay_seconds, found.access_log) == (1, 0.02, True)
    assert not read_settings({"MODEL_SERVER_ACCESS_LOG": "0"}).access_log
    for name, value in {"SAGEMAKER_MODEL_SERVER_WORKERS": "0", "MODEL_SERVER_QUEUE_SIZE": "1.5"}.items():
        with pytest.raises(BadSetting, match=f"{name} is '{value}'; it takes a whole number of at least 1"):
            read_settings({name: value})
