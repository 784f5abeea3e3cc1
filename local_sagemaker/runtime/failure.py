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
    """The last traceback's last line; without one, the last line that names an exception, or the log's last."""
    events = islice(job_log.events_before(log, job_log.size_bytes(log)), TAIL_EVENTS)
    lines = [event.message.rstrip() for event in events][::-1]
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
