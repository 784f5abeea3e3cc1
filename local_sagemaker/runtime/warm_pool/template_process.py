"""A template (template.py) as the engine has it: a process of its own, which ends with the engine or before."""

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from local_sagemaker.runtime import shim
from local_sagemaker.runtime.training import job_venv
from local_sagemaker.runtime.warm_pool import template
from local_sagemaker.runtime.warm_pool.imports import Imports
from local_sagemaker.runtime.warm_pool.kind import Kind

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
LOG_BYTES = 1024 * 1024


class TemplateProcess:
    """Started by the constructor. `folder` is its own, and goes with it."""

    def __init__(self, folder: Path, kind: Kind, imports: Imports) -> None:
        self.imports = imports
        self.ready = False
        self.left_out: dict[str, str] = {}
        self.why = ""  # it ended before it was of use
        self.started_at = time.monotonic()
        self._folder = folder
        self._received = b""
        self._logged = 0
        self._start(kind)

    def _start(self, kind: Kind) -> None:
        folder, venv = self._folder, self._folder / "venv"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "home").mkdir(parents=True)
        folder.chmod(0o700)  # as a job's: the environment may hold credentials
        job_venv.make(venv)
        wanted: dict[str, object] = {
            "modules": list(self.imports.modules),
            "sets": list(self.imports.sets),
            "left_out": dict(self.imports.left_out),
            "own": [name for name in kind.own if name not in {"HOME", "PATH", "PYTHONPATH"}],
        }
        shim.write_json(str(folder / "template.json"), wanted)
        self._control, theirs = socket.socketpair()
        search_path = os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath)])
        with theirs:
            self._process = subprocess.Popen(
                [str(venv / "bin/python3"), template.__file__, str(folder), str(theirs.fileno())],
                cwd=folder,
                env={**kind.environment, "PATH": search_path, "HOME": str(folder / "home")},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # a pipe, as a job's is: sys.stdout stays what it is in a fork
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def look(self) -> None:
        """Take in what it has said since the last time."""
        self._keep_output()
        while (message := self._message(0.0)) is not None:
            self._take(message)

    def run(self, folder: Path) -> bool:
        """Have the command of `folder` (process.py) run in a fork. False when there is none: start it otherwise.

        Should the fork come all the same, and late, the folder's claim lets one of both run.
        """
        try:
            self._control.settimeout(ANSWER_SECONDS)
            self._control.sendall(json.dumps(str(folder)).encode() + b"\n")
        except OSError:
            return False
        message = self._message(ANSWER_SECONDS)
        if message is None:
            self._process.kill()  # its answer must not be taken for that to the next question
            return False
        if "error" in message:
            logger.warning("warm pool: no fork: %s", message["error"])
        return "pid" in message

    def end(self) -> None:
        """End it; jobs that were forked from it go on."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._keep_output()
        if self._process.stdout is not None:
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take(self, message: dict[str, Any]) -> None:
        self.ready, self.why, self.left_out = message["ready"], message["why"], message["left_out"]
        for module, problem in message["failed"].items():
            logger.info("warm pool: %s was not imported: %s", module, problem)

    def _message(self, seconds: float) -> dict[str, Any] | None:
        """The next thing it says within `seconds`."""
        self._control.settimeout(seconds)
        while b"\n" not in self._received:
            try:
                chunk = self._control.recv(65536)
            except OSError:  # nothing yet, or nobody there
                return None
            if not chunk:
                return None
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)  # type: ignore[no-any-return]

    def _keep_output(self) -> None:
        """What packages print when they are imported."""
        if self._process.stdout is None or self._process.stdout.closed:
            return
        with contextlib.suppress(OSError), (self._folder / "log").open("ab") as log:
            while chunk := self._process.stdout.read(65536):
                if self._logged < LOG_BYTES:
                    self._logged += log.write(chunk)
