"""A training job as third parties write them: argparse, SM_* variables, siblings, a requirement of its own."""

import argparse
import ast
import json
import os
from pathlib import Path

import fruit_salad  # from requirements.txt
from lines import read_lines
from shapes.circle import area


def pairs(text):
    """SageMaker hands an object over as `cat=0.5,dog=1.5`."""
    return {name: float(value) for name, value in (pair.split("=") for pair in text.split(","))}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--optimizer", type=str, required=True)
    parser.add_argument("--augment", type=lambda text: {"True": True, "False": False}[text], required=True)
    parser.add_argument("--layers", type=ast.literal_eval, required=True)
    parser.add_argument("--class-weights", type=pairs, required=True)
    parser.add_argument("--fail-with", type=str, default="")
    parser.add_argument("--wait-for", type=float, default=0.0)
    parser.add_argument("--checkpoint-dir", type=Path, default=Path("/opt/ml/checkpoints"))
    parser.add_argument("--model-dir", type=Path, default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--output-data-dir", type=Path, default=os.environ["SM_OUTPUT_DATA_DIR"])
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    return parser.parse_args()


def main():
    args = parse()
    print("rows", sum(1 for _ in read_lines(args.train)), flush=True)
    print("salad", fruit_salad.NAMES, "area", round(area(2.0), 2), "flavour", os.environ.get("FLAVOUR"), flush=True)
    loss = 1.0
    for epoch in range(1, args.epochs + 1):
        loss = round(loss * (1 - args.lr), 6)
        print(f"epoch={epoch} train:loss={loss}", flush=True)
        args.checkpoint_dir.mkdir(parents=True, exist_ok=True)
        (args.checkpoint_dir / f"epoch-{epoch}.json").write_text(json.dumps({"loss": loss}))
    if args.fail_with:
        raise RuntimeError(args.fail_with)
    if args.wait_for:
        import time

        print("waiting", flush=True)
        time.sleep(args.wait_for)
    (args.model_dir / "weights.json").write_text(json.dumps({"scale": 3.0, "loss": loss}))
    seen = {name: value for name, value in vars(args).items() if not isinstance(value, Path)}
    hosts = json.loads(os.environ["SM_HOSTS"])
    (args.output_data_dir / "seen.json").write_text(json.dumps({"arguments": seen, "hosts": hosts}))


if __name__ == "__main__":
    main()
