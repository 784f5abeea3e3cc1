"""Diagnostics without SageMaker Debugger and Profiler: the script itself saves tensors and measures its machine.

For accounts to which AWS has closed them. The variable SAGEHOUND_DIAGNOSTICS asks for it (SAGEHOUND_DIAGNOSTICS_2 and
so on go on where it ends, for SageMaker takes 512 characters of each); what comes of it lies in the checkpoint folder,
which SageMaker uploads while the job runs, as SageMaker would have it in S3:

    <folder>/debug-output/                    tensors (debugger_hook.py)
    <folder>/profiler-output/system/          the machine (system_metrics.py)
    <folder>/profiler-output/framework/       steps (timeline.py)

A job that goes on from a checkpoint goes on in the same files: step numbers rise from where the checkpoint stands.
Of several hosts only the first one saves tensors; each measures its own machine.
"""

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from errors import DiagnosticsError
from sampler import Sampler
from system_metrics import metrics_of_this_machine
from tensor_folder import END_MARKER

VARIABLE = "SAGEHOUND_DIAGNOSTICS"
FIRST_HOST = "algo-1"
INTERVALS = (100, 200, 500, 1000, 5000, 60000)  # milliseconds, SageMaker's


@dataclass(frozen=True)
class ScriptMode:
    """What is asked for: `hook` are a DebugHookConfig's members; where one is None it is not asked for."""

    folder: Path
    hook: Mapping[str, Any] | None
    interval_ms: int | None

    @property
    def tensors(self) -> Path:
        """Where Debugger's tensors go."""
        return self.folder / "debug-output"

    @property
    def profile(self) -> Path:
        """Where system metrics and steps go."""
        return self.folder / "profiler-output"

    @property
    def hook_config(self) -> Path | None:
        """The debughookconfig.json that `recorded` writes."""
        return None if self.hook is None else self.folder / "debughookconfig.json"

    @contextlib.contextmanager
    def recorded(self, host: str) -> Iterator[None]:
        """Measure the machine meanwhile, and mark the end of all that was recorded, however it ends."""
        ended = [self.tensors] if self.hook is not None else []
        if self.interval_ms is not None:
            ended += [self.profile / "system", self.profile / "framework"]
        for folder in ended:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / END_MARKER).unlink(missing_ok=True)
        if self.hook_config is not None:
            content = {**(self.hook or {}), "LocalPath": str(self.tensors)}
            self.hook_config.write_text(json.dumps(content), encoding="utf-8")
        try:
            with contextlib.ExitStack() as stack:
                if self.interval_ms is not None:
                    metrics = stack.enter_context(metrics_of_this_machine())
                    stack.enter_context(Sampler(metrics, self.profile, host, self.interval_ms / 1000))
                yield
        finally:
            for folder in ended:
                (folder / END_MARKER).touch()


def read_script_mode(variables: Mapping[str, str], checkpoint_folder: Path | None) -> ScriptMode | None:
    """What `variables` ask for; None where nothing is. Raises DiagnosticsError, saying what to give."""
    if VARIABLE not in variables:
        return None
    if checkpoint_folder is None:
        raise DiagnosticsError(
            f"{VARIABLE} is set, and the job has no checkpoint folder to put tensors and metrics into: "
            "give it a CheckpointConfig (in a request to Sagehound: checkpoint_s3_uri)"
        )
    try:
        asked = json.loads(_joined(variables))
    except ValueError as error:
        raise DiagnosticsError(f"{VARIABLE} is not JSON: {error}") from error
    if not isinstance(asked, dict):
        raise DiagnosticsError(f"{VARIABLE} is no JSON object: {asked!r}")
    folder, hook, interval = asked.get("folder", "diagnostics"), asked.get("hook"), asked.get("interval_ms")
    if not isinstance(folder, str) or not folder or ".." in PurePosixPath(folder).parts or folder.startswith("/"):
        raise DiagnosticsError(f"{VARIABLE}: folder is {folder!r}: name a folder within the checkpoint folder")
    if hook is not None and not isinstance(hook, dict):
        raise DiagnosticsError(f"{VARIABLE}: hook is {hook!r}: give the members of a DebugHookConfig")
    if interval is not None and interval not in INTERVALS:
        raise DiagnosticsError(f"{VARIABLE}: interval_ms is {interval!r}: give one of {', '.join(map(str, INTERVALS))}")
    if variables.get("SM_CURRENT_HOST", FIRST_HOST) != FIRST_HOST:
        hook = None  # all hosts' checkpoint folders become one in S3, where files of one name would mix
    return ScriptMode(checkpoint_folder / folder, hook, interval)


def _joined(variables: Mapping[str, str]) -> str:
    names = itertools.takewhile(variables.__contains__, (f"{VARIABLE}_{number}" for number in itertools.count(2)))
    return variables[VARIABLE] + "".join(variables[name] for name in names)
