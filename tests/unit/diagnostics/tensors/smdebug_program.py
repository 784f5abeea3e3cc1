"""smdebug as the oracle: `python -m ... HOOK OURS`, in a process of its own, because torch and smdebug cost seconds.

Trains a tiny network with smdebug's hook saving into HOOK, then prints what smdebug's reader finds there and in OURS.
"""

import json
import sys
import warnings
from typing import Any


def train(folder: str) -> None:
    """Two epochs of training and judging: weights and gradients whole, biases reduced, a scalar, a loss."""
    import smdebug.pytorch as smd
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    hook = smd.Hook(
        out_dir=folder,
        export_tensorboard=False,
        include_collections=["losses", "weights", "gradients", "biases"],
        save_config=smd.SaveConfig(save_interval=2),
    )
    hook.get_collection("biases").reduction_config = smd.ReductionConfig(
        reductions=["min"], abs_reductions=["mean"], norms=["l2"]
    )
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    loss = torch.nn.CrossEntropyLoss()
    hook.register_module(network)
    hook.register_loss(loss)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    inputs, labels = torch.randn(16, 4), torch.randint(0, 3, (16,))
    for _ in range(2):
        hook.set_mode(smd.modes.TRAIN)
        for _ in range(5):
            optimizer.zero_grad()
            loss(network(inputs), labels).backward()
            optimizer.step()
        hook.save_scalar("lr", 0.1)
        hook.set_mode(smd.modes.EVAL)
        for _ in range(2):
            loss(network(inputs), labels)
    hook.close()


def found(folder: str) -> dict[str, Any]:
    """What smdebug's reader says of a folder."""
    from smdebug.trials import create_trial

    trial = create_trial(folder)
    steps: dict[str, Any] = {}
    for step in trial.steps():
        mode, mode_step = trial.mode_modestep(step)
        tensors, reductions = {}, {}
        for name in trial.tensor_names(step=step):
            tensor = trial.tensor(name)
            reduced = tensor.reduction_values(step)
            if reduced:
                reductions[name] = {
                    f"{'abs_' if of_abs else ''}{kind}": float(v) for (kind, of_abs), v in reduced.items()
                }
            else:
                value = tensor.value(step)
                tensors[name] = {"type": str(value.dtype), "value": value.tolist()}
        steps[str(step)] = {
            "mode": mode.name,
            "mode_step": mode_step,
            "tensors": tensors,
            "reductions": reductions,
            "losses": trial.tensor_names(step=step, collection="losses"),
        }
    return {"steps": steps, "ended": trial.loaded_all_steps}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    train(sys.argv[1])
    print(json.dumps([found(folder) for folder in sys.argv[1:]]))  # noqa: T201 - the answer
