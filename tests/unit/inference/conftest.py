from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.inference import artifacts, handler


@pytest.fixture(scope="session")
def modules() -> dict[str, ModuleType]:
    return handler.load()


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return artifacts.write(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def torch_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return artifacts.write_torch(artifacts.write(tmp_path_factory.mktemp("torch_model")))


@pytest.fixture(scope="session")
def model(modules: dict[str, ModuleType], artifact: Path) -> Any:
    return modules["inference"].model_fn(str(artifact))
