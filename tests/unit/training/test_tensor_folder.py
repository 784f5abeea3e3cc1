from pathlib import Path

import pytest

from tests.unit.training.scripts import Scripts


def saved(folder: Path) -> set[int]:
    return {int(path.name) for path in (folder / "events").iterdir()}


def test_steps_that_are_taken_again_are_forgotten(scripts: Scripts, tmp_path: Path) -> None:
    for step in (0, 5, 999, 1000, 1001):
        events = tmp_path / f"events/{step:012d}"
        events.mkdir(parents=True)
        (events / f"{step:012d}_worker_0.tfevents").touch()
        index = tmp_path / f"index/{step // 1000:09d}/{step:012d}_worker_0.json"
        index.parent.mkdir(parents=True, exist_ok=True)
        index.touch()
    collections = tmp_path / "collections/000000000/worker_0_collections.json"
    collections.parent.mkdir(parents=True)
    for path in (collections, tmp_path / "training_job_end.ts", tmp_path / "claim.smd"):
        path.touch()
    scripts.tensor_folder.make_ready(tmp_path, 1000)
    assert saved(tmp_path) == {0, 5, 999}
    assert {path.name[:12] for path in tmp_path.glob("index/*/*")} == {f"{step:012d}" for step in (0, 5, 999)}
    assert collections.exists()
    assert not (tmp_path / "training_job_end.ts").exists()
    assert not (tmp_path / "claim.smd").exists()
    scripts.tensor_folder.make_ready(tmp_path, 0)
    assert saved(tmp_path) == set()


def test_a_folder_that_is_not_there_needs_nothing(scripts: Scripts, tmp_path: Path) -> None:
    scripts.tensor_folder.make_ready(tmp_path / "tensors", 0)
    assert not (tmp_path / "tensors").exists()


def test_the_folder_is_the_configurations(scripts: Scripts, tmp_path: Path) -> None:
    config = tmp_path / "debughookconfig.json"
    config.write_text('{"LocalPath": "/here"}')
    assert scripts.tensor_folder.tensor_folder(config) == Path("/here")
    config.write_text("{}")
    assert scripts.tensor_folder.tensor_folder(config) == Path("/opt/ml/output/tensors")
    for text in ("[]", "{", '{"LocalPath": 3}'):
        config.write_text(text)
        with pytest.raises(scripts.errors.DebuggerError, match="is not a DebugHookConfig"):
            scripts.tensor_folder.tensor_folder(config)
