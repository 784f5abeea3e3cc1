import json
from pathlib import Path

import pytest

from tests.unit.training.scripts import Scripts


def test_variables_and_files(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "checkpointconfig.json").write_text(json.dumps({"S3Uri": "s3://b/c", "LocalPath": "/opt/here"}))
    (tmp_path / "debughookconfig.json").write_text("{}")
    (tmp_path / "profilerconfig.json").write_text("{}")
    environment = scripts.environment.read_environment(
        {
            "SM_CHANNEL_TRAIN": "/data/train",
            "SM_MODEL_DIR": "/m",
            "SM_OUTPUT_DATA_DIR": "/o/data",
            "SM_OUTPUT_DIR": "/out",
            "SM_CURRENT_HOST": "algo-2",
            "SM_INPUT_CONFIG_DIR": str(tmp_path),
            "TRAINING_JOB_NAME": "dogs-1",
            "SM_NUM_CPUS": "4",
            "OMP_NUM_THREADS": "2",
            "LOCAL_SAGEMAKER_JOB_CACHE": "/state/cache",
        }
    )
    assert environment.cache_folder == "/state/cache"
    assert environment.channels == {"train": Path("/data/train")}
    assert (environment.model_folder, environment.output_folder) == (Path("/m"), Path("/o/data"))
    assert environment.checkpoint_folder == Path("/opt/here")
    assert environment.debug_hook_config == tmp_path / "debughookconfig.json"
    assert environment.profiler_config == tmp_path / "profilerconfig.json"
    assert environment.profiler_folder == Path("/out/profiler")
    assert (environment.job_name, environment.host, environment.cpus) == ("dogs-1", "algo-2", 2)


def test_without_configuration_there_is_neither_checkpoint_nor_debugger(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts.environment, "DEFAULT_CHECKPOINT_FOLDER", tmp_path / "checkpoints")
    variables = {"SM_INPUT_CONFIG_DIR": str(tmp_path), "SM_NUM_CPUS": "3"}
    environment = scripts.environment.read_environment(variables)
    assert (environment.checkpoint_folder, environment.debug_hook_config, environment.cpus) == (None, None, 3)
    assert (environment.profiler_config, environment.script_mode) == (None, None)
    assert environment.profiler_folder == Path("/opt/ml/output/profiler")
    (tmp_path / "checkpoints").mkdir()
    assert scripts.environment.read_environment(variables).checkpoint_folder == tmp_path / "checkpoints"


def test_a_broken_configuration_is_named(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "checkpointconfig.json").write_text("[")
    with pytest.raises(scripts.errors.TrainingJobError, match=r"checkpointconfig\.json"):
        scripts.environment.read_environment({"SM_INPUT_CONFIG_DIR": str(tmp_path)})


def test_profiler_and_hook_are_where_the_variables_say(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "hook.json").write_text("{}")
    (tmp_path / "profiler.json").write_text("{}")
    environment = scripts.environment.read_environment(
        {
            "SM_INPUT_CONFIG_DIR": str(tmp_path / "none"),
            "SM_OUTPUT_DATA_DIR": "/o/data",
            "SMDEBUG_CONFIG_FILE_PATH": str(tmp_path / "hook.json"),
            "SMPROFILER_CONFIG_PATH": str(tmp_path / "profiler.json"),
        }
    )
    assert environment.debug_hook_config == tmp_path / "hook.json"
    assert environment.profiler_config == tmp_path / "profiler.json"
    assert environment.profiler_folder == Path("/o/profiler")


def test_two_hooks_are_one_too_many(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / "checkpointconfig.json").write_text(json.dumps({"LocalPath": str(tmp_path)}))
    (tmp_path / "debughookconfig.json").write_text("{}")
    variables = {"SM_INPUT_CONFIG_DIR": str(tmp_path), "SAGEHOUND_DIAGNOSTICS": '{"hook": {}}'}
    with pytest.raises(scripts.errors.DiagnosticsError, match="give it one of them"):
        scripts.environment.read_environment(variables)


@pytest.mark.parametrize(
    ("variables", "cpus"),
    [
        ({"OMP_NUM_THREADS": "8", "SM_NUM_CPUS": "16"}, 4),
        ({"OMP_NUM_THREADS": "1", "SM_NUM_CPUS": "16"}, 8),  # by torchrun, for want of anything better
        ({"OMP_NUM_THREADS": "1", "SM_NUM_CPUS": "1"}, 1),
    ],
)
def test_the_processes_of_a_host_divide_its_cpus_and_share_a_cache(
    scripts: Scripts, variables: dict[str, str], cpus: int
) -> None:
    environment = scripts.environment.read_environment({**variables, "LOCAL_WORLD_SIZE": "2"})
    assert environment.cpus == cpus
    assert environment.host_cache_folder
    assert scripts.environment.read_environment({**variables, "LOCAL_WORLD_SIZE": "1"}).host_cache_folder == ""
