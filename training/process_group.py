"""The processes that train one network together: one as a rule, several where torchrun has started them.

One process exchanges nothing, and torch.distributed is not even imported.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping

import torch
from errors import DistributedError
from share import WHOLE, Share
from torch import nn

NO_TORCHRUN = (
    "the job has {hosts} hosts, and no torchrun that joins them: each host would train a model of its own. "
    'Start it with torchrun (the SageMaker SDK: distribution={{"torch_distributed": {{"enabled": True}}}}; Sagehound '
    "does so by itself), or give the job one instance"
)


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


@contextlib.contextmanager
def joined(variables: Mapping[str, str]) -> Iterator[ProcessGroup]:
    """The group that `variables` (os.environ) describe. But for the first process's, nothing is printed meanwhile.

    Raises DistributedError where hosts do not know of each other, and when a process of the group is lost.
    """
    hosts = json.loads(variables.get("SM_HOSTS") or "[]")
    world_size = int(variables.get("WORLD_SIZE", "1"))
    if len(hosts) > 1 and world_size == int(variables.get("LOCAL_WORLD_SIZE", "1")):
        raise DistributedError(NO_TORCHRUN.format(hosts=len(hosts)))
    if world_size == 1:
        yield ALONE
        return
    from distributed_group import DistributedGroup, lost_peer  # noqa: PLC0415 - not for the many that train alone

    try:
        share = Share(int(variables["RANK"]), world_size)
        group = DistributedGroup(share, int(variables["LOCAL_RANK"]))
        with contextlib.ExitStack() as stack:
            if not group.is_first:
                print(f"process {share.rank} of {world_size} trains; process 0 prints the figures", flush=True)
                quiet = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(quiet))
            yield group
    except RuntimeError as error:
        if (words := lost_peer(error)) is None:
            raise
        raise DistributedError(words) from error
