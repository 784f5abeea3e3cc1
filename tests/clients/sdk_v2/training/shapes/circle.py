"""A module of a package beside the entry point."""

import math


def area(radius):
    """Of a circle."""
    return math.pi * radius**2
