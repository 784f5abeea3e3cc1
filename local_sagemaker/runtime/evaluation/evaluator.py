"""The evaluator's loop: read what has come, tell how the rules stand, until the job has ended and all have judged."""

import time
from pathlib import Path

from local_sagemaker.runtime import process
from local_sagemaker.runtime.evaluation.debugger_rules import DebuggerRules
from local_sagemaker.runtime.evaluation.profiler_rules import ProfilerRules
from local_sagemaker.runtime.evaluation.request import EvaluationRequest, RequestFile
from local_sagemaker.runtime.evaluation.statuses import Statuses
from local_sagemaker.runtime.training.evaluation_folder import LEFT_ALONE

LOOK_SECONDS = 1.0  # between two looks for tensors
NUDGE_SECONDS = 0.1  # between two looks at evaluation.json, which tells of the end
REPORT_SECONDS = 60.0  # between two refreshed reports, and a hundred times what one takes
ALONE_SECONDS = 120.0  # after the scripts' end without a word from the engine, which starts another one later


class Evaluator:
    """Evaluates the rules of the job that FOLDER/evaluation.json tells of.

    It begins at the first step, also when it takes an earlier evaluator's place: what comes out is the same.
    """

    def __init__(self, folder: Path) -> None:
        self._file = RequestFile(folder / "evaluation.json")
        self._statuses = Statuses(folder / "statuses.json")
        self._resumed = not self._statuses.empty
        self._request = self._file.read()
        self._debugger = DebuggerRules(self._request, folder / "custom-rules")
        self._profiler = ProfilerRules(self._request, folder / "rule-output")
        self._report_due = time.monotonic() + REPORT_SECONDS
        self._alone_since: float | None = None

    def run(self) -> int:
        """Until every rule has said its last word on a job that has ended; answers the exit status."""
        try:
            while not self._look():
                if self._is_left_alone():
                    return LEFT_ALONE
                self._wait()
        finally:
            self._debugger.close()
        return 0

    def _look(self) -> bool:
        """Do what is due. Whether it was the last time."""
        request = self._read_request()
        while not self._debugger.advance(ended=request.ended):
            if not self._resumed:  # else what an earlier evaluator told stands until this one has come as far
                self._tell()
        if request.ended and not self._debugger.done:
            self._tell()
            return False
        if request.ended or time.monotonic() > self._report_due:
            began = time.monotonic()
            if self._profiler.active:
                self._tell()  # a page takes a while
                self._profiler.refresh(request.job, self._debugger.curves, self._debugger.evaluations())
            now = time.monotonic()
            self._report_due = now + max(REPORT_SECONDS, 100 * (now - began))
        self._tell()
        return request.ended

    def _read_request(self) -> EvaluationRequest:
        request = self._file.read()
        if request.profiler_rules != self._request.profiler_rules:
            self._profiler.told(request)
        self._request = request
        return request

    def _tell(self) -> None:
        self._statuses.write(self._debugger.standings(), self._profiler.standings())

    def _is_left_alone(self) -> bool:
        """Whether the scripts ended long ago, and the engine has not said so."""
        running = any(isinstance(process.observe(script), process.Running) for script in self._request.scripts)
        if running or self._request.ended:
            self._alone_since = None
            return False
        self._alone_since = self._alone_since or time.monotonic()
        return time.monotonic() > self._alone_since + ALONE_SECONDS

    def _wait(self) -> None:
        """Until the next look is due, or the engine has something to say."""
        due = time.monotonic() + (NUDGE_SECONDS if self._request.ended else LOOK_SECONDS)
        while time.monotonic() < due and not self._file.changed:
            time.sleep(NUDGE_SECONDS)
