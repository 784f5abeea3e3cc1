"""What sampling a training job's system metrics every 500 ms costs: `python -m benchmarks.sampler`.

The job is a process with 16 threads and two children of 8 threads each, all three at work: a script with a data
loader's workers. Beside
the sampler's processor time, that of psutil doing the same looks in the same seconds.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import Bar, end
from benchmarks.idle_cost import cpu_seconds
from local_sagemaker.runtime import process
from local_sagemaker.runtime.sampling.process import ensure_sampling
from local_sagemaker.runtime.training.configuration import rewrite_profiler_config
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.spec import TrainingSpec

SECONDS = 30.0
SETTLE_SECONDS = 3.0
PERCENT_OF_A_CORE = 1.0
PROFILER = {"S3OutputPath": "s3://benchmark/out", "ProfilingIntervalInMilliseconds": 500}
WORKER = """
import threading, time
for _ in range(7): threading.Thread(target=time.sleep, args=(600,)).start()
while True: sum(range(10_000)); time.sleep(0.1)
"""
SCRIPT = f"""
import subprocess, sys, threading, time
for _ in range(15): threading.Thread(target=time.sleep, args=(600,)).start()
held = b"x" * 500_000_000
workers = [subprocess.Popen([sys.executable, "-c", {WORKER!r}]) for _ in range(2)]
while True: sum(range(10_000)); time.sleep(0.1)
"""
PEER = """
import sys, time, psutil
root = psutil.Process(int(sys.argv[1]))
while True:
    psutil.cpu_percent(percpu=True), psutil.cpu_times(percpu=True), psutil.disk_io_counters(), psutil.net_io_counters()
    for each in [root, *root.children(recursive=True)]:
        each.threads(), each.io_counters(), each.memory_full_info()
    time.sleep(0.5)
"""


def main() -> int:
    """Measure both and print the bar."""
    with tempfile.TemporaryDirectory(prefix="sampler-") as folder:
        host = running_job(Path(folder))
        script = process.observe(host.folder.root)
        if not isinstance(script, process.Running):
            raise SystemExit(f"the script does not run: {script}")
        peer = subprocess.Popen([sys.executable, "-c", PEER, str(script.pid)])
        try:
            ensure_sampling(host)
            time.sleep(SETTLE_SECONDS)
            pids = {"sampler": sampler_pid(host), "psutil": peer.pid}
            before, began = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
            time.sleep(SECONDS)
            passed = time.monotonic() - began
            cost = {name: 100 * (cpu_seconds(pid) - before[name]) / passed for name, pid in pids.items()}
        finally:
            peer.kill()
            peer.wait()
            process.send_signal(script, signal.SIGKILL)
        lines = sum(1 for file in host.folder.profiler.rglob("*.json") for _ in file.open())
    print(f"{lines} lines of metrics; psutil, the same looks: {cost['psutil']:.3f} % of a core")
    return end([Bar("sampler-cost", cost["sampler"], PERCENT_OF_A_CORE, "% of a core", wanted="at most")])


def running_job(folder: Path) -> TrainingSpec:
    """A training job's host whose script runs."""
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    request = {"ProfilerConfig": PROFILER, "ResourceConfig": resources}
    host = TrainingSpec("benchmark", "arn", "us-east-1", request, TrainingFolder(folder / "job"))
    host.folder.config.mkdir(parents=True)
    rewrite_profiler_config(host.folder, PROFILER)
    process.spawn(host.folder.root, [sys.executable, "-c", SCRIPT], cwd=folder, env={})
    while not (isinstance(state := process.observe(host.folder.root), process.Running) and state.pid):
        time.sleep(0.05)
    return host


def sampler_pid(host: TrainingSpec) -> int:
    """The process that samples, without its shim, which sleeps."""
    return int(json.loads((host.folder.root / "sampler/process.json").read_text())["pid"])


if __name__ == "__main__":
    sys.exit(main())
