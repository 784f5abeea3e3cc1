"""FailureReasons."""

import os
from pathlib import Path

import pytest

from local_sagemaker.runtime import job_log
from local_sagemaker.runtime.failure import error_message, failure_reason, is_for_anothers_sake

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


MISSES = """[rank{rank}]: Traceback (most recent call last):
[rank{rank}]:   File "train.py", line 1, in <module>
[rank{rank}]: RuntimeError: [pair.cc:545] Read error [127.0.0.1]:43191: Connection reset by peer

[rank{rank}]: The above exception was the direct cause of the following exception:

[rank{rank}]: Traceback (most recent call last):
[rank{rank}]:   File "train.py", line 9, in <module>
[rank{rank}]: errors.DistributedError: another process of the job was lost: look
"""
RAISES = """[rank1]: Traceback (most recent call last):
[rank1]:   File "train.py", line 7, in <module>
[rank1]: errors.ChannelError: no dogs
"""
TORCHRUN = """Traceback (most recent call last):
  File "torch/distributed/run.py", line 1142, in <module>
    main()
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
==========================
train_model.py FAILED
--------------------------
Failures:
  <NO_OTHER_FAILURES>
--------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-23_16:55:11
  host      : algo-2
  rank      : 1 (local_rank: 0)
  exitcode  : {code} (pid: 20169)
  error_file: <N/A>
==========================
"""
TOLD_TO_END = """Traceback (most recent call last):
  File "torch/distributed/run.py", line 1142, in <module>
torch.distributed.elastic.multiprocessing.api.SignalException: Process 20074 got signal: 15
"""
KILLED = "The script was ended by signal 9 (SIGKILL); the machine may have run out of memory"


@pytest.mark.parametrize(
    ("output", "message", "is_echo"),
    [
        (TORCHRUN.format(code=-9), KILLED, False),
        (RAISES + TORCHRUN.format(code=1), "errors.ChannelError: no dogs", False),
        (RAISES + MISSES.format(rank=0) + TORCHRUN.format(code=1), "errors.ChannelError: no dogs", False),
        (MISSES.format(rank=0) + RAISES + TORCHRUN.format(code=1), "errors.ChannelError: no dogs", False),
        (
            MISSES.format(rank=0) + TORCHRUN.format(code=1),
            "errors.DistributedError: another process of the job was lost: look",
            True,
        ),
        (
            MISSES.format(rank=0) + TOLD_TO_END,
            "errors.DistributedError: another process of the job was lost: look",
            True,
        ),
        (
            "[E] ProcessGroupNCCL.cpp: remote process exited or there was a network error\n" + TORCHRUN.format(code=-6),
            "[E] ProcessGroupNCCL.cpp: remote process exited or there was a network error",
            True,
        ),
        (
            "epoch=1\n" + TOLD_TO_END,
            "torch.distributed.elastic.multiprocessing.api.SignalException: Process 20074 got signal: 15",
            True,
        ),
        # an earlier start of the same job
        (RAISES + TORCHRUN.format(code=1) + TORCHRUN.format(code=-9), KILLED, False),
        ("RuntimeError: usual", "RuntimeError: usual", False),
    ],
)
def test_under_torchrun_it_is_the_scripts_own_error(tmp_path: Path, output: str, message: str, is_echo: bool) -> None:
    job_log.append(tmp_path / "log", output.splitlines())
    found = error_message(tmp_path / "log")
    assert (found, is_for_anothers_sake(found)) == (message, is_echo)
