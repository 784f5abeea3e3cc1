"""System metrics: the arithmetic, GPUs by a library in the driver's place, and the files that smdebug reads."""

import json
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from smdebug.profiler.system_metrics_reader import LocalSystemMetricsReader

from tests.unit.training.scripts import Scripts
from tests.waiting import wait_for


def look(scripts: Scripts, **changed: Any) -> Any:
    core = scripts.system_metrics.CoreTimes
    values = {
        "at": 10.0, "memory_percent": 25.0, "cores": (core(1.0, 1.0, 10.0), core(5.0, 0.0, 10.0)), "gpus": (),
        "disk_operations": 100, "read_bytes": 1000, "written_bytes": 2000, "received_bytes": 50, "sent_bytes": 60,
    }  # fmt: skip
    return scripts.system_metrics.Look(**{**values, **changed})


def test_what_happened_between_two_looks(scripts: Scripts) -> None:
    core = scripts.system_metrics.CoreTimes
    now = look(
        scripts,
        at=10.5,
        memory_percent=30.0,
        cores=(core(1.4, 1.05, 10.5), core(5.0, 0.0, 10.0)),
        disk_operations=110,
        read_bytes=1500,
        written_bytes=2000,
        received_bytes=55,
        sent_bytes=10,
        gpus=((71.0, 40.0), (0.0, 1.5)),
    )
    found = {tuple(metric[:3]): metric.value for metric in scripts.system_metrics.metrics(look(scripts), now)}
    assert found == pytest.approx(
        {
            ("memory", "MemoryUsedPercent", ""): 30,
            ("cpu", "cpu0", "CPUUtilization"): 80,
            ("cpu", "cpu0", "I/OWaitPercentage"): 10,
            ("cpu", "cpu1", "CPUUtilization"): 0,  # no time has passed by its own clock
            ("cpu", "cpu1", "I/OWaitPercentage"): 0,
            ("i/o", "IOPS", ""): 20,
            ("i/o", "ReadThroughputInBytesPerSecond", ""): 1000,
            ("i/o", "WriteThroughputInBytesPerSecond", ""): 0,
            ("network", "ReceiveBytesPerSecond", "Algorithm"): 10,
            ("network", "TransmitBytesPerSecond", "Algorithm"): 0,  # an interface has gone
            ("gpu", "gpu0", "GPUUtilization"): 71,
            ("gpu", "gpu0", "GPUMemoryUtilization"): 40,
            ("gpu", "gpu1", "GPUUtilization"): 0,
            ("gpu", "gpu1", "GPUMemoryUtilization"): 1.5,
        }
    )


def test_this_machine_is_seen(scripts: Scripts) -> None:
    with scripts.system_metrics.metrics_of_this_machine() as metrics:
        sum(range(10**6))
        taken = metrics.take()
    values = {tuple(metric[:3]): metric.value for metric in taken}
    assert len([name for name in values if name[2] == "CPUUtilization"]) == os.cpu_count()
    assert 0 < values["memory", "MemoryUsedPercent", ""] <= 100
    assert all(0 <= metric.value <= 100 for metric in taken if metric.type == "cpu")
    assert all(metric.value >= 0 for metric in taken)


class Driver:
    """In the place of NVIDIA's library: two GPUs."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        self.open = False

    def nvmlInit(self) -> None:  # noqa: N802 - NVIDIA's name, as the others
        self.open = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=handle + 1, total=8)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=90 - handle, memory=3)


def test_gpus_are_the_drivers(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    monkeypatch.setattr(scripts.gpus, "pynvml", driver)
    with scripts.gpus.gpus_of_this_machine() as gpus:
        assert gpus.read() == [(90.0, 12.5), (89.0, 25.0)]
        assert driver.open
    assert not driver.open


def test_without_a_driver_there_are_none(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()

    def missing() -> None:
        raise driver.NVMLError("Driver Not Loaded")

    monkeypatch.setattr(driver, "nvmlInit", missing)
    monkeypatch.setattr(scripts.gpus, "pynvml", driver)
    with scripts.gpus.gpus_of_this_machine() as gpus:
        assert gpus.read() == []


def test_a_line_is_as_sagemaker_writes_it(scripts: Scripts) -> None:
    metric = scripts.system_metrics.Metric("cpu", "cpu0", "I/OWaitPercentage", 4.0)
    assert scripts.sampler.line(metric, "algo-1", 1737457754.001811) == (
        '{"Type":"cpu","Name":"cpu0","Dimension":"I/OWaitPercentage","Value":4.00,"NodeId":"algo-1",'
        '"Timestamp":1737457754.001811}\n'
    )


class Counted:
    """Metrics of which each sample is a number."""

    def __init__(self, scripts: Scripts) -> None:
        self.metric = scripts.system_metrics.Metric
        self.taken = 0

    def take(self) -> list[Any]:
        self.taken += 1
        return [
            self.metric("cpu", f"cpu{core}", name, float(self.taken))
            for core in range(2)
            for name in ("CPUUtilization", "I/OWaitPercentage")
        ]


def test_samples_are_taken_until_the_end_and_smdebug_reads_them(scripts: Scripts, tmp_path: Path) -> None:
    metrics, began = Counted(scripts), time.time()
    with scripts.sampler.Sampler(metrics, tmp_path, "algo-1", 0.001):
        wait_for(lambda: metrics.taken >= 5, "five samples")
    taken = metrics.taken
    files = sorted(tmp_path.rglob("*.json"))
    for file in files:
        assert re.fullmatch(r"system/incremental/\d{10}/\d{10}\.algo-1\.json", str(file.relative_to(tmp_path)))
        minute = int(file.name.partition(".")[0])
        assert minute % 60 == 0
        assert file.parent.name == time.strftime("%Y%m%d%H", time.gmtime(minute))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [line["Value"] for line in lines[::4]] == [*range(1, taken + 1)]
    assert all(began <= line["Timestamp"] <= time.time() for line in lines)
    reader = LocalSystemMetricsReader(str(tmp_path))
    reader.refresh_event_file_list()
    read = reader.get_events(0, 4 * 10**15)
    assert len(read) == 4 * taken
    assert {event.name for event in read} == {"cpu0", "cpu1"}


def test_what_cannot_be_written_is_told(scripts: Scripts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "system").write_text("in the way")
    with scripts.sampler.Sampler(Counted(scripts), tmp_path, "algo-1", 60):
        pass
    assert "profiler: the machine is not measured any more: NotADirectoryError" in capsys.readouterr().out
