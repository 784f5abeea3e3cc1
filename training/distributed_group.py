"""Several processes that train one network, by torch.distributed: NCCL where each has a GPU, else gloo."""

import re
from datetime import timedelta

import torch
import torch.distributed as dist
from errors import DistributedError
from process_group import ProcessGroup
from share import Share
from torch import nn
from torch.nn.parallel import DistributedDataParallel

# A lost process closes its connections, which the others see at once. This is for one that neither works nor ends, and
# above what one may wait for another that is slower to read its images.
TIMEOUT = timedelta(minutes=30)
LOST = re.compile(r"closed by peer|reset by peer|gloo|NCCL")


class DistributedGroup(ProcessGroup):
    """The group whose place MASTER_ADDR and MASTER_PORT name. Raises DistributedError, RuntimeError when one is lost.

    All methods but the properties are called by all processes, in the same order.
    """

    def __init__(self, share: Share, local_rank: int) -> None:
        self.share = share
        self.local_rank = local_rank
        self._device = torch.device("cpu")
        if torch.cuda.is_available():
            gpus = torch.cuda.device_count()
            if local_rank >= gpus:
                raise DistributedError(f"a host has {gpus} GPUs and more processes: start one process a GPU")
            self._device = torch.device("cuda", local_rank)
            torch.cuda.set_device(self._device)
        dist.init_process_group(
            "gloo" if self._device.type == "cpu" else "nccl",
            timeout=TIMEOUT,
            device_id=None if self._device.type == "cpu" else self._device,
        )
        self._replica: DistributedDataParallel | None = None
        self._replicated: list[object] = []

    @property
    def device(self) -> torch.device:
        """The GPU of this process's number on its host, where there are GPUs."""
        return self._device

    def prepare(self, network: nn.Module) -> None:
        """Let it begin with the first process's weights.

        On GPUs batch normalisation that learns becomes that of the whole batch, in place; torch has none such for CPUs.
        """
        for tensor in (*network.parameters(), *network.buffers()):
            dist.broadcast(tensor.detach(), 0)
        if self._device.type != "cpu" and all(parameter.requires_grad for parameter in network.parameters()):
            nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]

    def replicated(self, network: nn.Module) -> nn.Module:
        """Made anew where other parameters learn than before."""
        learning: list[object] = [
            network,
            *(parameter for parameter in network.parameters() if parameter.requires_grad),
        ]
        if self._replica is None or list(map(id, learning)) != list(map(id, self._replicated)):
            devices = None if self._device.type == "cpu" else [self._device]
            self._replica = DistributedDataParallel(network, device_ids=devices)
            self._replicated = learning
        return self._replica

    def sum(self, *figures: float) -> tuple[float, ...]:
        """Computed in float64, in which counts are exact."""
        sums = torch.tensor(figures, dtype=torch.float64, device=self._device)
        dist.all_reduce(sums)
        return tuple(sums.tolist())

    def any(self, flag: bool) -> bool:
        """By one small exchange."""
        return self.sum(float(flag))[0] > 0

    def is_same(self, number: int) -> bool:
        """By its largest and its smallest value."""
        extremes = torch.tensor([number, -number], dtype=torch.int64, device=self._device)
        dist.all_reduce(extremes, dist.ReduceOp.MAX)
        largest, negated = extremes.tolist()
        return bool(largest == -negated)

    def from_first(self, content: bytes | None) -> bytes | None:
        """The length first, -1 for None, then the bytes."""
        given = content if self.is_first else None
        length = torch.tensor([-1 if given is None else len(given)], dtype=torch.int64, device=self._device)
        dist.broadcast(length, 0)
        if (size := int(length)) <= 0:
            return None if size < 0 else b""
        data = torch.empty(size, dtype=torch.uint8, device=self._device)
        if given is not None:
            data.copy_(torch.frombuffer(bytearray(given), dtype=torch.uint8))
        dist.broadcast(data, 0)
        return data.cpu().numpy().tobytes()

    def take_buffers(self, network: nn.Module) -> None:
        """One exchange a buffer."""
        for buffer in network.buffers():
            dist.broadcast(buffer, 0)

    def leave(self) -> None:
        """Together, so that nobody is gone while another one still listens."""
        if dist.is_initialized():
            self._replica = None
            self.any(False)
            dist.destroy_process_group()


def lost_peer(error: RuntimeError) -> str | None:
    """What to say where `error` is that of an exchange with a process that is gone; None where it is another one."""
    words = " ".join(str(error).split())
    if not isinstance(error, dist.DistError) and LOST.search(words) is None:
        return None
    return (
        "another process of the job was lost: look for the reason in the logs of the other hosts, or start the job "
        f"again, with a checkpoint S3 URI so that it goes on where it was ({words[:200]})"
    )
