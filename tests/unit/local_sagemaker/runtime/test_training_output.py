"""What the hosts of a training job leave, and what becomes of it when it cannot be uploaded."""

import tarfile
from pathlib import Path

import pytest

from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.kept_folders import Uploaded
from local_sagemaker.runtime.training.output import KEPT, OutputFailed, upload
from local_sagemaker.runtime.training.spec import TrainingSpec


def job(root: Path, hosts: int, **output: str) -> TrainingSpec:
    """A job whose output goes to `root`/out."""
    request = {
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1},
        "OutputDataConfig": {"S3OutputPath": f"file://{root}/out", **output},
    }
    names = tuple(f"algo-{number}" for number in range(1, hosts + 1))
    return TrainingSpec("toy", "arn", "us-east-1", request, TrainingFolder(root / "job"), hosts=names)


def test_the_first_hosts_files_count_where_several_wrote_one(tmp_path: Path) -> None:
    spec = job(tmp_path, hosts=3)
    for host in spec.all_hosts():
        (host.folder.model / "parts").mkdir(parents=True)
        (host.folder.model / "weights").write_text(host.host)
        (host.folder.model / "latest").symlink_to("weights")
        (host.folder.model / "parts" / host.host).touch()
    # A name that is a file on one host and a folder on the other.
    (spec.folder.model / "mixed").write_text("file")
    (spec.all_hosts()[1].folder.model / "mixed").mkdir()
    (spec.all_hosts()[1].folder.model / "mixed/more").touch()
    upload(spec, Objects("", tmp_path / "buckets"), "always", Uploaded())
    with tarfile.open(tmp_path / "out/toy/output/model.tar.gz") as tar:
        assert [name for name in tar.getnames() if name != "parts"] == [
            *("latest", "mixed", "parts/algo-1", "parts/algo-2", "parts/algo-3", "weights")
        ]
        assert tar.getmember("latest").issym()
        weights = tar.extractfile("weights")
        assert weights is not None
        assert weights.read() == b"algo-1"


def test_what_cannot_be_packed_is_named_with_the_folder_where_it_stays(tmp_path: Path) -> None:
    spec = job(tmp_path, hosts=1)
    spec.folder.ml.mkdir(parents=True)
    spec.folder.model.write_text("a file where SageMaker has a folder")
    with pytest.raises(
        OutputFailed, match=f"^InternalServerError: Artifact upload failed: .*exists.*{KEPT} "
    ) as failed:
        upload(spec, Objects("", tmp_path / "buckets"), "always", Uploaded())
    assert str(failed.value).endswith(str(spec.folder.ml))


def test_a_name_that_can_be_no_key_is_named_too(tmp_path: Path) -> None:
    spec = job(tmp_path, hosts=1, S3OutputPath="s3://dogs/out", CompressionType="NONE")
    spec.folder.model.mkdir(parents=True)
    (spec.folder.model / "gr\udcfcn").touch()  # Latin-1, as the file system gives it
    with pytest.raises(OutputFailed, match=KEPT):
        upload(spec, Objects("http://127.0.0.1:9", tmp_path / "buckets", patience_seconds=0.0), "always", Uploaded())
