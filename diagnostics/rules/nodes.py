"""A layer's activations by node, gathered over saved steps until there are enough to judge each node."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from diagnostics.tensors.saved_step import Tensor

VALUES_A_NODE = 4096  # looked at in one tensor, evenly spread: a share of 1 % then varies by 0.16 points

Flags = npt.NDArray[np.bool_]


def by_node(activation: Tensor) -> Tensor | None:
    """[values, nodes]: a node is a channel of [images, channels, ...] or a feature of [images, features].

    A tensor of one dimension is one node. None of an empty tensor, of one with NaN, and of what is no number.
    """
    if activation.size == 0 or activation.dtype.kind not in "fiu":
        return None
    if activation.ndim < 2:
        values = activation.reshape(-1, 1)
    else:
        images, nodes = activation.shape[:2]
        places: Tensor = activation.reshape(images, nodes, -1)
        at_once = max(1, VALUES_A_NODE // images)
        places = places[:: math.ceil(images / VALUES_A_NODE), :, :: math.ceil(places.shape[2] / at_once)]
        values = places.transpose(0, 2, 1).reshape(-1, nodes)
    if values.dtype.kind == "f" and bool(np.isnan(values).any()):
        return None
    return values


@dataclass
class NodeCounts:
    """How many values of each node were seen, and how many of them were active. For one layer."""

    values: int = 0
    active: npt.NDArray[np.int64] | None = None

    def add(self, active: Flags) -> None:
        """Take flags [values, nodes]. With another number of nodes the count begins anew."""
        if self.active is None or len(self.active) != active.shape[1]:
            self.values, self.active = 0, np.zeros(active.shape[1], dtype=np.int64)
        self.values += active.shape[0]
        self.active += np.count_nonzero(active, axis=0)

    def inactive_percentage(self, threshold_inactivity: float) -> float | None:
        """How many in a hundred nodes are active in less than `threshold_inactivity` % of their values.

        None until each has as many values as it takes to see so small a share: 100 for 1 %. Then the count begins anew.
        """
        if self.active is None or self.values < values_needed(threshold_inactivity):
            return None
        inactive = 100 * self.active < threshold_inactivity * self.values
        self.values, self.active = 0, None
        return 100 * float(np.count_nonzero(inactive)) / len(inactive)


def values_needed(threshold_inactivity: float) -> int:
    """How many values of a node it takes to tell that fewer than so many in a hundred are active."""
    return math.ceil(100 / threshold_inactivity)
