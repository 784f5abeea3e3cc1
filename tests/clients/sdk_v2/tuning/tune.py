"""A training script with an optimum: lr 0.03, 3 layers, adam."""

import argparse
import json
import math
import os

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--layers", type=int)
parser.add_argument("--optimizer", type=str)
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
args = parser.parse_args()
loss = abs(math.log10(args.lr / 0.03)) + abs(args.layers - 3) + (args.optimizer != "adam")
for epoch in range(args.epochs):
    print(f"epoch {epoch} validation:loss={loss + 1 / (epoch + 1):.6f};", flush=True)
with open(os.path.join(args.model_dir, "weights.json"), "w") as file:
    json.dump({"scale": 2.0, "loss": loss}, file)
