"""What is uploaded while a training job runs, in which order, and how its end is told."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime.objects import ObjectError, Objects
from local_sagemaker.runtime.training.debugger_folders import upload_end_markers
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.folder_look import SETTLE_NS, look
from local_sagemaker.runtime.training.kept_folders import Uploaded, kept_folders, upload_changes
from local_sagemaker.runtime.training.output import upload
from local_sagemaker.runtime.training.spec import TrainingSpec


class Recorder(Objects):
    """Remembers what is uploaded, instead of doing so."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fails = False

    def upload_folder(self, folder: Path, uri: str, names: Any = None) -> int:
        if self.fails:
            raise ObjectError("no such bucket")
        self.sent += [f"{uri}/{name}" for name in sorted(names)]
        return 0


def job(root: Path, members: dict[str, Any], hosts: int = 1) -> TrainingSpec:
    request = {
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
        "OutputDataConfig": {"S3OutputPath": f"file://{root}/out"},
        **members,
    }
    names = tuple(f"algo-{number}" for number in range(1, hosts + 1))
    return TrainingSpec("toy", "arn", "us-east-1", request, TrainingFolder(root / "job"), hosts=names)


HOOK = {"DebugHookConfig": {"S3OutputPath": "s3://b/out/"}}
PROFILER = {"ProfilerConfig": {"S3OutputPath": "s3://b/out"}}
DEBUG, PROFILE = "s3://b/out/toy/debug-output", "s3://b/out/toy/profiler-output"


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_events_go_before_the_indexes_that_name_them_and_only_what_is_new_goes(tmp_path: Path) -> None:
    spec, objects, uploaded = job(tmp_path, HOOK), Recorder(), Uploaded()
    upload_changes(spec, objects, uploaded)
    assert objects.sent == []
    first = ("index/000/0_worker_0.json", "events/0/0_worker_0.tfevents", "collections/0/worker_0_collections.json")
    write(spec.tensors, *first, "events/1/1_worker_0.tfevents.tmp", "training_job_end.ts")
    upload_changes(spec, objects, uploaded)
    assert objects.sent == [f"{DEBUG}/{name}" for name in reversed(first)]
    write(spec.tensors, "index/000/1_worker_0.json", "events/1/1_worker_0.tfevents")
    objects.sent.clear()
    upload_changes(spec, objects, uploaded)
    assert objects.sent == [f"{DEBUG}/events/1/1_worker_0.tfevents", f"{DEBUG}/index/000/1_worker_0.json"]
    objects.sent.clear()
    upload_changes(spec, objects, uploaded, thorough=True)
    assert objects.sent == []
    assert uploaded.count == 5


