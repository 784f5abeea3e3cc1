"""Samples of system metrics in SageMaker's files: system/incremental/<YYYYMMDDHH>/<epoch of the minute>.<host>.json"""

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from system_metrics import Metric, SystemMetrics


class Sampler:
    """A thread that takes the metrics every `seconds` while the with statement lasts, and once more at its end.

    What cannot be measured or written ends the sampling and is told in the log; the job goes on.
    """

    def __init__(self, metrics: SystemMetrics, folder: Path, host: str, seconds: float) -> None:
        self._metrics = metrics
        self._folder = folder
        self._host = host
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system-metrics", daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic() + self._seconds
        try:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                self._sample()
                due = max(due + self._seconds, time.monotonic())
            self._sample()
        except Exception as error:  # noqa: BLE001 - whatever it is, the training goes on
            print(f"profiler: the machine is not measured any more: {type(error).__name__}: {error}", flush=True)

    def _sample(self) -> None:
        append(self._folder, self._host, self._metrics.take(), time.time())


def append(folder: Path, host: str, metrics: Iterable[Metric], now: float) -> None:
    """Add one sample to the file of its minute in one write. `now` is in epoch seconds."""
    minute = int(now) // 60 * 60
    path = folder / "system/incremental" / time.strftime("%Y%m%d%H", time.gmtime(minute)) / f"{minute}.{host}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(line(metric, host, now) for metric in metrics))


def line(metric: Metric, node: str, now: float) -> str:
    """As SageMaker writes it: two decimals for values, six for times."""
    return (
        f'{{"Type":"{metric.type}","Name":"{metric.name}","Dimension":"{metric.dimension}",'
        f'"Value":{metric.value:.2f},"NodeId":"{node}","Timestamp":{now:.6f}}}\n'
    )
