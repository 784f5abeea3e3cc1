"""Samples the system metrics of one host's script until that has ended: a process beside the job.

Started as `python -m local_sagemaker.runtime.sampling FOLDER` with FOLDER/sampling.json (process.py writes it).
"""

import contextlib
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

from local_sagemaker.runtime import process
from local_sagemaker.runtime.sampling import metrics_file
from local_sagemaker.runtime.sampling.gpus import Gpus, gpus
from local_sagemaker.runtime.sampling.interval import ProfilerConfigFile
from local_sagemaker.runtime.sampling.machine import read_machine
from local_sagemaker.runtime.sampling.metrics import Look, metrics
from local_sagemaker.runtime.sampling.process_tree import ProcessTree

START_SECONDS = 0.02  # between two looks for a script that is about to start
IDLE_SECONDS = 1.0  # between two looks at a configuration that switches sampling off


def main(folder: Path) -> None:
    """Sample until the script has ended."""
    plan: dict[str, Any] = json.loads((folder / "sampling.json").read_text(encoding="utf-8"))
    script = _script(Path(plan["script"]))
    if script is None or (ended := _end_of(script)) is None:
        return
    _sample(plan, ProcessTree(script.pid), ended, gpus(plan["gpus"]))


def _script(folder: Path) -> process.Running | None:
    """The running script, once it is known; None when it has ended, or its folder is gone with the job."""
    while isinstance(state := process.observe(folder), process.Running):
        if state.pid:
            return state
        time.sleep(START_SECONDS)
    return None


def _end_of(script: process.Running) -> int | None:
    """What becomes readable at the script's end: its shim's, or its own where that was killed. None: it has ended."""
    for pid in (script.shim_pid, script.pid):
        with contextlib.suppress(ProcessLookupError):
            return os.pidfd_open(pid)
    return None


def _sample(plan: dict[str, Any], tree: ProcessTree, ended: int, devices: Gpus) -> None:
    config = ProfilerConfigFile(Path(plan["profiler_config"]))
    before: Look | None = None
    due = time.monotonic()
    while not _wait(ended, due - time.monotonic()):
        interval = config.interval_seconds()
        if interval is None:
            before, due = None, time.monotonic() + IDLE_SECONDS
            continue
        moment = time.monotonic()
        now = Look(moment, tree.usage(moment), read_machine(), devices.read())
        if before is not None:
            metrics_file.append(
                Path(plan["root"]), plan["host"], metrics(before, now, plan["memory_bytes"]), time.time()
            )
        before = now
        due = max(due + interval, moment)  # a late one does not make the next ones crowd


def _wait(ended: int, seconds: float) -> bool:
    """Whether the script ended within the time."""
    return bool(select.select([ended], [], [], max(0.0, seconds))[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
