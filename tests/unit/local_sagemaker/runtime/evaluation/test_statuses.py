"""statuses.json."""

import errno
import json
from pathlib import Path

import pytest

from diagnostics.rules.rule_evaluation import RuleStatus
from local_sagemaker.runtime import shim
from local_sagemaker.runtime.evaluation.statuses import Standing, Statuses

GOES_ON = Standing("a", "Overfit", RuleStatus.IN_PROGRESS, "", stop_training=False)
FIRED = Standing("a", "Overfit", RuleStatus.ISSUES_FOUND, "why", stop_training=True)
REPORT = Standing("r", "ProfilerReport", RuleStatus.IN_PROGRESS, "")


def test_the_engines_members(tmp_path: Path) -> None:
    Statuses(tmp_path / "statuses.json").write([FIRED], [REPORT])
    found = json.loads((tmp_path / "statuses.json").read_bytes())
    [debug], [profiler] = found["debug"], found["profiler"]
    assert debug.pop("modified_at") > 1_700_000_000
    assert debug == {"name": "a", "rule": "Overfit", "status": "IssuesFound", "details": "why", "stop_training": True}
    assert set(profiler) == {"name", "rule", "status", "details", "modified_at"}


def test_what_is_as_it_was_is_not_written_and_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "statuses.json"
    statuses = Statuses(path)
    assert statuses.empty
    statuses.write([GOES_ON], [REPORT])
    written_at, before = path.stat().st_mtime_ns, json.loads(path.read_bytes())
    statuses.write([GOES_ON], [REPORT])
    assert path.stat().st_mtime_ns == written_at
    again = Statuses(path)  # another evaluator, in the first one's place
    assert not again.empty
    again.write([FIRED], [REPORT])
    after = json.loads(path.read_bytes())
    assert after["profiler"] == before["profiler"]
    assert after["debug"][0]["modified_at"] > before["debug"][0]["modified_at"]


def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[OSError] = []
    write = shim.write_json

    def full(path: str, value: dict[str, object]) -> None:
        if len(refused) < 2:
            refused.append(OSError(errno.ENOSPC, "No space left on device"))
            raise refused[-1]
        write(path, value)

    monkeypatch.setattr(shim, "write_json", full)
    monkeypatch.setattr(shim, "FULL_DISK_SECONDS", 0.0)
    Statuses(tmp_path / "statuses.json").write([FIRED], [])
    assert len(refused) == 2
    assert json.loads((tmp_path / "statuses.json").read_bytes())["debug"][0]["status"] == "IssuesFound"


def test_a_file_that_the_disk_lost_is_none(tmp_path: Path) -> None:
    (tmp_path / "statuses.json").write_bytes(b"")
    assert Statuses(tmp_path / "statuses.json").empty
