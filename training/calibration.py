"""How far the network's probabilities can be believed: of the answers given with 80 % should 80 % be right."""

from dataclasses import dataclass

import torch

BINS = 15  # as usual since Guo et al. 2017, "On Calibration of Modern Neural Networks"


@dataclass(frozen=True)
class Bin:
    """The answers whose probability lies in (lower, upper]; mean probability and accuracy are None where none does."""

    lower: float
    upper: float
    images: int
    mean_probability: float | None
    accuracy: float | None


def reliability(logits: torch.Tensor, labels: torch.Tensor) -> list[Bin]:
    """The bins of the likeliest classes' probabilities; `logits` are [N, classes], `labels` [N]."""
    probabilities, predicted = logits.double().softmax(1).max(1)
    right = predicted == labels
    place = (probabilities * BINS).ceil().long().clamp(1, BINS) - 1
    bins = []
    for index in range(BINS):
        here = place == index
        count = int(here.sum())
        mean = float(probabilities[here].mean()) if count else None
        accuracy = float(right[here].double().mean()) if count else None
        bins.append(Bin(index / BINS, (index + 1) / BINS, count, mean, accuracy))
    return bins


def expected_calibration_error(bins: list[Bin]) -> float:
    """The mean distance of probability and accuracy over the images, 0..1. Raises ValueError without any image."""
    images = sum(one.images for one in bins)
    if not images:
        raise ValueError("no image has no calibration error")
    gaps = (
        one.images * abs(one.mean_probability - one.accuracy)
        for one in bins
        if one.mean_probability is not None and one.accuracy is not None
    )
    return sum(gaps) / images
