"""The sampler as a process beside a real script, and what smdebug reads of its files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime import process, shim
from local_sagemaker.runtime.sampling.interval import ProfilerConfigFile, interval_seconds
from local_sagemaker.runtime.sampling.process import MAX_STARTS, ensure_sampling
from local_sagemaker.runtime.training.configuration import rewrite_profiler_config
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.spec import TrainingSpec
from tests.waiting import wait_for

PROFILER = {"S3OutputPath": "s3://b/out", "ProfilingIntervalInMilliseconds": 100}
# One core is kept busy by a child, which ends by itself; this process holds 200 MB.
SCRIPT = """
import subprocess, sys, time
held = b"x" * 200_000_000
print("ready", flush=True)
subprocess.run([sys.executable, "-c", "import time; end = time.monotonic() + 5\\nwhile time.monotonic() < end: pass"])
time.sleep(600)
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[TrainingSpec]:
    """A running script with its configuration, as the engine leaves it."""
    request = {
        "ProfilerConfig": PROFILER,
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
    }
    spec = TrainingSpec("job", "arn", "us-east-1", request, TrainingFolder(tmp_path / "job"))
    spec.folder.config.mkdir(parents=True)
    rewrite_profiler_config(spec.folder, PROFILER)
    process.spawn(spec.folder.root, [sys.executable, "-c", SCRIPT], cwd=tmp_path, env={})
    wait_for(lambda: spec.folder.log.exists() and "ready" in spec.folder.log.read_text(), "the script")
    yield spec
    state = process.observe(spec.folder.root)
    if isinstance(state, process.Running):
        process.send_signal(state, signal.SIGKILL)
    wait_for(lambda: isinstance(process.observe(spec.folder.root), process.Exited), "the end of the script")
    wait_for(lambda: not isinstance(sampler(spec), process.Running), "the end of the sampler")


def sampler(host: TrainingSpec) -> process.ProcessState:
    return process.observe(host.folder.root / "sampler")


def lines(host: TrainingSpec) -> list[dict[str, Any]]:
    """All that is there; the last one may be half-written."""
    files = sorted(host.folder.profiler.glob("system/incremental/*/*.algo-1.json"))
    return [json.loads(line) for file in files for line in file.read_text().rpartition("\n")[0].splitlines()]


def test_a_job_is_sampled_by_itself_and_smdebug_reads_it(host: TrainingSpec) -> None:
    ensure_sampling(host)
    ensure_sampling(host)  # a second one does not start
    found = wait_for(lambda: sampled if len(sampled := lines(host)) > 200 else None, "samples")
    cores = [line for line in found if line["Dimension"] == "CPUUtilization"]
    moments = len({line["Timestamp"] for line in cores})
    busy = sum(line["Value"] for line in cores) / moments
    assert 40 < busy < 130, f"{busy:.0f} % for a script that keeps one core busy"
    memory = [line["Value"] for line in found if line["Name"] == "MemoryUsedPercent"]
    assert 100 * 0.2e9 / (16 * 2**30) < memory[-1] < 100 * 0.4e9 / (16 * 2**30)
    assert {line["NodeId"] for line in found} == {"algo-1"}
    program = (
        "import sys; from smdebug.profiler.system_metrics_reader import LocalSystemMetricsReader;"
        "r = LocalSystemMetricsReader(sys.argv[1]);"
        "e = r.get_events(0, 4_000_000_000_000_000); print(len(e), sorted({x.dimension for x in e if x.type == 'cpu'}))"
    )
    read = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(host.folder.profiler)],
        capture_output=True,
        text=True,
        check=True,
    )
    count, _, dimensions = read.stdout.splitlines()[-1].partition(" ")
    assert int(count) >= len(found)
    assert dimensions == "['CPUUtilization', 'I/OWaitPercentage']"


def test_profiling_is_switched_off_and_on_while_the_job_runs(host: TrainingSpec) -> None:
    ensure_sampling(host)
    wait_for(lambda: lines(host), "samples")
    rewrite_profiler_config(host.folder, {**PROFILER, "DisableProfiler": True})
    wait_for(lambda: time.time() - lines(host)[-1]["Timestamp"] > 0.5, "five intervals without a sample")
    silent = len(lines(host))
    rewrite_profiler_config(host.folder, PROFILER)
    wait_for(lambda: len(lines(host)) > silent, "samples again")


def test_a_killed_sampler_is_started_again_and_its_files_stay(host: TrainingSpec) -> None:
    ensure_sampling(host)
    before = wait_for(lambda: lines(host), "samples")
    state = sampler(host)
    assert isinstance(state, process.Running)
    process.send_signal(state, signal.SIGKILL)
    wait_for(lambda: not isinstance(sampler(host), process.Running), "the end of the sampler")
    ensure_sampling(host)
    after = wait_for(lambda: now if len(now := lines(host)) > len(before) + 30 else None, "samples again")
    assert after[: len(before)] == before


def test_a_job_that_asks_for_none_has_no_sampler(host: TrainingSpec) -> None:
    for profiler in ({}, {"DisableProfiler": True, **PROFILER}, {"ProfilingIntervalInMilliseconds": 100}):
        ensure_sampling(
            TrainingSpec("job", "arn", "us-east-1", {**host.request, "ProfilerConfig": profiler}, host.folder)
        )
        assert isinstance(sampler(host), process.NotStarted)


def test_the_interval_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    folder.config.mkdir(parents=True)
    file = ProfilerConfigFile(folder.config / "profilerconfig.json")
    assert file.interval_seconds() is None
    rewrite_profiler_config(folder, PROFILER)
    assert file.interval_seconds() == 0.1
    rewrite_profiler_config(folder, {"S3OutputPath": "s3://b"})
    assert file.interval_seconds() == interval_seconds({"S3OutputPath": "s3://b"}) == 0.5


def test_a_sampler_that_cannot_run_is_not_started_for_ever(host: TrainingSpec) -> None:
    host.folder.profiler.write_text("no folder")
    ends = 0
    for _ in range(MAX_STARTS + 2):
        ensure_sampling(host)
        wait_for(lambda: isinstance(sampler(host), process.Exited), "the end of the sampler")
        ends = (host.folder.root / "sampler/log").read_text().count("NotADirectoryError")
    assert ends == MAX_STARTS


def test_a_sampler_whose_job_is_gone_ends(tmp_path: Path) -> None:
    plan = {"script": str(tmp_path / "deleted"), "root": str(tmp_path), "host": "algo-1", "gpus": 0}
    (tmp_path / "sampling.json").write_text(json.dumps(plan))
    argv = [sys.executable, "-m", "local_sagemaker.runtime.sampling", str(tmp_path)]
    assert subprocess.run(argv, check=False, timeout=30).returncode == 0


def test_a_script_whose_shim_was_killed_is_sampled_on(host: TrainingSpec) -> None:
    state = process.observe(host.folder.root)
    assert isinstance(state, process.Running)
    os.kill(state.shim_pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{state.shim_pid}").exists(), "the end of the shim")
    ensure_sampling(host)
    wait_for(lambda: lines(host), "samples")
    process.send_signal(state, signal.SIGKILL)
    wait_for(lambda: isinstance(sampler(host), process.Exited), "the end of the sampler")
    shim.write_json(str(host.folder.root / "exit.json"), {"returncode": -9, "ended_at": time.time()})  # for the fixture
