"""Custom rules: classes on smdebug's Rule from a user's file, each run by a process of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from diagnostics.rules.configuration import RuleConfiguration
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus, short
from local_sagemaker.runtime import shim
from local_sagemaker.runtime.evaluation.request import EvaluationRequest
from local_sagemaker.runtime.objects import ObjectError, Objects

PROGRAM = "local_sagemaker.runtime.evaluation.custom_rule"
REPOSITORY = Path(__file__).resolve().parents[3]
SAVED = ("collections", "events", "index")
END_OF_JOB = "training_job_end.ts"


class CustomRule:
    """A custom rule of a job and its process.

    The class sees the first host's tensors through a folder of links, where the end of the job is marked as soon as
    the script has ended: in the job's own folder that is done only when everything is uploaded.
    """

    def __init__(self, configuration: RuleConfiguration, request: EvaluationRequest, folder: Path) -> None:
        self._configuration = configuration
        self._request = request
        self._folder = folder
        self._trial = folder / request.job.name
        self._process: subprocess.Popen[bytes] | None = None
        self.evaluation = RuleEvaluation(configuration.name, configuration.rule, RuleStatus.IN_PROGRESS)
        try:
            shim.patiently(self._start)
        except (ObjectError, OSError, ValueError) as error:
            self._ends(RuleStatus.ERROR, f"The custom rule {configuration.rule} could not be started: {error}")

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.evaluation.status is not RuleStatus.IN_PROGRESS

    def advance(self, *, ended: bool) -> None:
        """Look whether it has ended; `ended`: the job has."""
        if self._process is None or self.done:
            return
        if ended:
            shim.patiently((self._trial / END_OF_JOB).touch)
        code = self._process.poll()
        if code is None:
            return
        status, details = self._result(code)
        self._ends(status, details)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        configuration, request = self._configuration, self._request
        if not configuration.rule:
            raise ValueError("its RuleParameters have no rule_to_invoke, the name of the class in source_s3_uri")
        if configuration.other_trials:
            raise ValueError("rules over other trials (other_trial_0, ...) are not evaluated here: leave these out")
        shutil.rmtree(self._folder, ignore_errors=True)  # of an evaluator that was killed
        self._trial.mkdir(parents=True)
        for name in SAVED:
            (self._trial / name).symlink_to(request.tensors[0] / name)
        objects = Objects(request.endpoint_url, request.buckets_dir)
        objects.download_file(str(configuration.source), self._folder / "rule.py")
        plan: dict[str, object] = {
            "source": str(self._folder / "rule.py"),
            "rule": configuration.rule,
            "parameters": dict(configuration.parameters),
            "trial": str(self._trial),
            "result": str(self._folder / "result.json"),
        }
        shim.write_json(str(self._folder / "plan.json"), plan)
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "AWS_REGION": request.region,
            "SMDEBUG_TRAINING_END_DELAY_REFRESH": "0",  # all is written when the end is marked
            "PYTHONUNBUFFERED": "1",
        }
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", PROGRAM, str(self._folder / "plan.json")],
                cwd=self._folder,  # what the rule writes by a relative path goes with it
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _result(self, code: int) -> tuple[RuleStatus, str]:
        with contextlib.suppress(FileNotFoundError):
            result = json.loads((self._folder / "result.json").read_bytes())
            details = str(result["details"])
            if result["status"] == RuleStatus.ERROR.value:
                details += f" Its log is {self._folder / 'log'}"
            return RuleStatus(result["status"]), details
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return RuleStatus.ERROR, (
            f"The process of the custom rule {self._configuration.rule} ended {how} before it came to a result. "
            f"Its log is {self._folder / 'log'}"
        )

    def _ends(self, status: RuleStatus, details: str) -> None:
        self.evaluation = replace(self.evaluation, status=status, details=short(details))
