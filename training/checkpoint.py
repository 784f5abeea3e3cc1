"""Checkpoints: what a job needs to go on as if nothing had happened.

SageMaker copies the folder to S3 while the job works and back before a job with the same checkpoint URI starts.
"""

import os
from pathlib import Path

import torch
from arguments import Arguments
from errors import CheckpointError
from progress import Progress, progress_from_plain
from torch import nn

FILE_NAME = "checkpoint.pt"


def save_checkpoint(
    folder: Path,
    arguments: Arguments,
    classes: tuple[str, ...],
    *,
    progress: Progress,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write all state so that a reader finds the old checkpoint or the new one, never part of one."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{FILE_NAME}.{os.getpid()}"
    with temporary.open("wb") as file:
        torch.save(
            {
                "identity": arguments.identity(),
                "classes": list(classes),
                "progress": progress.as_plain(),
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "random": torch.get_rng_state(),
                "cuda_random": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
            },
            file,
        )
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / FILE_NAME)


def load_checkpoint(
    folder: Path,
    arguments: Arguments,
    classes: tuple[str, ...],
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> Progress | None:
    """Put network, optimiser and random generators into the saved state; None where there is no checkpoint.

    Raises CheckpointError when the file cannot be read or comes from a job with other hyperparameters or classes.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    again = f"remove {path} (or give the job another checkpoint S3 URI) to begin from the start"
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        identity, saved_classes = saved["identity"], tuple(saved["classes"])
        progress = progress_from_plain(saved["progress"])
    except Exception as error:  # unpickling a damaged file raises what it likes
        raise CheckpointError(f"{path} cannot be read ({type(error).__name__}); {again}") from error
    now = arguments.identity()
    changed = sorted(name for name in now.keys() | identity.keys() if now.get(name) != identity.get(name))
    if changed:
        differences = ", ".join(f"{name} {identity.get(name)} -> {now.get(name)}" for name in changed)
        raise CheckpointError(f"{path} belongs to a job with other hyperparameters ({differences}); {again}")
    if saved_classes != classes:
        raise CheckpointError(f"{path} belongs to a job with other classes ({len(saved_classes)} of them); {again}")
    network.load_state_dict(saved["network"])
    optimizer.load_state_dict(saved["optimizer"])
    torch.set_rng_state(saved["random"])
    if saved["cuda_random"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(saved["cuda_random"])
    return progress
