"""Colours: told apart by colour-blind people, at least 3:1 against their ground (lines) or 4.5:1 (text).

Plots are drawn in the light ones. On a page each becomes a variable of its name, with another value at night.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Colour:
    """One colour by day and by night, as #rrggbb."""

    light: str
    dark: str


COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        "ink": Colour("#18202b", "#e8ecf1"),
        "muted": Colour("#566170", "#a7b1bd"),
        "grid": Colour("#dfe4ea", "#313b47"),
        "ground": Colour("#ffffff", "#161c24"),
        "faint": Colour("#b9c2cc", "#4b5766"),
        "blue": Colour("#0b6bb0", "#5db4f0"),
        "orange": Colour("#c25400", "#ff9e57"),
        "green": Colour("#00785c", "#3fcda3"),
        "purple": Colour("#99458b", "#e39bd6"),
        "gold": Colour("#856a00", "#e3c44a"),
        "slate": Colour("#4a4f9c", "#a9adf5"),
        "alert": Colour("#b4231c", "#ff8f86"),
        "good": Colour("#1b7a45", "#62d595"),
        "rank0": Colour("#a9c8e4", "#34536f"),
        "rank1": Colour("#7dadd6", "#3f77a8"),
        "rank2": Colour("#4c8dc4", "#5a9ad2"),
        "rank3": Colour("#2467a8", "#8bc2ee"),
        "rank4": Colour("#0a4078", "#cfe8fe"),
    }
)
INK, MUTED, GRID, GROUND, FAINT = (COLOURS[name].light for name in ("ink", "muted", "grid", "ground", "faint"))
ALERT, GOOD = COLOURS["alert"].light, COLOURS["good"].light
RANKS = tuple(COLOURS[f"rank{rank}"].light for rank in range(5))
"""From the worst to the best."""
LINES = tuple(COLOURS[name].light for name in ("blue", "orange", "green", "purple", "gold", "slate"))
"""Of lines that stand beside each other, in this order."""
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 2, 2)), (0, (9, 2)), (0, (4, 1, 1, 1, 1, 1)))
"""Beside the colour, so that no line is known by colour alone."""
