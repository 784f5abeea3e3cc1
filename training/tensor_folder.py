"""The folder that Debugger's tensors go to, made ready for a job that begins or goes on."""

import json
import shutil
from pathlib import Path

from errors import DebuggerError

DEFAULT_FOLDER = "/opt/ml/output/tensors"
END_MARKER = "training_job_end.ts"
CLAIM = "claim.smd"


def tensor_folder(config: Path) -> Path:
    """The folder that a debughookconfig.json names. Raises DebuggerError."""
    try:
        return Path(json.loads(config.read_text(encoding="utf-8")).get("LocalPath") or DEFAULT_FOLDER)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DebuggerError(f"{config} is not a DebugHookConfig: {error}") from error


def make_ready(folder: Path, first_step: int) -> None:
    """Forget what an earlier attempt saved from `first_step` on: those steps are taken again.

    Also its end marker and its claim, which smdebug takes for another process at work, and then saves nothing.
    """
    for name in (END_MARKER, CLAIM):
        (folder / name).unlink(missing_ok=True)
    for path in [*folder.glob("events/*"), *folder.glob("index/*/*")]:
        step = path.name.partition("_")[0]
        if step.isdigit() and int(step) >= first_step:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
