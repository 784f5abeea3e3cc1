"""Files of system metrics on a disk that is full."""

import errno
import json
import os
from pathlib import Path

import pytest

from local_sagemaker.runtime.sampling import metrics_file
from local_sagemaker.runtime.sampling.metrics import Metric

SAMPLE = [Metric("cpu", "cpu0", "CPUUtilization", 12.5), Metric("cpu", "cpu1", "CPUUtilization", 7.0)]


def lines(root: Path) -> list[dict[str, object]]:
    [path] = root.glob("system/incremental/*/*.json")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_sample_is_there_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    metrics_file.append(tmp_path, "algo-1", SAMPLE, 1_700_000_001.0)
    monkeypatch.setattr(os, "write", lambda file, text: write(file, text[:30]))  # room for less than it takes
    metrics_file.append(tmp_path, "algo-1", SAMPLE, 1_700_000_002.0)

    def full(_file: int, _text: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    metrics_file.append(tmp_path, "algo-1", SAMPLE, 1_700_000_003.0)
    monkeypatch.setattr(os, "write", write)
    metrics_file.append(tmp_path, "algo-1", SAMPLE, 1_700_000_004.0)
    assert [line["Timestamp"] for line in lines(tmp_path)] == [1_700_000_001.0] * 2 + [1_700_000_004.0] * 2


def test_any_other_fault_is_told(tmp_path: Path) -> None:
    (tmp_path / "system").write_text("no folder")
    with pytest.raises(NotADirectoryError):
        metrics_file.append(tmp_path, "algo-1", SAMPLE, 1_700_000_001.0)
