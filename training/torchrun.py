"""Which processes train one network together: those that torchrun has started, by the variables that it sets.

One that was started alone does not even import torch.distributed.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping

from errors import DistributedError
from process_group import ALONE, ProcessGroup
from share import Share

NO_TORCHRUN = (
    "the job has {hosts} hosts, and no torchrun that joins them: each host would train a model of its own. "
    'Start it with torchrun (the SageMaker SDK: distribution={{"torch_distributed": {{"enabled": True}}}}; Sagehound '
    "does so by itself), or give the job one instance"
)


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
