"""What torch answers: `reference.py MODEL_FOLDER < paths` prints the likeliest class index of each image, as JSON."""

import json
import sys
from pathlib import Path

import torch
from torch_classifier import TorchClassifier  # type: ignore[import-not-found]  # its neighbour, run as a script

BATCH = 8

if __name__ == "__main__":
    classifier = TorchClassifier(Path(sys.argv[1]), threads=2)
    paths = sys.stdin.read().splitlines()
    found: list[int] = []
    for start in range(0, len(paths), BATCH):
        images = [classifier.tensor(Path(path).read_bytes()) for path in paths[start : start + BATCH]]
        found += [answer["predictions"][0]["class_index"] for answer in classifier.top5(torch.stack(images))]
    json.dump(found, sys.stdout)
