"""The AWS CLI (version 1) as its user types it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 180.0
WITH_SHORT_WAITS = "import short_waits, runpy; runpy.run_module('awscli', run_name='__main__')"


@dataclass(frozen=True)
class Answer:
    """What a command answered. Codes: 0; 1 a transfer that failed; 2 usage; 255 an error of the service or a waiter."""

    code: int
    stdout: str
    stderr: str


class AwsCli:
    """`aws(...)` runs a command in the folder `cwd`; `aws.ok(...)` answers its text, `aws.json(...)` that parsed."""

    def __init__(self, python: Path, env: dict[str, str], cwd: Path) -> None:
        self.cwd = cwd
        self._python = python
        self._env = env

    def __call__(self, *arguments: str | Path) -> Answer:
        return self._run([self._python.with_name("aws"), *arguments])

    def ok(self, *arguments: str | Path) -> str:
        """The command's output; a code other than 0 fails the test."""
        return self._succeeded(self(*arguments), arguments)

    def json(self, *arguments: str | Path) -> Any:
        """The command's output as JSON; None where it prints nothing."""
        text = self.ok(*arguments, "--output", "json")
        return json.loads(text) if text.strip() else None

    def wait(self, *arguments: str | Path) -> Answer:
        """A `wait` command, whose pauses of 30 to 120 s are short: the one change for the tests."""
        return self._run([self._python, "-c", WITH_SHORT_WAITS, *arguments])

    def _run(self, command: list[str | Path]) -> Answer:
        ran = subprocess.run(
            [str(part) for part in command],
            env=self._env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Answer(ran.returncode, ran.stdout, ran.stderr)

    @staticmethod
    def _succeeded(answer: Answer, arguments: tuple[str | Path, ...]) -> str:
        assert answer.code == 0, f"aws {' '.join(map(str, arguments))} ended with {answer.code}\n{answer.stderr}"
        return answer.stdout
