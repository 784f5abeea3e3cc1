"""FailureReasons."""

import os
from pathlib import Path

import pytest

from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.failure import error_message, failure_reason

ARGV = ["/venv/bin/python", "train.py", "--name", "two words"]
CHAINED = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    raise my.errors.DogError("boom") from None
my.errors.DogError: boom
more of the message
"""


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (CHAINED, "my.errors.DogError: boom"),
        ('  File "a.py", line 1\n    x = (\n        ^\nSyntaxError: was never closed', "SyntaxError: was never closed"),
        (
            "usage: train.py\ntrain.py: error: unrecognized arguments: --x",
            "train.py: error: unrecognized arguments: --x",
        ),
        ("MemoryError: out\nbye", "MemoryError: out"),
        ("", ""),
    ],
)
def test_the_last_error_of_a_log(tmp_path: Path, output: str, message: str) -> None:
    job_log.append(tmp_path / "log", output.splitlines())
    assert error_message(tmp_path / "log") == message


def test_the_toolkits_words(tmp_path: Path) -> None:
    job_log.append(tmp_path / "log", ["RuntimeError: boom"])
    assert failure_reason(tmp_path / "log", tmp_path / "failure", ARGV, 1) == (
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "RuntimeError: boom"\n'
        'Command "python3 train.py --name two words", exit code: 1'
    )


def test_the_toolkit_ends_with_1_and_an_entrypoint_with_its_own_code(tmp_path: Path) -> None:
    job_log.append(tmp_path / "log", ["no dogs"])
    shell = failure_reason(tmp_path / "log", tmp_path / "failure", ["/bin/sh", "-c", "./a.sh --x 'a b'"], 4)
    assert shell.endswith('ExitCode 4\nErrorMessage "no dogs"\nCommand "/bin/sh -c ./a.sh --x \'a b\'", exit code: 1')
    own = failure_reason(tmp_path / "log", tmp_path / "failure", ["/bin/bash", "-c", "exit 4"], 4, toolkit=False)
    assert own == "AlgorithmError: no dogs, exit code: 4"


def test_a_signal_is_named(tmp_path: Path) -> None:
    reason = failure_reason(tmp_path / "log", tmp_path / "failure", ARGV, -9)
    assert "ended by signal 9 (SIGKILL); the machine may have run out of memory" in reason


def test_the_scripts_own_words_come_first_and_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "failure").write_text("ä" * 3000)
    reason = failure_reason(tmp_path / "log", tmp_path / "failure", ARGV, 2)
    assert reason.startswith("AlgorithmError: ää")
    assert reason.endswith("ä, exit code: 1")
    assert len(reason) == 1024


@pytest.mark.parametrize("make", ["output is a file", "a folder", "a pipe", "a loop"])
def test_a_failure_that_is_no_file_holds_nobody_up(tmp_path: Path, make: str) -> None:
    job_log.append(tmp_path / "log", ["RuntimeError: boom"])
    failure = tmp_path / "output/failure"
    if make != "output is a file":
        failure.parent.mkdir()
    match make:
        case "output is a file":
            failure.parent.touch()
        case "a folder":
            failure.mkdir()
        case "a pipe":
            os.mkfifo(failure)
        case "a loop":
            failure.symlink_to(failure)
    reason = failure_reason(tmp_path / "log", failure, ARGV, 1)
    expected = "output/failure cannot be read: Too many levels" if make == "a loop" else "RuntimeError: boom"
    assert expected in reason
