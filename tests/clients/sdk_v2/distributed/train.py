"""torchrun over two hosts with gloo: every rank adds its part."""

import json
import os
from pathlib import Path

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.tensor([dist.get_rank() + 1.0])
dist.all_reduce(total)
host = os.environ["SM_CURRENT_HOST"]
print(f"rank {dist.get_rank()} of {dist.get_world_size()} on {host}: {total.item()}", flush=True)
if dist.get_rank() == 0:
    summary = {"world": dist.get_world_size(), "sum": total.item(), "hosts": json.loads(os.environ["SM_HOSTS"])}
    Path(os.environ["SM_MODEL_DIR"], "summary.json").write_text(json.dumps(summary))
dist.destroy_process_group()
