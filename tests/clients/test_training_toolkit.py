"""SageMaker's own training toolkit (of the PyTorch images) as the oracle of the container contract.

One job folder, prepared once and run twice: by the toolkit, relocated with SAGEMAKER_BASE_DIR, and by local_sagemaker.
The script must see the same arguments, variables and files, and its failure must read the same, but for what DIFFERS
lists.
"""

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_sagemaker.runtime import process
from local_sagemaker.runtime.compute_share import ComputeShare
from local_sagemaker.runtime.failure import failure_reason
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training import command as training_command
from local_sagemaker.runtime.training import environment as training_environment
from local_sagemaker.runtime.training import input as training_input
from local_sagemaker.runtime.training import job_venv
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.spec import TrainingSpec
from tests.clients.environments import environment
from tests.integration.toy_jobs import until
from tests.local_server import LocalServer, running_server

# Variables that a script sees otherwise than under the toolkit, and why.
DIFFERS = {
    "AWS_ENDPOINT_URL": "the toolkit's own process needs it too; the same address",
    "CUDA_VISIBLE_DEVICES": "the job's share of this machine",
    "MASTER_ADDR": "the host's loopback address, as its name is no name of this machine here",
    "MASTER_PORT": "a free port: jobs beside each other share this machine's",
    "MKL_NUM_THREADS": "the job's share of this machine",
    "NUMEXPR_NUM_THREADS": "the job's share of this machine",
    "OMP_NUM_THREADS": "the job's share of this machine",
    "OMP_WAIT_POLICY": "the job shares this machine",
    "OPENBLAS_NUM_THREADS": "the job's share of this machine",
    "PATH": "another Python environment",
    "PYTHONPATH": "another Python environment; both begin with the code folder",
    "SM_DLC_TORCH_VERSION": "the oracle's environment has no torch",
}
# What only one of them sets: this oracle's own switches, and what SageMaker's platform sets before the toolkit starts.
ORACLES_OWN = {"SAGEMAKER_BASE_DIR", "SAGEMAKER_TRAINING_MODULE", "SM_STUDIO_LOCAL_MODE", "USE_SMDEBUG", "LC_CTYPE"}
PLATFORMS = {
    "TRAINING_JOB_ARN",
    "SM_JOB_NAME",
    "LANG",
    "HOME",
    "PYTHONUNBUFFERED",
    "PYTHONNOUSERSITE",
    "PYTHONIOENCODING",
}
PLATFORMS |= {
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "PIP_ROOT_USER_ACTION",
    "PIP_TARGET",
    "PIP_NO_INDEX",
    "PIP_NO_BUILD_ISOLATION",
}

SCRIPT = """
import json, os, sys
seen = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}
seen["files"] = sorted(os.path.join(at, name) for at, _, names in os.walk("..") for name in names if ".pyc" not in name)
with open(os.environ["SM_MODEL_DIR"] + "/seen.json", "w") as file:
    json.dump(seen, file)
"""
SHELL = '#!/bin/bash\n[[ -n $SM_HOSTS ]] || exit 9\nexec python3 train.py "$@"\n'


@dataclass(frozen=True)
class Outcome:
    """What a run left: what the script saw, output/failure, and the exit code."""

    seen: Any
    failure: str
    returncode: int


