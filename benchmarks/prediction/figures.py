"""Figures of a load, and the table that shows them."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all are not above. Raises ValueError for none."""
    if not values:
        raise ValueError("no value has no percentile")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def share_equal(answered: Sequence[int], wanted: Sequence[int]) -> float:
    """The share of places at which both are the same."""
    return sum(one == other for one, other in zip(answered, wanted, strict=True)) / len(wanted)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a head in Markdown, columns as wide as what is in them; all but the first column to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if number else "-") for number, width in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])
