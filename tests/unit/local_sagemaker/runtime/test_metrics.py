"""Metric definitions over a log."""

from pathlib import Path

import pytest

from local_sagemaker.runtime import job_log, metrics
from local_sagemaker.runtime.metrics import BadMetricDefinition, MetricValue

LOSS = {"Name": "validation:loss", "Regex": r"(?:^|\s)validation:loss=([0-9.eE+-]+|nan|inf)"}
EPOCH = {"Name": "epoch", "Regex": r"epoch=(\d+)"}


def test_values_come_with_their_time_from_where_reading_stopped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1500\tepoch=1 train:loss=9 validation:loss=0.5\n2500\tnothing\n")
    found, offset = metrics.read(log, 0, [LOSS, EPOCH])
    assert found == [MetricValue("validation:loss", 1.5, 0.5), MetricValue("epoch", 1.5, 1.0)]
    assert offset == log.stat().st_size
    with log.open("a") as file:
        file.write("3500\tvalidation:loss=1e-3\n4500\tvalidation:los")
    found, offset = metrics.read(log, offset, [LOSS])
    assert found == [MetricValue("validation:loss", 3.5, 0.001)]
    assert metrics.read(log, offset, [LOSS]) == ([], offset)


def test_nan_and_infinity_are_there_without_a_value(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1000\tvalidation:loss=nan\n2000\tvalidation:loss=inf\n3000\tvalidation:loss=e\n")
    found, _ = metrics.read(log, 0, [LOSS])
    assert found == [MetricValue("validation:loss", 1.0, None), MetricValue("validation:loss", 2.0, None)]


def test_one_reading_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_EVENTS", 3)
    log = tmp_path / "log"
    job_log.append(log, [f"epoch={number}" for number in range(5)])
    first, offset = metrics.read(log, 0, [EPOCH])
    rest, _ = metrics.read(log, offset, [EPOCH])
    assert [value.value for value in first + rest] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(first) == 3


def test_a_bad_expression_is_named() -> None:
    metrics.check([LOSS, EPOCH])
    with pytest.raises(BadMetricDefinition, match=r"'loss'.*invalid"):
        metrics.check([{"Name": "loss", "Regex": "loss=([0-9"}])
