"""Metric definitions over a log."""

from pathlib import Path

import pytest

from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.training import metrics
from local_sagemaker.runtime.training.metrics import BadMetricDefinition, MetricValue
from local_sagemaker.runtime.training.required_text import required_text

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
    log = tmp_path / "log"
    job_log.append(log, [f"epoch={number}" for number in range(5)])
    monkeypatch.setattr(metrics, "CHUNK_BYTES", int(log.stat().st_size * 0.7))
    first, offset = metrics.read(log, 0, [EPOCH])
    rest, _ = metrics.read(log, offset, [EPOCH])
    assert [value.value for value in first + rest] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(first) == 3


def test_a_bad_expression_is_named() -> None:
    metrics.check([LOSS, EPOCH])
    with pytest.raises(BadMetricDefinition, match=r"'loss'.*invalid"):
        metrics.check([{"Name": "loss", "Regex": "loss=([0-9"}])


def test_an_expression_that_takes_too_long_is_left_out_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "ALLOWANCE_SECONDS", 0.2)
    log = tmp_path / "log"
    slow = {"Name": "slow", "Regex": r"loss=.*?(\d+).*?(\d+).*?(\d+).*?(\d+)z"}
    job_log.append(log, ["loss=" + "1 " * 3000, "epoch=7"])
    found, offset = metrics.read(log, 0, [slow, EPOCH])
    assert [(value.name, value.value) for value in found] == [("epoch", 7.0)]
    [note] = [event.message for event in job_log.events_from(log, offset)]
    assert note.startswith("local_sagemaker: metric slow is left out from here on")
    job_log.append(log, ["loss=" + "1 " * 3000, "epoch=8"])
    found, end = metrics.read(log, offset, [slow, EPOCH])  # also after a restart: it is written down
    assert [value.value for value in found] == [8.0]
    assert len(list(job_log.events_from(log, offset))) == 3
    assert metrics.read(log, end, [slow, EPOCH]) == ([], end)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (LOSS["Regex"], "validation:loss="),
        (EPOCH["Regex"], "epoch="),
        (r"^loss: (.*)$", "loss: "),
        (r"loss(es)?=(\d+)", "loss"),
        (r"(?:train_loss)+\s+(\d+)", "train_loss"),
        (r"a|b", ""),
        (r"(?:a|b)c*", ""),
        (r"(?i)loss=(.*)", ""),
        (r"(?i:loss)=(.*)", "="),
        (r"(?!loss)x{2,}", "x"),
        (r"\p{L}+=", ""),
        (r".*", ""),
    ],
)
def test_text_that_a_match_must_hold(pattern: str, text: str) -> None:
    assert required_text(pattern) == text
