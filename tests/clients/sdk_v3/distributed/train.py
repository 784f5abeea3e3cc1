"""A user's distributed training script: gloo, one all-reduce, rank 0 writes the model."""

import argparse
import json
import os
from pathlib import Path

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser()
parser.add_argument("--value", type=float, default=1.0)
parser.add_argument("--fail-rank", type=int, default=-1)
arguments = parser.parse_args()

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
if rank == arguments.fail_rank:
    raise RuntimeError(f"rank {rank} gives up")
total = torch.tensor([arguments.value * (rank + 1)])
dist.all_reduce(total)
seen = {
    "rank": rank,
    "local rank": int(os.environ["LOCAL_RANK"]),
    "world": world,
    "host": os.environ["SM_CURRENT_HOST"],
    "hosts": json.loads(os.environ["SM_HOSTS"]),
    "sum": total.item(),
}
print("seen", json.dumps(seen), flush=True)
Path(os.environ["SM_OUTPUT_DATA_DIR"], f"rank-{rank}.json").write_text(json.dumps(seen))
if rank == 0:
    Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"sum": total.item()}))
dist.barrier()
dist.destroy_process_group()
