"""A user's script for tuning: the loss is lowest at lr 0.5."""

import argparse
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--batch-size", type=int, required=True)
parser.add_argument("--optimizer", required=True)
arguments = parser.parse_args()

loss = (arguments.lr - 0.5) ** 2 + arguments.epochs / 1000
print(f"optimizer={arguments.optimizer} rows={len(list(Path(os.environ['SM_CHANNEL_TRAIN']).iterdir()))}")
print(f"validation:loss={loss:.6f}", flush=True)
Path(os.environ["SM_MODEL_DIR"], "model.json").write_text('{"factor": 3}')
