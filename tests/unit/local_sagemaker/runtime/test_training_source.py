"""How a training script's source is fetched, unpacked and installed."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.command import command
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.input import InputFailed, prepare
from local_sagemaker.runtime.training.source import EntryPoint, entry_point
from local_sagemaker.runtime.training.spec import TrainingSpec


class Source:
    """A job whose source folder holds some files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bucket = root / "buckets/dogs"
        self.bucket.mkdir(parents=True)

    def pack(self, name: str, files: dict[str, str]) -> str:
        """An archive in the bucket."""
        with tarfile.open(self.bucket / name, "w:gz") as tar:
            for path, text in files.items():
                member = tarfile.TarInfo(path)
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        return f"s3://dogs/{name}"

    def job(self, program: str, submit: str, channels: tuple[str, ...] = (), **hyperparameters: str) -> TrainingSpec:
        """A job with its input prepared."""
        spec = TrainingSpec(
            "toy",
            "arn",
            "us-east-1",
            {
                "HyperParameters": {
                    "sagemaker_program": program,
                    "sagemaker_submit_directory": submit,
                    **hyperparameters,
                },
                "AlgorithmSpecification": {"TrainingInputMode": "File"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "InputDataConfig": [
                    {
                        "ChannelName": name,
                        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://dogs/{name}"}},
                    }
                    for name in channels
                ],
            },
            TrainingFolder(self.root / "job"),
        )
        prepare(spec, Objects("", self.root / "buckets"), self.root / "cache")
        return spec


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def argv(spec: TrainingSpec) -> list[str]:
    return command(spec, ComputeShare(cpus=1, gpus=0))[1:]


def test_kinds_of_programs(tmp_path: Path) -> None:
    assert entry_point("train.py", tmp_path) is EntryPoint.PYTHON_PROGRAM
    assert entry_point("bin/train", tmp_path) is EntryPoint.COMMAND
    (tmp_path / "setup.py").touch()
    assert entry_point("train.py", tmp_path) is EntryPoint.PYTHON_PACKAGE
    assert entry_point("train.sh", tmp_path) is EntryPoint.COMMAND


def test_a_script_in_a_subfolder(source: Source) -> None:
    spec = source.job('"src/train.py"', source.pack("a.tar.gz", {"src/train.py": "print(1)"}), lr="0.1")
    assert argv(spec) == ["src/train.py", "--lr", "0.1"]
    assert (spec.folder.code / "src/train.py").read_text() == "print(1)"


def test_a_shell_script_keeps_its_interpreter(source: Source) -> None:
    script = '#!/bin/bash\n[[ 1 ]] && echo "bash $@"\n'
    spec = source.job(
        "run.sh", source.pack("a.tar.gz", {"run.sh": script, "requirements.txt": "no-such-package"}), words="a 'b"
    )
    ran = subprocess.run(
        command(spec, ComputeShare(1, 0)), cwd=spec.folder.code, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "bash --words a 'b\n"
    assert "requirements.txt is not installed: run.sh is no Python program" in spec.folder.log.read_text()


def test_the_source_may_be_a_channel_an_archive_in_one_or_a_folder_of_this_machine(source: Source) -> None:
    (source.bucket / "code").mkdir()
    (source.bucket / "code/train.py").write_text("print(2)")
    spec = source.job("train.py", "/opt/ml/input/data/code", ("code",))
    assert (spec.folder.code / "train.py").read_text() == "print(2)"
    (source.bucket / "packed").mkdir()
    source.pack("packed/sourcedir.tar.gz", {"train.py": "print(3)"})
    spec = source.job("train.py", '"/opt/ml/input/data/packed/sourcedir.tar.gz"', ("packed",))
    assert (spec.folder.code / "train.py").read_text() == "print(3)"
    spec = source.job("train.py", f"file://{source.bucket}/code")
    assert (spec.folder.code / "train.py").read_text() == "print(2)"
    spec = source.job("train.py", f"file://{source.bucket}/packed/sourcedir.tar.gz")
    assert (spec.folder.code / "train.py").read_text() == "print(3)"


def test_a_package_is_installed_beside_the_job(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # otherwise pip fetches setuptools
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    setup = "from setuptools import setup\nsetup(name='hound', package_dir={'': 'lib'}, packages=['hound'])\n"
    uri = source.pack(
        "a.tar.gz", {"setup.py": setup, "lib/hound/__init__.py": "", "lib/hound/train.py": "print('woof')"}
    )
    spec = source.job("hound.train", uri, lr="0.1")
    assert argv(spec) == ["-m", "hound.train", "--lr", "0.1"]
    env = {"PYTHONPATH": str(spec.folder.site_packages), "PATH": os.defpath}
    ran = subprocess.run(
        [sys.executable, "-m", "hound.train"], env=env, cwd=source.root, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "woof\n"


@pytest.mark.parametrize(
    ("program", "submit", "message"),
    [
        ("other.py", "", "sagemaker_program 'other.py' is not in s3://dogs/a.tar.gz, which holds: train.py"),
        ("../train.py", "", "is not in"),
        ("/etc/passwd", "", "is not in"),
        ("train.py", "s3://dogs/none.tar.gz", "is missing: s3://dogs/none.tar.gz does not exist"),
        ("train.py", "s3://dogs/loose.py", "is not a tar.gz archive"),
        ("train.py", "s3://dogs/cut.tar.gz", "cut.tar.gz cannot be unpacked: Compressed file ended"),
        ("train.py", "s3://none/a.tar.gz", "its bucket does not exist"),
        ("train.py", "/opt/ml/input/data/none", "neither an S3 URI nor a channel's path"),
        ("train.py", "file:///no/such/folder", "neither an S3 URI nor a channel's path"),
    ],
)
def test_bad_sources(source: Source, program: str, submit: str, message: str) -> None:
    uri = source.pack("a.tar.gz", {"train.py": "print(1)"})
    (source.bucket / "loose.py").write_text("print(1)")
    (source.bucket / "cut.tar.gz").write_bytes((source.bucket / "a.tar.gz").read_bytes()[:15])
    with pytest.raises(InputFailed, match=r"^ClientError: ") as failed:
        source.job(program, submit or uri)
    assert message in str(failed.value)
