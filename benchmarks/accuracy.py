"""How accurate the recipes are on real photographs: `python -m benchmarks.accuracy FOLDER`.

FOLDER is that of PyTorch's transfer-learning tutorial, hymenoptera_data: `train` and `val`, 397 photographs of ants and
bees. Each recipe is trained with three seeds on EfficientNet-Lite0 with its ImageNet weights; what counts is the mean
validation accuracy of the epochs that the jobs choose, which they do by validation loss. `--recipe fast` takes minutes
on two cores, `--recipe best` a quarter of an hour. A job that was cut off goes on where it was when `--work` names the
same folder.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.bars import Bar, end
from service.settings import REPOSITORY_DIR

BARS = {"fast": 94.0, "best": 95.0}  # percent
FLAGS = ("--arch", "efficientnet_lite0")
EPOCH = re.compile(r"^epoch=(\d+) .*validation:accuracy=(\S+)", re.MULTILINE)
BEST = re.compile(r"^best: epoch (\d+)$", re.MULTILINE)


def main() -> int:
    """Train and print the bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="hymenoptera_data")
    parser.add_argument("--recipe", choices=sorted(BARS), help="left out: both")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(".bench/accuracy"), help="where jobs keep what they learn")
    asked = parser.parse_args()
    recipes = [asked.recipe] if asked.recipe else list(BARS)
    bars = []
    for recipe in recipes:
        found = [
            accuracy(recipe, seed, asked.folder.resolve(), asked.work.resolve() / f"{recipe}-{seed}")
            for seed in range(asked.seeds)
        ]
        name = f"validation accuracy, recipe {recipe}, mean of {asked.seeds} seeds"
        bars.append(Bar(name, 100 * statistics.mean(found), BARS[recipe], "%"))
    return end(bars)


def accuracy(recipe: str, seed: int, data: Path, work: Path) -> float:
    """The validation accuracy, 0..1, of the model that one job saves."""
    log = work / "log"
    config = work / "config"
    config.mkdir(parents=True, exist_ok=True)
    checkpoints = {"S3Uri": "s3://nowhere/checkpoints", "LocalPath": str(work / "checkpoints")}
    (config / "checkpointconfig.json").write_text(json.dumps(checkpoints), encoding="utf-8")
    environment = {
        **os.environ,
        "SM_CHANNEL_TRAIN": str(data / "train"),
        "SM_CHANNEL_VALIDATION": str(data / "val"),
        "SM_MODEL_DIR": str(work / "model"),
        "SM_OUTPUT_DATA_DIR": str(work / "output"),
        "SM_INPUT_CONFIG_DIR": str(config),
    }
    command = [sys.executable, str(REPOSITORY_DIR / "training" / "hpo.py"), "--recipe", recipe, "--seed", str(seed)]
    with log.open("a", encoding="utf-8") as file:
        status = subprocess.run([*command, *FLAGS], env=environment, stdout=file, stderr=file, check=False).returncode
    text = log.read_text(encoding="utf-8")
    best = BEST.findall(text)
    if status != 0 or not best:
        raise SystemExit(f"the job has failed: {log}")
    found = dict(EPOCH.findall(text))[best[-1]]
    print(f"recipe {recipe}, seed {seed}: epoch {best[-1]} has {100 * float(found):.2f} %", flush=True)
    return float(found)


if __name__ == "__main__":
    sys.exit(main())
