"""A module beside the script."""

import math


def area(radius: float) -> float:
    """Of a circle."""
    return math.pi * radius**2
