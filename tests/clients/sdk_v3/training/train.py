"""A user's training script for ModelTrainer: argparse, SM_* variables, a module and a requirement of its own."""

import argparse
import json
import os
import sys
from pathlib import Path

import fruit_salad  # requirements.txt installs it
from geometry import area

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--optimizer")
parser.add_argument("--augment", type=json.loads)
parser.add_argument("--layers", type=json.loads)
parser.add_argument("--class-weights", type=json.loads)
parser.add_argument("--data", default=os.environ.get("SM_CHANNEL_TRAIN"))
arguments = parser.parse_args()

rows = [line for path in sorted(Path(arguments.data).iterdir()) for line in path.read_text().splitlines()]
print(f"rows {len(rows)}, fruit {fruit_salad.NAMES}, area {area(2):.2f}, flavour {os.environ['FLAVOUR']}", flush=True)
loss = 1.0
for epoch in range(1, arguments.epochs + 1):
    loss *= 1 - arguments.lr
    print(f"epoch={epoch} train:loss={loss:.6f}", flush=True)
Path("/opt/ml/model/model.json").write_text(json.dumps({"factor": 2}))  # as many scripts do
Path(os.environ["SM_OUTPUT_DATA_DIR"], "seen.json").write_text(
    json.dumps(
        {
            "argv": sys.argv[1:],
            "arguments": vars(arguments),
            "hosts": json.loads(os.environ["SM_HOSTS"]),
            "channels": sorted(name for name in os.environ if name.startswith("SM_CHANNEL_")),
            "cwd": os.getcwd(),
            "epochs in SM_HP": os.environ["SM_HP_EPOCHS"],
            "instance type": os.environ["SM_CURRENT_INSTANCE_TYPE"],
        }
    )
)
