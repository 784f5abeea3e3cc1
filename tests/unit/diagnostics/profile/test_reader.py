"""A job's profile from several sources, as it grows."""

from dataclasses import replace
from pathlib import Path

from diagnostics.job import JobFacts
from diagnostics.profile.reader import ProfileReader
from diagnostics.source import Folder
from tests.unit.diagnostics.profiles import START, metric_lines, node, trace_events, write_metrics, write_timeline

JOB = JobFacts("a-job", "ml.m5.xlarge", 2)


def test_metrics_of_one_source_and_steps_of_another(tmp_path: Path) -> None:
    for host in ("algo-1", "algo-2"):
        write_metrics(tmp_path / "sampler", metric_lines(host, node(seconds=5, interval=0.1)), host)
    write_timeline(tmp_path / "script", trace_events([("Step:ModeKeys.TRAIN", "Step:ModeKeys.TRAIN", START, 1.0)]))
    reader = ProfileReader([Folder(tmp_path / "sampler"), Folder(tmp_path / "script")], JOB)
    found = reader.read()
    assert list(found.nodes) == ["algo-1", "algo-2"]
    assert [(steps.node, steps.mode) for steps in found.steps] == [("algo-1", "TRAIN")]
    assert found.interval_seconds is not None
    assert abs(found.interval_seconds - 0.1) < 1e-5
    assert (found.job, found.broken_lines) == (JOB, 0)


def test_a_host_that_two_sources_tell_of_counts_once(tmp_path: Path) -> None:
    write_metrics(tmp_path / "ours", metric_lines("algo-1", node(memory=10.0, seconds=5)), "algo-1")
    write_metrics(tmp_path / "theirs", metric_lines("algo-1", node(memory=90.0, seconds=5)), "algo-1")
    found = ProfileReader([Folder(tmp_path / "ours"), Folder(tmp_path / "theirs")], JOB).read()
    assert set(found.nodes["algo-1"].memory.values) == {10.0}


def test_it_grows_with_the_job(tmp_path: Path) -> None:
    reader = ProfileReader([Folder(tmp_path)], JOB)
    nothing = reader.read()
    assert (nothing.nodes, nothing.steps, nothing.interval_seconds) == ({}, [], None)
    lines = metric_lines("algo-1", node(seconds=10))
    write_metrics(tmp_path, lines[:100], "algo-1")
    assert len(reader.read().nodes["algo-1"].memory.times) < 20
    write_metrics(tmp_path, lines[100:], "algo-1")
    ended = replace(JOB, status="Completed", ended_at=START + 10)
    found = reader.read(ended)
    assert len(found.nodes["algo-1"].memory.times) == 20
    assert (found.job, reader.read().job) == (ended, ended)
