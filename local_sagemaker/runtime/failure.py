"""Why a script failed, in the words of SageMaker's training toolkit."""

import os
import re
import signal
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from local_sagemaker.runtime import job_log

MAX_CHARACTERS = 1024  # of a FailureReason
TAIL_EVENTS = 2000
_TRACEBACK = "Traceback (most recent call last):"
_RANK = re.compile(r"\[rank(\d+)\]: ?")  # torch.distributed writes it before the lines of an uncaught exception
_TORCHRUN = re.compile(
    r"torch\.distributed\.elastic\.multiprocessing\.(errors\.ChildFailedError|api\.SignalException):"
)
_ROOT_CAUSE = re.compile(r"Root Cause .*?exitcode +: (-?\d+)", re.DOTALL)
_TOLD_TO_END = re.compile(r"torch\.distributed\.elastic\.multiprocessing\.api\.SignalException:")
_LOST_PEER = re.compile(
    r"connection (closed|reset) by (remote )?peer|remote process exited|process of the job was lost", re.IGNORECASE
)
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Warning)\b")


def failure_reason(log: Path, failure_file: Path, argv: Sequence[str], returncode: int, *, toolkit: bool = True) -> str:
    """FailureReason of a script that ended with `returncode`: what it wrote to output/failure, or its last error.

    The toolkit itself ends with 1 whatever its script ended with; without it (a ContainerEntrypoint) the code is the
    command's own.
    """
    ending = f", exit code: {1 if toolkit else returncode}"
    written = _written(failure_file)
    if written:
        return _bounded(f"AlgorithmError: {written}", ending)
    message = error_message(log) if returncode >= 0 else _signal_message(returncode)
    if not toolkit:
        return _bounded(f"AlgorithmError: {message}", ending)
    program = argv[0] if argv[0] == "/bin/sh" else "python3"
    text = (
        f"AlgorithmError: ExecuteUserScriptError:\nExitCode {returncode}\n"
        f'ErrorMessage "{message[:500]}"\nCommand "{" ".join([program, *argv[1:]])}"'
    )
    return _bounded(text, ending)


def error_message(log: Path) -> str:
    """The last traceback's last line; without one, the last line that names an exception, or the log's last.

    Of a script under torchrun it is the script's own, where torchrun only tells that a process has failed.
    """
    events = islice(job_log.events_before(log, job_log.size_bytes(log)), TAIL_EVENTS)
    lines = [event.message.rstrip() for event in events][::-1]
    launchers = [number for number, line in enumerate(lines) if _TORCHRUN.match(line)]  # one a start of the job
    return _under_torchrun(lines, launchers[-1]) if launchers else _error(lines)


def is_for_anothers_sake(message: str) -> bool:
    """Whether an error is only that another process of a distributed job is gone, or that torchrun was told to end."""
    return bool(_LOST_PEER.search(message) or _TOLD_TO_END.match(message))


def _under_torchrun(lines: list[str], launcher: int) -> str:
    """The error where torchrun's own one is in line `launcher`: its process's signal, else the words of a rank.

    Where several ranks raised, it is the one that does not only miss another.
    """
    cause = _ROOT_CAUSE.search("\n".join(lines[launcher:]))
    if cause is not None and int(cause[1]) < 0:
        misses = [line for line in lines[:launcher] if _LOST_PEER.search(line)]
        aborted = int(cause[1]) == -signal.SIGABRT  # which is how NCCL ends a process that misses another
        return misses[-1] if aborted and misses else _signal_message(int(cause[1]))
    by_rank: dict[str, list[str]] = {}
    for line in lines[:launcher]:
        if (prefix := _RANK.match(line)) is not None:
            by_rank.setdefault(prefix[1], []).append(line[prefix.end() :])
    errors = [_error(said) for said in by_rank.values()]
    return next((error for error in errors if not is_for_anothers_sake(error)), [*errors, _error(lines)][0])


def _error(lines: list[str]) -> str:
    tracebacks = [number for number, line in enumerate(lines) if line.strip().endswith(_TRACEBACK)]
    if tracebacks:
        for line in lines[tracebacks[-1] + 1 :]:
            if line and not line[0].isspace():
                return line
    spoken = [line for line in lines if line.strip()]
    exceptions = [line for line in spoken if _EXCEPTION.match(line)]
    return (exceptions or spoken or [""])[-1].strip()


def _written(failure_file: Path) -> str:
    try:
        with open(os.open(failure_file, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # it may be a pipe
            return file.read(4 * MAX_CHARACTERS).decode("utf-8", "replace").strip()[:MAX_CHARACTERS]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""
    except OSError as error:
        return f"output/failure cannot be read: {error.strerror}"


def _signal_message(returncode: int) -> str:
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = "unknown"
    hint = "; the machine may have run out of memory" if name == "SIGKILL" else ""
    return f"The script was ended by signal {-returncode} ({name}){hint}"


def _bounded(text: str, ending: str) -> str:
    return text[: MAX_CHARACTERS - len(ending)] + ending
