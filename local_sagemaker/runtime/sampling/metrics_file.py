"""SageMaker's files of system metrics: system/incremental/<YYYYMMDDHH>/<epoch of the minute>.<host>.json."""

import errno
import os
import time
from collections.abc import Iterable
from pathlib import Path

from local_sagemaker.runtime.sampling.metrics import Metric


def append(root: Path, host: str, metrics: Iterable[Metric], now: float) -> None:
    """Add one sample, whole or not at all, to the file of its minute. `now` is in epoch seconds.

    A sample for which the disk has no room is left out: the next ones may have it again.
    """
    minute = int(now) // 60 * 60
    path = root / "system/incremental" / time.strftime("%Y%m%d%H", time.gmtime(minute)) / f"{minute}.{host}.json"
    text = "".join(line(metric, host, now) for metric in metrics).encode()
    try:
        _append(path, text)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def _append(path: Path, text: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        file = os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, flags, 0o644)
    try:
        before = os.fstat(file).st_size
        if os.write(file, text) < len(text):  # the disk is full
            os.ftruncate(file, before)
    finally:
        os.close(file)


def line(metric: Metric, node: str, now: float) -> str:
    """As SageMaker writes it: two decimals for values, six for times."""
    return (
        f'{{"Type":"{metric.type}","Name":"{metric.name}","Dimension":"{metric.dimension}",'
        f'"Value":{metric.value:.2f},"NodeId":"{node}","Timestamp":{now:.6f}}}\n'
    )
