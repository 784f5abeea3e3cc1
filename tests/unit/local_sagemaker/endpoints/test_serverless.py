"""engine/endpoints/serverless.py: how many model servers a serverless variant has."""

import pytest

from local_sagemaker.engine.endpoints.serverless import servers_to_prove_it, wanted_servers

CONFIG = {"MemorySizeInMB": 1024, "MaxConcurrency": 4}
PROVISIONED = {**CONFIG, "ProvisionedConcurrency": 2}


@pytest.mark.parametrize(
    ("config", "running", "invocations", "idle_seconds", "wanted"),
    [
        (CONFIG, 0, 0, 0.0, 0),  # nobody asks
        (CONFIG, 0, 1, 0.0, 1),
        (CONFIG, 1, 3, 0.0, 3),
        (CONFIG, 1, 9, 0.0, 4),  # MaxConcurrency
        (CONFIG, 3, 1, 0.0, 3),  # fewer ask, but not none for long enough
        (CONFIG, 3, 0, 59.0, 3),
        (CONFIG, 3, 0, 60.0, 0),
        (PROVISIONED, 0, 0, 0.0, 2),
        (PROVISIONED, 4, 0, 60.0, 2),
    ],
)
def test_servers_follow_the_invocations(
    config: dict[str, int], running: int, invocations: int, idle_seconds: float, wanted: int
) -> None:
    found = wanted_servers(config, running, invocations=invocations, idle_seconds=idle_seconds, idle_limit=60.0, most=8)
    assert found == wanted


def test_no_more_servers_than_the_machine_runs() -> None:
    assert wanted_servers(CONFIG, 0, invocations=4, idle_seconds=0.0, idle_limit=60.0, most=2) == 2
    assert wanted_servers(PROVISIONED, 0, invocations=0, idle_seconds=99.0, idle_limit=60.0, most=1) == 1


def test_one_server_at_least_proves_the_model() -> None:
    assert servers_to_prove_it(CONFIG, 8) == 1
    assert servers_to_prove_it(PROVISIONED, 8) == 2
    assert servers_to_prove_it(PROVISIONED, 1) == 1