class Case:
    """A job with its folder."""

    def __init__(
        self, server: LocalServer, root: Path, files: Mapping[str, str | bytes], given: dict[str, str]
    ) -> None:
        self._server, self.root = server, root
        submit = given.get("sagemaker_submit_directory") or json.dumps(self._upload(root.name, files))
        request = {
            "HyperParameters": {"sagemaker_program": '"train.py"', **given, "sagemaker_submit_directory": submit},
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "InputDataConfig": [
                {
                    "ChannelName": name,
                    "ContentType": "text/plain",
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://toy/{root.name}/code"}},
                }
                for name in ("train", "sm-code")
            ],
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "OutputDataConfig": {"S3OutputPath": "s3://toy/out"},
        }
        self.spec = TrainingSpec("toy-job", "arn", "us-east-1", request, TrainingFolder(root))
        self.share = ComputeShare(cpus=len(os.sched_getaffinity(0)), gpus=0)

    def _upload(self, name: str, files: Mapping[str, str | bytes]) -> str:
        bucket = self._server.state_dir / "buckets/toy" / name
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for path, content in files.items():
                body = content.encode() if isinstance(content, str) else content
                member = tarfile.TarInfo(path)
                member.size = len(body)
                tar.addfile(member, io.BytesIO(body))
                (bucket / "code" / path).parent.mkdir(parents=True, exist_ok=True)
                (bucket / "code" / path).write_bytes(body)
        (bucket / "sourcedir.tar.gz").write_bytes(packed.getvalue())
        return f"s3://toy/{name}/sourcedir.tar.gz"

    def ours(self) -> Outcome:
        """Run by local_sagemaker, under its shim."""
        folder = self.spec.folder
        objects = Objects(self._server.base_url, self._server.state_dir / "buckets")
        training_input.prepare(self.spec, objects, self.root.parent / "cache")
        job_venv.make(folder.venv)
        argv = training_command.command(self.spec, self.share)
        env = training_environment.environment(self.spec, self.share, self._server.base_url)
        process.spawn(folder.root, argv, cwd=folder.code, env=env)
        ended = until(lambda: process.observe(folder.root), lambda state: isinstance(state, process.Exited))
        assert isinstance(ended, process.Exited)
        reason = failure_reason(folder.log, folder.failure, argv, ended.returncode) if ended.returncode else ""
        return Outcome(self._seen(), reason, ended.returncode)

    def theirs(self, python: Path) -> Outcome:
        """Run by the toolkit, on the folder as local_sagemaker prepared it but for the code."""
        ml = self.spec.folder.ml
        for folder in (ml / "code", ml / "model"):
            shutil.rmtree(folder)
            folder.mkdir()
        self.spec.folder.failure.unlink(missing_ok=True)
        env = {
            "PATH": f"{python.parent}:/usr/bin:/bin",
            "SAGEMAKER_BASE_DIR": str(ml),
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
            "SM_STUDIO_LOCAL_MODE": "true",  # otherwise it waits until algo-1 has an address
            "USE_SMDEBUG": "0",
            "TRAINING_JOB_NAME": self.spec.name,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL": self._server.base_url,
            "PIP_TARGET": str(self.root / "toolkit-packages"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PYTHONPATH": str(self.root / "toolkit-packages"),
        }
        ran = subprocess.run(
            [python.parent / "train"], env=env, cwd=ml, capture_output=True, text=True, timeout=120, check=False
        )
        written = self.spec.folder.failure
        failure = written.read_text() if written.exists() else ""
        assert failure or not ran.returncode, ran.stdout + ran.stderr
        return Outcome(self._seen(), failure, ran.returncode)

    def _seen(self) -> Any:
        written = self.spec.folder.model / "seen.json"
        return json.loads(written.read_text()) if written.exists() else None


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own ways to AWS are handed on to scripts; here there are none."""
    for variable in training_environment.AWS_VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def setuptools_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise pip fetches it for each build."""
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")


@pytest.fixture(scope="module")
def toolkit() -> Path:
    return environment("training_toolkit")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with running_server(tmp_path_factory.mktemp("state")) as server:
        yield server


def wheel() -> bytes:
    """A package `dogs`, as requirements.txt may name a file of the source folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("dogs.py", "LEGS = 4\n")
        archive.writestr("dogs-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: dogs\nVersion: 1.0\n")
        archive.writestr("dogs-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("dogs-1.0.dist-info/RECORD", "")
    return packed.getvalue()


QUOTED = {
    name: json.dumps(value)
    for name, value in {
        "batch-size": 32,
        "lr": "0.0004",
        "momentum": 0.9,
        "b": True,
        "n": None,
        "l": [1, 2, "x y"],
        "weights": {"cat": [1], "ant": {"z": 1}},
        "empty": "",
        "words": "two words 'and' \"quotes\" $HOME",
        "umlaut": "ä",
        "sagemaker_container_log_level": 20,
        "sagemaker_job_name": "toy-job",
        "sagemaker_region": "us-east-1",
        "sagemaker_estimator_module": "sagemaker.pytorch.estimator",
        "_tuning_objective_metric": "loss",
    }.items()
}
RAW = {"sagemaker_program": "train.py", "name": "dogs", "f": "1e-05", "yes": "True", "inf": "Infinity", "s": "a b"}
SETUP = """
from setuptools import setup
setup(name="hound", version="1.0", package_dir={"": "lib"}, packages=["hound"])
"""
WHEEL = "dogs-1.0-py3-none-any.whl"
WITH_WHEEL: dict[str, str | bytes] = {"train.py": f"import dogs\nassert dogs.LEGS == 4\n{SCRIPT}", WHEEL: wheel()}

CASES: dict[str, tuple[dict[str, str | bytes], dict[str, str]]] = {
    "quoted": ({"train.py": SCRIPT, "other.py": ""}, QUOTED),
    "raw": ({"train.py": SCRIPT}, RAW),
    "subfolder": ({"src/train.py": SCRIPT}, {"sagemaker_program": "src/train.py"}),
    "shell": ({"run.sh": SHELL, "train.py": SCRIPT}, {**QUOTED, "sagemaker_program": "run.sh"}),
    "no-suffix": ({"bin/run": SHELL, "train.py": SCRIPT}, {**RAW, "sagemaker_program": "bin/run"}),
    "channel": ({"train.py": SCRIPT}, {"sagemaker_submit_directory": "/opt/ml/input/data/sm-code"}),
    "requirements": ({**WITH_WHEEL, "requirements.txt": "./dogs-1.0-py3-none-any.whl\n"}, {}),
    "package": (
        {"setup.py": SETUP, "lib/hound/__init__.py": "", "lib/hound/train.py": SCRIPT},
        {"sagemaker_program": "hound.train"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_script_sees_the_same(name: str, store: LocalServer, toolkit: Path, tmp_path: Path) -> None:
    files, given = CASES[name]
    if name == "channel":  # what is in the channel; the archive beside it is not used
        Case(store, tmp_path / name, files, {})
    case = Case(store, tmp_path / name, files, given)
    ours, theirs = case.ours(), case.theirs(toolkit)
    assert (ours.returncode, theirs.returncode) == (0, 0), theirs.failure
    assert ours.seen["argv"] == theirs.seen["argv"]
    assert ours.seen["cwd"] == theirs.seen["cwd"]
    assert ours.seen["files"] == theirs.seen["files"]
    our_env, their_env = ours.seen["env"], theirs.seen["env"]
    for variable in ("_", "PWD", "SHLVL", "OLDPWD"):  # bash's own
        our_env.pop(variable, None)
        their_env.pop(variable, None)
    assert set(our_env) - set(their_env) - set(DIFFERS) <= PLATFORMS
    assert set(their_env) - set(our_env) - set(DIFFERS) <= ORACLES_OWN | PLATFORMS
    same = set(our_env) & set(their_env) - set(DIFFERS) - PLATFORMS
    assert {key: our_env[key] for key in same} == {key: their_env[key] for key in same}
    assert {"SM_HPS", "SM_TRAINING_ENV", "SM_USER_ARGS", "SM_CHANNEL_TRAIN", "SM_MODULE_NAME"} <= same


RAISES = SCRIPT + "\ndef train():\n    raise ValueError('no dogs: 0')\ntrain()\n"
FAILURES: dict[str, tuple[dict[str, str | bytes], dict[str, str], str]] = {
    "raises": ({"train.py": RAISES}, {"lr": "0.1", "words": "a b"}, "ValueError: no dogs: 0"),
    "exits": ({"train.py": "import sys\nprint('so long')\nsys.exit(3)\n"}, {"b": "true"}, ""),
    "shell": ({"run.sh": "echo bye >&2\nexit 4\n"}, {"sagemaker_program": "run.sh", "words": "a b"}, ""),
    "killed": ({"train.py": "import os\nos.kill(os.getpid(), 9)\n"}, {}, ""),
    "imports": ({"train.py": "import no_such_dogs\n"}, {}, "ModuleNotFoundError: No module named 'no_such_dogs'"),
}
WORDS = re.compile(
    r'ExecuteUserScriptError:\nExitCode (?P<code>\S+)\nErrorMessage "(?P<message>.*)"\nCommand "(?P<command>.*)"',
    re.DOTALL,
)


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_reads_the_same(name: str, store: LocalServer, toolkit: Path, tmp_path: Path) -> None:
    files, given, message = FAILURES[name]
    case = Case(store, tmp_path / name, files, given)
    ours, theirs = case.ours(), case.theirs(toolkit)
    assert theirs.returncode == 1
    prefix, _, text = ours.failure.partition(": ")
    body, _, ending = text.rpartition(", ")
    # SageMaker itself puts these around what the toolkit writes to output/failure.
    assert (prefix, ending) == ("AlgorithmError", "exit code: 1")
    our_words, their_words = WORDS.fullmatch(body), WORDS.fullmatch(theirs.failure)
    assert our_words is not None, ours.failure
    assert their_words is not None, theirs.failure
    assert our_words["code"] == their_words["code"] == str(ours.returncode)
    # The toolkit quotes all from the first line that names an error, often nothing, ours the error or the last line.
    assert our_words["message"]
    assert their_words["message"].endswith(message)
    assert our_words["message"] == message or not message
    their_command = re.sub(r"^\S*/python3? (-- )?", "python3 ", their_words["command"])
    assert our_words["command"] == their_command


def test_a_scripts_own_words_stay(store: LocalServer, toolkit: Path, tmp_path: Path) -> None:
    script = (
        "import os\nwith open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w') as f:\n    f.write('no dogs')\nexit(5)\n"
    )
    case = Case(store, tmp_path / "words", {"train.py": script}, {})
    assert case.ours().failure == "AlgorithmError: no dogs, exit code: 1"
    assert case.theirs(toolkit).failure == "no dogs"
