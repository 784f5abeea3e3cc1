"""What a process of its own does with smdebug: `python -m tests.unit.training.hook_runs FOLDER`.

smdebug keeps its state in modules and in the process's environment, and its import takes seconds: so a process for all.
"""

import atexit
import json
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.unit.training.scripts import Scripts

SCRIPTS = Scripts()


def say(name: str, what: object) -> None:
    """A line for the test."""
    sys.stdout.write(f"{name} {what}\n")


EVERY_STEP = {"train.save_interval": "1", "eval.save_interval": "1"}
FIGURES = {"reductions": "min,max,abs_mean"}


def configuration(folder: Path, *collections: tuple[str, dict[str, str]]) -> Path:
    """A debughookconfig.json of `collections`."""
    path = folder / "debughookconfig.json"
    content = {
        "LocalPath": str(folder / "tensors"),
        "HookParameters": EVERY_STEP,
        "CollectionConfigurations": [
            {"CollectionName": name, "CollectionParameters": parameters} for name, parameters in collections
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class Training:
    """A small run of a network with the hook: three training steps and two of validation an epoch."""

    def __init__(self, arch: str, *, frozen: bool) -> None:
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.network = SCRIPTS.networks.build_classifier(arch, 3, 32, dropout=0.0, frozen=frozen)
        self.criteria = [nn.CrossEntropyLoss(label_smoothing=0.1), nn.CrossEntropyLoss()]
        self.losses: list[float] = []

    def epoch(self, hook: Any | None, *, evaluate: bool = True) -> None:
        learned = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        groups = [{"params": learned, "lr": 0.01}]
        optimizer = SCRIPTS.optimizers.SGD(groups, momentum=0.0, weight_decay=0.0, nesterov=False)
        if hook is not None:
            hook.set_training()
        self.network.train()
        for _ in range(3):
            optimizer.zero_grad()
            self._loss(self.criteria[0], 4).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if hook is not None:
            hook.set_evaluating()
        self.network.eval()
        with torch.no_grad():
            for _ in range(2 if evaluate else 0):
                self._loss(self.criteria[1], 10)

    def watch(self, config: Path, *, train_steps: int = 0, evaluation_steps: int = 0) -> Any:
        """The hook on it."""
        return SCRIPTS.debugger_hook.DebuggerHook(
            config, self.network, self.criteria, train_steps=train_steps, evaluation_steps=evaluation_steps
        )

    def _loss(self, criterion: nn.Module, images: int) -> torch.Tensor:
        loss: torch.Tensor = criterion(self.network(torch.randn(images, 3, 32, 32)), torch.arange(images) % 3)
        self.losses.append(loss.item())
        return loss


def watched(folder: Path, arch: str, *, frozen: bool) -> list[float]:
    """Everything that rules look at, of one epoch; the losses."""
    collections = [
        ("weights", FIGURES),
        ("gradients", FIGURES),
        ("relu_input", {"include_regex": ".*relu_input", "reductions": "min,max"}),
        ("relu_output", {"include_regex": ".*relu_output", "reductions": "min,max"}),
        ("judged", {"include_regex": ".*labels,.*predictions"}),
    ]
    training = Training(arch, frozen=frozen)
    config = configuration(folder, *collections)
    hook = training.watch(config)
    training.epoch(hook)
    hook.close()
    losses = [*training.losses]
    training.epoch(None)  # the hook is gone: nothing of this is saved
    return losses


def resumed(folder: Path) -> None:
    """An attempt that is killed in its second epoch, after a checkpoint at the end of the first; and the next one."""
    training = Training("resnet18", frozen=True)
    config = configuration(folder)
    hook = training.watch(config)
    training.epoch(hook)
    training.epoch(hook, evaluate=False)
    # As a killed process leaves it: the last step is not closed, and the claim stands.
    atexit.unregister(hook._hook._cleanup)
    say("claimed:", (folder / "tensors/claim.smd").exists())
    again = Training("resnet18", frozen=True)
    hook = again.watch(config, train_steps=3, evaluation_steps=2)
    again.epoch(hook)
    hook.close()


def refused(folder: Path) -> None:
    """What is wrong with a configuration is said at once."""
    training = Training("resnet18", frozen=True)
    wrong: list[dict[str, str]] = [{}, {"include_regex": "("}, {"save_interval": "often", "include_regex": "x"}]
    for parameters in wrong:
        try:
            training.watch(configuration(folder, ("mine", parameters)))
        except SCRIPTS.errors.DebuggerError as error:
            say("refused:", error)


def full_disk(folder: Path) -> None:
    """Tensors that cannot be written."""
    training = Training("resnet18", frozen=False)
    hook = training.watch(configuration(folder, ("weights", {})))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    training.epoch(hook)
    hook.close()
    say("losses:", len(training.losses))


def main() -> None:
    """All of it, each in a folder of its own; the full disk is the last, for smdebug gives up then."""
    root = Path(sys.argv[1])
    for name, arch, frozen in (("free", "resnet18", False), ("frozen", "efficientnet_lite0", True)):
        hooked, alone = watched(_folder(root, name), arch, frozen=frozen), Training(arch, frozen=frozen)
        alone.epoch(None)
        say(f"{name}:", json.dumps([hooked, alone.losses]))
    resumed(_folder(root, "resumed"))
    refused(_folder(root, "refused"))
    full_disk(_folder(root, "full_disk"))


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