def test_an_index_is_never_sent_before_its_events_however_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script writes a step between the look at indexes and the look at the rest."""
    from local_sagemaker.runtime.training import kept_folders as module

    spec, objects = job(tmp_path, HOOK), Recorder()
    looks: list[Any] = []

    def look_and_write(*arguments: Any, **named: Any) -> Any:
        found = look(*arguments, **named)
        if not looks:
            write(spec.tensors, "events/0/0_worker_0.tfevents", "index/000/0_worker_0.json")
        looks.append(found)
        return found

    monkeypatch.setattr(module, "look", look_and_write)
    upload_changes(spec, objects, Uploaded())
    assert objects.sent == [f"{DEBUG}/events/0/0_worker_0.tfevents"]


def test_what_could_not_be_uploaded_is_tried_again(tmp_path: Path) -> None:
    spec, objects, uploaded = job(tmp_path, HOOK), Recorder(), Uploaded()
    write(spec.tensors, "events/0/0_worker_0.tfevents")
    objects.fails = True
    with pytest.raises(ObjectError):
        upload_changes(spec, objects, uploaded)
    objects.fails = False
    upload_changes(spec, objects, uploaded)
    assert objects.sent == [f"{DEBUG}/events/0/0_worker_0.tfevents"]


def test_profiles_of_the_sampler_and_of_the_script_lie_beside_each_other(tmp_path: Path) -> None:
    spec, objects = job(tmp_path, PROFILER, hosts=2), Recorder()
    for host in spec.all_hosts():
        write(host.folder.profiler, f"system/incremental/2030010100/60.{host.host}.json")
        write(host.script_profile, f"framework/pevents/2030010100/1_{host.host}_pythontimeline.json")
    upload_changes(spec, objects, Uploaded())
    assert sorted(objects.sent) == [
        f"{PROFILE}/framework/pevents/2030010100/1_algo-1_pythontimeline.json",
        f"{PROFILE}/framework/pevents/2030010100/1_algo-2_pythontimeline.json",
        f"{PROFILE}/system/incremental/2030010100/60.algo-1.json",
        f"{PROFILE}/system/incremental/2030010100/60.algo-2.json",
    ]
    elsewhere = {"ProfilerConfig": {**PROFILER["ProfilerConfig"], "ProfilingParameters": {"LocalPath": "/opt/ml/p"}}}
    assert job(tmp_path, elsewhere).script_profile == spec.folder.ml / "p"


def test_end_markers_are_last_and_lie_here_too(tmp_path: Path) -> None:
    spec, objects = job(tmp_path, HOOK | PROFILER, hosts=2), Recorder()
    for host in spec.all_hosts():
        write(host.tensors, f"events/0/0_{host.host}.tfevents")
    upload(spec, objects, "never", Uploaded())
    markers = [f"{DEBUG}/training_job_end.ts"]
    markers += [f"{PROFILE}/{name}/training_job_end.ts" for name in ("framework", "system")]
    assert objects.sent[:2] == [f"{DEBUG}/events/0/0_{host}.tfevents" for host in spec.hosts]
    assert objects.sent[2:] == markers * 2
    for host in spec.all_hosts():
        assert (host.tensors / "training_job_end.ts").exists()


def test_a_job_that_was_never_profiled_has_no_profile(tmp_path: Path) -> None:
    off = {"ProfilerConfig": {"S3OutputPath": "s3://b/out", "DisableProfiler": True}}
    spec, objects = job(tmp_path, off), Recorder()
    upload_end_markers(spec, objects)
    assert objects.sent == []
    write(spec.folder.profiler, "system/incremental/2030010100/60.algo-1.json")  # it was switched off later
    upload_end_markers(spec, objects)
    assert len(objects.sent) == 2
    assert list(kept_folders(job(tmp_path, {"ProfilerConfig": {"DisableProfiler": True}}))) == []


def test_a_checkpoint_that_is_written_into_is_new_after_any_time(tmp_path: Path) -> None:
    spec, objects, uploaded = job(tmp_path, {"CheckpointConfig": {"S3Uri": "s3://b/c"}}), Recorder(), Uploaded()
    write(spec.checkpoints, "last.tmp")
    age(spec.checkpoints)
    upload_changes(spec, objects, uploaded)
    (spec.checkpoints / "last.tmp").write_text("more")
    upload_changes(spec, objects, uploaded)
    assert objects.sent == ["s3://b/c/last.tmp"] * 2


def age(folder: Path) -> None:
    """As if all of it had been written before folders settle."""
    old = time.time_ns() - 2 * SETTLE_NS
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, ns=(old, old))


def test_settled_folders_are_not_read_until_something_comes_into_them(tmp_path: Path) -> None:
    write(tmp_path, "events/0/a", "events/1/a", "index/000/a")
    assert look(tmp_path, {}).settled == {}
    age(tmp_path)
    first = look(tmp_path, {})
    assert set(first.settled) == {"events/0/", "events/1/", "index/000/"}
    assert set(first.files) == {"events/0/a", "events/1/a", "index/000/a"}
    write(tmp_path, "index/000/b", "events/2/a")
    assert set(look(tmp_path, first.settled).files) == {"index/000/a", "index/000/b", "events/2/a"}
    assert set(look(tmp_path, first.settled, "index/").files) == {"index/000/a", "index/000/b"}
    assert set(look(tmp_path, first.settled, but="index/").files) == {"events/2/a"}
    assert look(tmp_path / "none", {}).files == {}


def test_files_that_are_appended_to_keep_their_folder_unsettled(tmp_path: Path) -> None:
    write(tmp_path, "system/60.json")
    age(tmp_path)
    with (tmp_path / "system/60.json").open("a") as file:
        file.write("more")
    assert look(tmp_path, {}).settled == {}


def test_a_link_to_itself_is_no_file_and_keeps_nothing_else_back(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "b").symlink_to("b")
    (tmp_path / "c").symlink_to("nowhere")
    assert list(look(tmp_path, {}).files) == ["a"]
