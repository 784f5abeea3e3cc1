"""What the processes that train one network exchange: where there is one, as a rule, nothing."""

import torch
from share import WHOLE, Share
from torch import nn


class ProcessGroup:
    """A process that trains alone. `distributed_group.py` has the one of several."""

    share: Share = WHOLE
    local_rank = 0  # among the processes of its host

    @property
    def is_first(self) -> bool:
        """Whether this process prints the figures, and writes checkpoints, artifact and reports."""
        return self.share.rank == 0

    @property
    def device(self) -> torch.device:
        """What it computes on."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def prepare(self, network: nn.Module) -> None:
        """Make the network the same everywhere and ready to learn, before an optimiser knows its parts."""

    def replicated(self, network: nn.Module) -> nn.Module:
        """What computes as `network` does, and whose gradients are the mean over all processes."""
        return network

    def sum(self, *figures: float) -> tuple[float, ...]:
        """Each figure's sum over the processes, the same on all of them."""
        return figures

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any process."""
        return flag

    def is_same(self, _number: int) -> bool:
        """Whether all processes have the same number (63 bits)."""
        return True

    def from_first(self, content: bytes | None) -> bytes | None:
        """What the first process gave."""
        return content

    def take_buffers(self, network: nn.Module) -> None:
        """Have the first process's buffers, such as batch normalisations' statistics, in `network`."""

    def leave(self) -> None:
        """Part from the others, after which nothing can be exchanged; all of them do so at the same place."""


ALONE = ProcessGroup()
