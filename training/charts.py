"""Charts as SVG text, for the report's page: lines over epochs, and probabilities beside accuracy."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from calibration import Bin

WIDTH, HEIGHT = 440, 260  # px
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 40, 34
INK, GRID, GROUND = "#24292f", "#d8dee4", "#ffffff"
COLORS = ("#0969da", "#cf222e", "#1a7f37", "#8250df")
MAX_TICKS = 6


def lines(title: str, series: Mapping[str, Sequence[float]], *, marked: int | None = None) -> str:
    """One line a series over the epochs from 1 on; values that are not finite leave a gap. `marked` is an epoch."""
    finite = [value for values in series.values() for value in values if math.isfinite(value)]
    low, high = _range(finite)
    epochs = max(map(len, series.values()))
    parts = []
    for color, values in zip(COLORS, series.values(), strict=False):
        for run in _runs(values):
            points = " ".join(f"{_x(epoch, epochs):.1f},{_y(value, low, high):.1f}" for epoch, value in run)
            dot = f'<circle cx="{_x(run[0][0], epochs):.1f}" cy="{_y(run[0][1], low, high):.1f}" r="3" fill="{color}"/>'
            line = f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
            parts.append(line if len(run) > 1 else dot)
    if marked is not None:
        x = _x(marked, epochs)
        parts.append(_rule(x, TOP, x, HEIGHT - BOTTOM, INK, dashed=True))
        parts.append(_text(x, TOP - 6, f"best: epoch {marked}", "end" if marked > epochs / 2 else "start"))
    names = _legend(list(series))
    return _figure(title, [*_grid(low, high), *_epochs(epochs), *parts, *names])


def reliability_diagram(title: str, bins: Sequence[Bin]) -> str:
    """A bar a bin: how often its answers are right; the line is where probabilities would be true."""
    parts = []
    for one in bins:
        if one.accuracy is not None:
            left, right = _share_x(one.lower), _share_x(one.upper)
            top = _y(one.accuracy, 0, 1)
            told = f"{one.images} images, probability {one.mean_probability:.2f}, accuracy {one.accuracy:.2f}"
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left - 1:.1f}" height="{_y(0, 0, 1) - top:.1f}" '
                f'fill="{COLORS[0]}"><title>{escape(told)}</title></rect>'
            )
    parts.append(_rule(_share_x(0), _y(0, 0, 1), _share_x(1), _y(1, 0, 1), COLORS[1], dashed=True))
    shares = [_text(_share_x(share), HEIGHT - BOTTOM + 16, f"{share:g}", "middle") for share in (0, 0.25, 0.5, 0.75, 1)]
    return _figure(title, [*_grid(0, 1), *parts, *shares])


def _figure(title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" font-size="12" '
        f'font-family="sans-serif"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{GROUND}"/>{"".join(parts)}</svg>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / MAX_TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
    return [count * step for count in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _runs(values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """The values that follow each other without a gap, each with its epoch."""
    runs: list[list[tuple[int, float]]] = []
    before = 0
    for epoch, value in enumerate(values, 1):
        if math.isfinite(value):
            if not runs or before != epoch - 1:
                runs.append([])
            runs[-1].append((epoch, value))
            before = epoch
    return runs


def _x(epoch: int, epochs: int) -> float:
    share = (epoch - 1) / (epochs - 1) if epochs > 1 else 0.5
    return _share_x(share)


def _share_x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _grid(low: float, high: float) -> list[str]:
    parts = []
    for value in _ticks(low, high):
        y = _y(value, low, high)
        parts += [_rule(LEFT, y, WIDTH - RIGHT, y, GRID), _text(LEFT - 6, y + 4, f"{value:.4g}", "end")]
    return parts


def _epochs(epochs: int) -> list[str]:
    step = max(1, math.ceil(epochs / 8))
    return [
        _text(_x(epoch, epochs), HEIGHT - BOTTOM + 16, str(epoch), "middle") for epoch in range(1, epochs + 1, step)
    ]


def _legend(names: Sequence[str]) -> list[str]:
    return [
        f'<text x="{LEFT + 110 * place}" y="14" fill="{color}">{escape(name)}</text>'
        for place, (color, name) in enumerate(zip(COLORS, names, strict=False))
    ]


def _rule(x1: float, y1: float, x2: float, y2: float, color: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{dashes}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}">{escape(text)}</text>'
