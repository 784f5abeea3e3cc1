"""Diagnostics that the script itself records, for accounts without Debugger."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.scripts import Scripts

VARIABLE = "SAGEHOUND_DIAGNOSTICS"


def asked(**members: Any) -> dict[str, str]:
    return {VARIABLE: json.dumps(members)}


def test_nobody_asks(scripts: Scripts) -> None:
    assert scripts.script_mode.read_script_mode({}, None) is None


def test_what_the_service_asks_for_is_understood(scripts: Scripts, tmp_path: Path) -> None:
    """Written by service/domain/script_mode.py: cut into parts, rules for the service beside it."""
    from service.domain import script_mode as service
    from service.schemas.training_job_request import TrainingJobRequest

    request = TrainingJobRequest.model_validate(
        {
            "name": "dogs",
            "channels": {"train": "s3://dogs/train", "validation": "s3://dogs/valid"},
            "debugger": {
                "train_save_interval": 3,
                "collections": [{"name": "custom", "include_regex": "x" * 250 + str(n)} for n in range(9)],
            },
            "profiler": {"interval_ms": 200},
            "collected_by": "script",
        }
    )
    variables = service.environment("dogs", request)
    assert len(variables) > 4
    mode = scripts.script_mode.read_script_mode(variables, tmp_path)
    assert mode.folder == tmp_path / "diagnostics/dogs"
    assert mode.interval_ms == 200
    assert mode.hook["HookParameters"]["train.save_interval"] == "3"
    assert len(mode.hook["CollectionConfigurations"]) == 9


def test_without_a_checkpoint_folder_it_says_what_to_give(scripts: Scripts) -> None:
    with pytest.raises(scripts.errors.DiagnosticsError, match="give it a CheckpointConfig"):
        scripts.script_mode.read_script_mode(asked(interval_ms=500), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "no JSON object"),
        ('{"folder": "../up"}', "name a folder within the checkpoint folder"),
        ('{"folder": "/etc"}', "name a folder within the checkpoint folder"),
        ('{"folder": 1}', "name a folder within the checkpoint folder"),
        ('{"hook": "yes"}', "give the members of a DebugHookConfig"),
        ('{"interval_ms": 250}', "give one of 100, 200, 500, 1000, 5000, 60000"),
        ('{"interval_ms": "500"}', "give one of 100"),
    ],
)
def test_what_cannot_be_done_is_refused(scripts: Scripts, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(scripts.errors.DiagnosticsError, match=words):
        scripts.script_mode.read_script_mode({VARIABLE: text}, tmp_path)


def test_of_several_hosts_only_the_first_one_saves_tensors(scripts: Scripts, tmp_path: Path) -> None:
    variables = asked(hook={}, interval_ms=500)
    modes = [
        scripts.script_mode.read_script_mode({**variables, "SM_CURRENT_HOST": host}, tmp_path)
        for host in ("algo-1", "algo-2")
    ]
    assert [mode.hook for mode in modes] == [{}, None]
    assert [mode.interval_ms for mode in modes] == [500, 500]


def ends(folder: Path) -> set[str]:
    return {str(path.parent.relative_to(folder)) for path in folder.rglob("training_job_end.ts")}


ALL_ENDS = {"debug-output", "profiler-output/system", "profiler-output/framework"}


def test_the_end_is_marked_also_after_an_error(scripts: Scripts, tmp_path: Path) -> None:
    mode = scripts.script_mode.read_script_mode(asked(hook={"HookParameters": {}}, interval_ms=60000), tmp_path)
    folder = tmp_path / "diagnostics"
    with mode.recorded("algo-1"):
        assert ends(folder) == set()
        assert json.loads(mode.hook_config.read_text()) == {
            "HookParameters": {},
            "LocalPath": str(folder / "debug-output"),
        }
    assert ends(folder) == ALL_ENDS
    assert list((folder / "profiler-output/system/incremental").rglob("*.algo-1.json"))

    def fail() -> None:
        with mode.recorded("algo-1"):
            assert ends(folder) == set()  # a job that goes on has not ended
            raise RuntimeError("the job fails")

    with pytest.raises(RuntimeError):
        fail()
    assert ends(folder) == ALL_ENDS


@pytest.mark.parametrize(
    ("members", "marked"),
    [({"hook": {}}, {"debug-output"}), ({"interval_ms": 500}, ALL_ENDS - {"debug-output"}), ({}, set())],
)
def test_only_what_was_asked_for_is_there(
    scripts: Scripts, tmp_path: Path, members: dict[str, Any], marked: set[str]
) -> None:
    mode = scripts.script_mode.read_script_mode(asked(folder="d", **members), tmp_path)
    with mode.recorded("algo-1"):
        pass
    assert ends(tmp_path / "d") == marked
    assert (mode.hook_config is None) == ("hook" not in members)
