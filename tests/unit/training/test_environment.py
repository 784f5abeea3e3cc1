import json
from pathlib import Path

import pytest

from tests.unit.training.scripts import Scripts


def test_variables_and_files(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "checkpointconfig.json").write_text(json.dumps({"S3Uri": "s3://b/c", "LocalPath": "/opt/here"}))
    (tmp_path / "debughookconfig.json").write_text("{}")
    environment = scripts.environment.read_environment(
        {
            "SM_CHANNEL_TRAIN": "/data/train",
            "SM_MODEL_DIR": "/m",
            "SM_OUTPUT_DATA_DIR": "/o",
            "SM_INPUT_CONFIG_DIR": str(tmp_path),
            "TRAINING_JOB_NAME": "dogs-1",
            "SM_NUM_CPUS": "4",
            "OMP_NUM_THREADS": "2",
        }
    )
    assert environment.channels == {"train": Path("/data/train")}
    assert (environment.model_folder, environment.output_folder) == (Path("/m"), Path("/o"))
    assert environment.checkpoint_folder == Path("/opt/here")
    assert environment.debug_hook_config == tmp_path / "debughookconfig.json"
    assert (environment.job_name, environment.cpus) == ("dogs-1", 2)


def test_without_configuration_there_is_neither_checkpoint_nor_debugger(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts.environment, "DEFAULT_CHECKPOINT_FOLDER", tmp_path / "checkpoints")
    variables = {"SM_INPUT_CONFIG_DIR": str(tmp_path), "SM_NUM_CPUS": "3"}
    environment = scripts.environment.read_environment(variables)
    assert (environment.checkpoint_folder, environment.debug_hook_config, environment.cpus) == (None, None, 3)
    (tmp_path / "checkpoints").mkdir()
    assert scripts.environment.read_environment(variables).checkpoint_folder == tmp_path / "checkpoints"


def test_a_broken_configuration_is_named(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "checkpointconfig.json").write_text("[")
    with pytest.raises(scripts.errors.TrainingJobError, match=r"checkpointconfig\.json"):
        scripts.environment.read_environment({"SM_INPUT_CONFIG_DIR": str(tmp_path)})
