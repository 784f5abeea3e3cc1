"""Fixtures of the client tests. Every test here carries the marker `clients`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.clients.aws_cli import AwsCli
from tests.clients.client_process import Ran, client_environment, run_client
from tests.clients.environments import environment
from tests.local_server import LocalServer, running_server


class RunClient(Protocol):
    """Runs a client's script with arguments and, in upper case, environment variables; answers what it wrote."""

    def __call__(self, script: str, *arguments: str, **env: str) -> Ran: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark this folder's tests; the hook is called with all of the session's."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.clients)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One local_sagemaker a test module."""
    with running_server(tmp_path_factory.mktemp("state"), stop_grace_seconds=5) as server:
        yield server


@pytest.fixture(scope="module")
def client_env(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables of a client of the module's server."""
    return client_environment(server.base_url, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def run_v2(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> RunClient:
    """Run a script of sdk_v2/ in a fresh copy of that folder, with the SageMaker SDK version 2."""
    return script_runner("sdk_v2", client_env, tmp_path_factory)


@pytest.fixture(scope="module")
def run_v3(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> RunClient:
    """Run a script of sdk_v3/ in a fresh copy of that folder, with the SageMaker SDK version 3."""
    return script_runner("sdk_v3", client_env, tmp_path_factory)


@pytest.fixture(scope="module")
def aws(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AwsCli:
    """The AWS CLI, version 1, in an empty folder."""
    return AwsCli(environment("cli_v1"), client_env, tmp_path_factory.mktemp("cli"))


def script_runner(
    name: str,
    env: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    *,
    environment_name: str | None = None,
) -> RunClient:
    """Runs scripts of the folder `name`, each in a fresh copy of it, in the environment of that name or another."""
    python = environment(environment_name or name)

    def run(script: str, *arguments: str, **more: str) -> Ran:
        folder = tmp_path_factory.mktemp(Path(script).stem) / name
        shutil.copytree(Path(__file__).parent / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return run_client([python, script, *arguments], {**env, **more}, folder)

    return run
