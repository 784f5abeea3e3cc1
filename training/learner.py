"""How a network learns from one batch: everything that a step changes, and that a checkpoint therefore holds."""

import contextlib
import zlib
from typing import Any, cast

import numpy as np
import torch
from arguments import Arguments
from averages import Averages
from layer_groups import Unfreezing, layer_groups
from mixup import draw_mixture
from networks import Classifier
from schedule import build_optimizer, learning_rate, set_learning_rate
from share import WHOLE, Share
from torch import nn

STREAM = 3_000_017  # keeps the seeds of the processes' steps apart from other draws


class Learner:
    """A network with its optimiser, schedule and averages. `precision` is what its backbone's autocast computes in.

    `share` is what this process sees of each batch.
    """

    def __init__(
        self, arguments: Arguments, network: nn.Module, precision: torch.dtype | None = None, share: Share = WHOLE
    ) -> None:
        groups = layer_groups(network)
        self.arguments = arguments
        self.network = network
        self.share = share
        self.optimizer = build_optimizer(groups, arguments)
        self._learned = [parameter for each in self.optimizer.param_groups for parameter in each["params"]]
        self._unfreezing = Unfreezing(groups, arguments)
        # fp16 has so little range that small gradients vanish unless the loss is scaled up.
        self._scaler = torch.amp.GradScaler(enabled=precision is torch.float16)
        self._scaled = cast("torch.optim.Optimizer", self.optimizer)  # of which it uses param_groups and step() only
        self._checksum: int | None = None
        self._averages = None
        if arguments.ema_decay:
            buffers = [buffer for group in groups for module in group for buffer in module.buffers()]
            self._averages = Averages([*self._learned, *buffers], arguments.ema_decay)

    def begin_epoch(self, epoch: int) -> None:
        """Let those layers learn whose time has come, `epoch` counted from 1."""
        self._unfreezing.apply(epoch, self.network)

    def rate(self, epoch: int, batch: int, steps: int) -> float:
        """The head's learning rate at batch `batch` (from 0) of `steps` in epoch `epoch` (from 1)."""
        return learning_rate(self.arguments, (epoch - 1) * steps + batch, steps)

    def step(
        self,
        network: nn.Module,
        criterion: nn.Module,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        *,
        epoch: int,
        batch: int,
        steps: int,
        weight: float = 1.0,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one step; the batch's mean loss and its logits [N, classes], before the step.

        `network` is what turns `inputs` into logits: the whole one, or its head where inputs are features. What is
        learned from is the loss times `weight`.
        """
        if self.share.world_size > 1:  # a generator a process, of which no checkpoint must keep the state
            torch.manual_seed(seed_of_step(self.arguments.seed, epoch, batch, self.share.rank))
        set_learning_rate(self.optimizer, self.rate(epoch, batch, steps))
        self.optimizer.zero_grad()
        mixture = None
        if self.arguments.mixup:
            alpha, seed = self.arguments.mixup, self.arguments.seed
            mixture = draw_mixture(len(labels), alpha, seed, epoch=epoch, batch=batch, rank=self.share.rank)
            inputs = mixture.of(inputs)
        logits = network(inputs)
        loss = criterion(logits, labels if mixture is None else mixture.of_labels(labels, logits.shape[1]))
        self._scaler.scale(loss if weight == 1 else loss * weight).backward()
        if self.arguments.clip_grad_norm:
            self._scaler.unscale_(self._scaled)
            nn.utils.clip_grad_norm_(self._learned, self.arguments.clip_grad_norm)
        self._scaler.step(self._scaled)
        self._scaler.update()
        if self._averages is not None:
            self._averages.update()
        return loss.detach(), logits.detach()

    def judged(self) -> contextlib.AbstractContextManager[None]:
        """Meanwhile the network has the weights that are to be judged and saved."""
        return contextlib.nullcontext() if self._averages is None else self._averages.applied()

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers, dicts and lists only."""
        return {
            "network": learned_state(self.network),
            "backbone": self._backbone(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "averages": None if self._averages is None else self._averages.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there. Raises ValueError where a frozen backbone is another one."""
        if state["backbone"] != self._backbone():
            raise ValueError("the frozen backbone has other weights than it had")
        load_learned(self.network, state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        if self._averages is not None:
            self._averages.load_state_dict(state["averages"])

    def _backbone(self) -> int | None:
        """A checksum of a frozen backbone, which checkpoints do without: the next job gets it whence this one did."""
        if not (isinstance(self.network, Classifier) and self.network.frozen):
            return None
        if self._checksum is None:
            self._checksum = 0
            for tensor in self.network.backbone.state_dict().values():
                self._checksum = zlib.crc32(tensor.detach().cpu().contiguous().numpy(), self._checksum)
        return self._checksum


def seed_of_step(seed: int, epoch: int, batch: int, rank: int) -> int:
    """What torch's generator of one of several processes begins a step with: dropout differs between them."""
    return int(np.random.SeedSequence([seed, epoch, batch, STREAM, rank]).generate_state(1)[0])


def learned_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """What training changes of `network`: of one with a frozen backbone the head's state."""
    state = network.state_dict()
    if isinstance(network, Classifier) and network.frozen:
        return {name: tensor for name, tensor in state.items() if name.startswith("head.")}
    return state


def load_learned(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Put a `learned_state` into the network. Raises RuntimeError where it is that of another one."""
    network.load_state_dict({**network.state_dict(), **state})
