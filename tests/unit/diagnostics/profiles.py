"""How tests make profiles, and the files that SageMaker would have written of them."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diagnostics.job import JobFacts
from diagnostics.profile.profile import NodeProfile, Profile, Series, Spans, Steps

START = 1_737_457_740.0  # a full minute
Percent = float | Sequence[float] | npt.NDArray[np.float64]


def series(values: Percent, seconds: float = 60, interval: float = 0.5) -> Series:
    """One value over all of the time, or a value a sample: then `seconds` does not matter."""
    count = round(seconds / interval) if isinstance(values, int | float) else len(values)
    times = START + interval * np.arange(count, dtype=np.float64)
    return Series(times, np.broadcast_to(np.asarray(values, np.float64), count).copy())


def node(
    cpu: Percent | Sequence[Percent] = 50.0,
    memory: Percent = 40.0,
    gpu: Sequence[Percent] = (),
    *,
    gpu_memory: Sequence[Percent] | None = None,
    io_wait: Percent | Sequence[Percent] = 0.0,
    cores: int = 4,
    seconds: float = 60,
    interval: float = 0.5,
) -> NodeProfile:
    """A host. `cpu` and `io_wait`: of all `cores` alike, one value or one a sample; or a list with such a list a core.

    `gpu` and `gpu_memory` have an entry a GPU.
    """

    def of(values: Percent) -> Series:
        return series(values, seconds, interval)

    def named(name: str, rows: Percent | Sequence[Percent]) -> dict[str, Series]:
        apart = isinstance(rows, list | tuple) and not all(isinstance(row, int | float) for row in rows)
        each: Sequence[Percent] = list(rows) if apart else [rows] * cores  # type: ignore[arg-type,list-item]
        return {f"{name}{index}": of(values) for index, values in enumerate(each)}

    def by_gpu(rows: Sequence[Percent]) -> dict[str, Series]:
        return {f"gpu{index}": of(values) for index, values in enumerate(rows)}

    return NodeProfile(
        cpu=named("cpu", cpu),
        io_wait=named("cpu", io_wait),
        gpu=by_gpu(gpu),
        gpu_memory=by_gpu([50.0] * len(gpu) if gpu_memory is None else gpu_memory),
        memory=of(memory),
        io={"IOPS": of(3.0)},
        network={"ReceiveBytesPerSecond": of(1000.0), "TransmitBytesPerSecond": of(500.0)},
    )


def steps(
    durations: Sequence[float] | npt.NDArray[np.float64],
    waits: Sequence[float] = (),
    *,
    mode: str = "TRAIN",
    host: str = "algo-1",
    start: float = START,
) -> Steps:
    """Steps one after the other, each after its wait."""
    took, waited = np.asarray(durations, np.float64), np.asarray(waits, np.float64)
    gaps = waited if len(waited) else np.zeros(len(took))
    starts = start + np.cumsum(gaps) + np.concatenate([[0.0], np.cumsum(took)[:-1]]) if len(took) else took
    return Steps(host, mode, starts, took, waited)


def profile(
    cpu: Percent | Sequence[Percent] = 50.0,
    memory: Percent = 40.0,
    gpu: Sequence[Percent] = (),
    *,
    gpu_memory: Sequence[Percent] | None = None,
    io_wait: Percent | Sequence[Percent] = 0.0,
    cores: int = 4,
    seconds: float = 60,
    interval: float = 0.5,
    instance: str = "ml.m5.xlarge",
    nodes: Mapping[str, NodeProfile] | None = None,
    timeline: Sequence[Steps] = (),
    spans: Sequence[Spans] = (),
) -> Profile:
    """A job's profile: of one host algo-1 as `node` makes it, or of `nodes`."""
    alone = node(
        cpu, memory, gpu, gpu_memory=gpu_memory, io_wait=io_wait, cores=cores, seconds=seconds, interval=interval
    )
    hosts = {"algo-1": alone} if nodes is None else nodes
    return Profile(JobFacts("a-job", instance, max(1, len(hosts))), hosts, timeline, interval, spans)


def metric_lines(host: str, one: NodeProfile) -> list[tuple[float, str]]:
    """SageMaker's lines of a host's samples, each with its time, in the order of time."""
    metrics: list[tuple[str, str, str, Series]] = [("memory", "MemoryUsedPercent", "", one.memory)]
    for kind, dimension, rows in (
        ("cpu", "CPUUtilization", one.cpu),
        ("cpu", "I/OWaitPercentage", one.io_wait),
        ("gpu", "GPUUtilization", one.gpu),
        ("gpu", "GPUMemoryUtilization", one.gpu_memory),
        ("i/o", "", one.io),
        ("network", "Algorithm", one.network),
    ):
        metrics += [(kind, name, dimension, row) for name, row in rows.items()]
    found = [
        (float(moment), _line(kind, name, dimension, value=float(value), host=host, moment=float(moment)))
        for kind, name, dimension, row in metrics
        for moment, value in zip(row.times, row.values, strict=True)
    ]
    return sorted(found, key=lambda line: line[0])


def write_metrics(root: Path, lines: Iterable[tuple[float, str]], host: str) -> list[Path]:
    """Append the lines to the files of their minutes, as SageMaker's monitor does; the files."""
    texts: dict[Path, list[str]] = {}
    for moment, line in lines:
        minute = int(moment) // 60 * 60
        texts.setdefault(root / "system/incremental" / _hour(minute) / f"{minute}.{host}.json", []).append(line)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(text))
    return list(texts)


def trace_events(events: Iterable[tuple[str, str, float, float]], *, closed: bool = True) -> str:
    """A timeline file of (phase, name, start, duration in seconds), as smdebug's hook writes it."""
    phases: dict[str, int] = {}
    lines = [_meta(0, start_time_since_epoch_in_micros=int(START * 1e6)), _meta(0, sort_index=0)]
    for phase, name, start, duration in events:
        if phase not in phases:
            phases[phase] = len(phases)
            lines.append(_meta(phases[phase], name=phase))
        event = {"name": name, "pid": phases[phase], "ph": "X", "ts": round((start - START) * 1e6)}
        lines.append(json.dumps(event | {"dur": round(duration * 1e6), "args": {"step_num": "0"}}))
    return "[\n" + ",\n".join(lines) + ("\n]" if closed else ",\n")


def write_timeline(root: Path, text: str, host: str = "algo-1", process: int = 77, end: float = START + 60) -> Path:
    """A timeline file in its place."""
    path = root / "framework/pevents" / _hour(int(end)) / f"{int(end * 1e6)}_{process}-{host}_pythontimeline.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _line(kind: str, name: str, dimension: str, *, value: float, host: str, moment: float) -> str:
    return (
        f'{{"Type":"{kind}","Name":"{name}","Dimension":"{dimension}","Value":{value:.2f},'
        f'"NodeId":"{host}","Timestamp":{moment:.6f}}}\n'
    )


def _meta(pid: int, **args: object) -> str:
    return json.dumps({"name": "process_name", "ph": "M", "pid": pid, "args": args})


def _hour(epoch: int) -> str:
    return time.strftime("%Y%m%d%H", time.gmtime(epoch))
