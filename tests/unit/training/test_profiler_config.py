import json
import os
from pathlib import Path

import pytest

from tests.unit.training.scripts import Scripts

DEFAULT = Path("/opt/ml/output/profiler")


def test_the_folder_is_the_one_named_or_the_default(scripts: Scripts) -> None:
    folder = scripts.profiler_config.profile_folder
    assert folder({}, DEFAULT) == DEFAULT
    assert folder({"ProfilingParameters": None, "DisableProfiler": False}, DEFAULT) == DEFAULT
    assert folder({"ProfilingParameters": {"LocalPath": "/here"}}, DEFAULT) == Path("/here")
    assert folder({"ProfilingParameters": {"LocalPath": "/here"}, "DisableProfiler": True}, DEFAULT) is None
    assert folder({"DisableProfiler": "true"}, DEFAULT) is None


def test_a_change_is_seen_and_told(scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "profilerconfig.json"

    def write(**content: object) -> None:
        temporary = tmp_path / "new"
        temporary.write_text(json.dumps(content))
        os.utime(temporary, ns=(0, len(told)))  # a file system's clock may be slow
        temporary.replace(path)

    told: list[str] = []
    config = scripts.profiler_config.ProfilerConfig(path, DEFAULT)
    for content, folder, words in (
        ({}, DEFAULT, f"times of steps go to {DEFAULT}"),
        ({"DisableProfiler": True}, None, "profiler: off"),
        ({"DisableProfiler": False}, DEFAULT, f"times of steps go to {DEFAULT}"),
    ):
        write(**content)
        assert config.folder() == folder
        assert config.folder() == folder
        told.append(capsys.readouterr().out)
        assert told[-1].count("profiler:") == 1
        assert words in told[-1]


def test_a_broken_file_changes_nothing_and_is_named_once(
    scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "profilerconfig.json"
    path.write_text("{}")
    config = scripts.profiler_config.ProfilerConfig(path, DEFAULT)
    config.folder()
    for text in ("[", "[1]", '{"ProfilingParameters": 3}'):
        capsys.readouterr()
        path.write_text(text)
        os.utime(path, ns=(0, len(text)))
        assert config.folder() == DEFAULT
        assert config.folder() == DEFAULT
        assert capsys.readouterr().out.count("profilerconfig.json cannot be read, nothing changes") == 1


def test_framework_profiling_is_said_to_be_gone(
    scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "profilerconfig.json"
    path.write_text(json.dumps({"ProfilingParameters": {"LocalPath": "/p", "DetailedProfilingConfig": "{}"}}))
    assert scripts.profiler_config.ProfilerConfig(path, DEFAULT).folder() == Path("/p")
    assert "DetailedProfilingConfig: not collected, PyTorch 2 has no framework profiling" in capsys.readouterr().out
