"""Checkpoints: what a job needs to go on as if nothing had happened, also in the middle of an epoch.

Order, augmentation and mixup are drawn from seed, epoch and place alone, so the one generator whose state is kept is
torch's, of which dropout draws. SageMaker copies the folder to S3 while the job works and back before a job with the
same checkpoint URI starts.
"""

import io
import os
from pathlib import Path

import torch
from arguments import Arguments
from errors import CheckpointError
from learner import Learner
from process_group import ALONE, ProcessGroup
from progress import Progress, progress_from_plain

FILE_NAME = "checkpoint.pt"
FORMAT_VERSION = 3


def save_checkpoint(
    folder: Path, arguments: Arguments, classes: tuple[str, ...], *, progress: Progress, learner: Learner
) -> None:
    """Write all state so that a reader finds the old checkpoint or the new one, never part of one."""
    folder.mkdir(parents=True, exist_ok=True)
    # One name, so that what a killed job leaves half written is overwritten and never heaps up.
    temporary = folder / f".{FILE_NAME}.new"
    with temporary.open("wb") as file:
        torch.save(
            {
                "format_version": FORMAT_VERSION,
                "identity": arguments.identity(),
                "classes": list(classes),
                "progress": progress.as_plain(),
                "learner": learner.state_dict(),
                "random": torch.get_rng_state(),
                "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            },
            file,
        )
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / FILE_NAME)
    _sync(folder)


def load_checkpoint(
    folder: Path | None, arguments: Arguments, classes: tuple[str, ...], learner: Learner, group: ProcessGroup = ALONE
) -> Progress | None:
    """Put the learner and the random generators into the saved state; None where there is no folder or checkpoint.

    What counts is the file that the first process finds. Raises CheckpointError when it cannot be read, was written by
    another version of this script, or comes from a job with other hyperparameters or classes.
    """
    path = folder / FILE_NAME if folder is not None else None
    again = f"remove {path} (or give the job another checkpoint S3 URI) to begin from the start"
    try:
        content = path.read_bytes() if group.is_first and path is not None and path.exists() else None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({type(error).__name__}); {again}") from error
    if (content := group.from_first(content)) is None:
        return None
    try:
        saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        version, identity, saved_classes = saved.get("format_version", 1), saved["identity"], tuple(saved["classes"])
    except Exception as error:  # unpickling a damaged file raises what it likes
        raise CheckpointError(f"{path} cannot be read ({type(error).__name__}); {again}") from error
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path} was written by another version of this training script (format {version}, not {FORMAT_VERSION}): "
            f"go on with that version, or {again}"
        )
    now = arguments.identity()
    changed = sorted(name for name in now.keys() | identity.keys() if now.get(name) != identity.get(name))
    if changed:
        differences = ", ".join(f"{name} {identity.get(name)} -> {now.get(name)}" for name in changed)
        raise CheckpointError(f"{path} belongs to a job with other hyperparameters ({differences}); {again}")
    if saved_classes != classes:
        raise CheckpointError(f"{path} belongs to a job with other classes ({len(saved_classes)} of them); {again}")
    try:
        progress = progress_from_plain(saved["progress"])
        learner.load_state_dict(saved["learner"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this job ({type(error).__name__}: {error}); {again}") from error
    torch.set_rng_state(saved["random"])
    if torch.cuda.is_available() and len(saved["cuda_random"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(saved["cuda_random"])
    return progress


def _sync(folder: Path) -> None:
    """Let the file's new name outlive a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
