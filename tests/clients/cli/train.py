"""A user's training script: argparse, SM_* variables, a metric a line."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--fail", default="")
arguments = parser.parse_args()

rows = sum(len(path.read_text().split()) for path in Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir())
print(f"training on {rows} rows with lr={arguments.lr}", flush=True)
if arguments.fail:
    raise RuntimeError(arguments.fail)
loss = 1.0
for epoch in range(1, arguments.epochs + 1):
    loss *= 1 - arguments.lr
    print(f"epoch={epoch} validation:loss={loss:.6f}", flush=True)
Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"loss": loss}))
