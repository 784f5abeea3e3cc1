"""What one pass of the frozen backbone over the data costs: decoding and features, by training/'s own code.

`python -m benchmarks.feature_pass DATA WEIGHTS IMAGE_SIZE WORKER WORKERS`: every WORKERS-th image from WORKER on, by
one thread and without a cache. Prints the pass's own CPU seconds, without Python's start and imports.
"""

import sys
import time
from pathlib import Path

import torch

from tests.unit.training.scripts import Scripts


def main() -> None:
    """The whole script."""
    data, weights = map(Path, sys.argv[1:3])
    image_size, worker, workers = map(int, sys.argv[3:])
    torch.set_num_threads(1)
    scripts = Scripts()
    preprocessing = scripts.networks.preprocessing_for("resnet18", image_size)
    network = scripts.networks.build_classifier("resnet18", 2, image_size, dropout=0.0, frozen=True)
    scripts.weights.load_pretrained(network, "resnet18", weights)
    network = network.to(memory_format=torch.channels_last)
    stop, device, share = scripts.stopping.StopRequest(), torch.device("cpu"), slice(worker, None, workers)
    began = time.process_time()
    for name in ("train", "validation"):
        whole = scripts.channels.read_channel(name, {name: data / name})
        channel = scripts.channels.Channel(name, whole.folder, whole.classes, whole.paths[share], whole.labels[share])
        images = scripts.image_set.ImageSet(channel, preprocessing, 0)
        scripts.features.Features(network, "resnet18", images, device, threads=1, stop=stop).plain()
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
