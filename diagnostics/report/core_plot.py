"""Every core's use over time, as a heat map."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from diagnostics.profile.profile import Profile
from diagnostics.profile.use import first_time, mean_of
from diagnostics.report import words
from diagnostics.report.canvas import (
    ROW,
    WIDE,
    Align,
    Panel,
    column,
    describe,
    font,
    label_x,
    labelled,
    mark,
    note,
    nothing,
    times,
    title,
)
from diagnostics.report.report import JobReport
from diagnostics.report.thinning import Values, binned_means

BINS = 240  # over time
ROWS = 192  # cores drawn at most; further nodes are left out
# From idle to busy: one hue in even steps of lightness, so that it reads in grey and to colour-blind eyes.
HEAT = ("#eef3f8", "#d3e2ef", "#b0cde5", "#86b3d8", "#5b95c7", "#3676b1", "#1e5894", "#123c70", "#0a244a")


def draw(report: JobReport, width: int = WIDE) -> Figure:
    """A row a core, node under node, the busiest nodes when there are too many."""
    profile = report.profile
    names = [] if profile is None else sorted((n for n in profile.nodes if profile.nodes[n].cpu), key=words.natural)
    if profile is None or not names:
        return nothing("No CPU use was saved: give the job a ProfilerConfig with an S3OutputPath.", width)
    names, left_out = _busiest(profile, names)
    begin = first_time(profile) or 0.0
    end = max(float(s.times[-1]) for name in names for s in profile.nodes[name].cpu.values() if len(s.times))
    longest = max(end - begin, 1.0)
    cores = [len(profile.nodes[name].cpu) for name in names]
    row = min(18.0, max(2.0, 420 / sum(cores)))
    panels = [Panel(max(row * count, 14), head=26, foot=6) for count in cores]
    panels[0] = Panel(panels[0].height, head=26 + ROW + 8, foot=6)
    panels[-1] = Panel(panels[-1].height, panels[-1].head, foot=44)
    figure, axes = column(width, panels, left=60)
    edges: Values = np.linspace(
        begin, begin + longest + 1e-6, min(BINS, _samples(profile, names)) + 1, dtype=np.float64
    )
    said = []
    for name, panel in zip(names, axes, strict=True):
        cores_of = sorted(profile.nodes[name].cpu, key=words.natural)
        series = [profile.nodes[name].cpu[core] for core in cores_of]
        table = np.array([binned_means(one.times, one.values, edges) for one in series])
        image = panel.imshow(
            table,
            extent=(0, longest, len(cores_of) - 0.5, -0.5),
            aspect="auto",
            cmap=ListedColormap(HEAT),
            vmin=0,
            vmax=100,
            interpolation="none",
        )
        mark(image, f"cores-{names.index(name)}")
        panel.grid(visible=False)
        labels = min(len(cores_of), max(1, int(row * len(cores_of) / 15)))
        shown = np.unique(np.linspace(0, len(cores_of) - 1, labels).astype(int))
        labelled(panel.yaxis, list(shown), [words.shortened(cores_of[index], 8) for index in shown])
        times(panel.xaxis, longest, 7 if width == WIDE else 4)
        panel.tick_params(labelbottom=panel is axes[-1])
        means = [float(np.nanmean(row_)) if np.isfinite(row_).any() else 0.0 for row_ in table]
        busiest = int(np.argmax(means))
        remark = f"busiest {words.shortened(cores_of[busiest], 8)}, mean {means[busiest]:.0f} %"
        title(panel, f"{words.shortened(name, 24)}: {words.several(len(cores_of), 'core')}", remark)
        said.append(f"{name}: mean {np.mean(means):.0f} %, {remark}")
    _scale(figure, width)
    label_x(axes[-1], "time since the first sample")
    if left_out:
        figure.text(60 / width, 0.004, f"{left_out} less busy nodes are not shown", va="bottom", **font())
    return describe(figure, "Use of each core. " + "; ".join(said) + ".")


def _busiest(profile: Profile, names: list[str]) -> tuple[list[str], int]:
    """As many nodes as have room, and how many are left out."""
    ranked = sorted(names, key=lambda name: -float(np.nanmean(_mean(profile, name))))
    kept: list[str] = []
    for name in ranked:
        if kept and sum(len(profile.nodes[other].cpu) for other in [*kept, name]) > ROWS:
            break
        kept.append(name)
    kept = kept[:12]
    return sorted(kept, key=words.natural), len(names) - len(kept)


def _mean(profile: Profile, name: str) -> Values:
    values = mean_of(profile.nodes[name].cpu).values
    return values if len(values) else np.zeros(1)


def _samples(profile: Profile, names: list[str]) -> int:
    return max(1, *(len(series.times) for name in names for series in profile.nodes[name].cpu.values()))


def _scale(figure: Figure, width: int) -> None:
    """The key to the colours: idle to busy, in the top row."""
    height = figure.get_figheight() * figure.get_dpi()
    strip = figure.add_axes(((60 + 30) / width, 1 - 17 / height, 126 / width, 11 / height))
    strip.imshow(np.arange(len(HEAT))[np.newaxis, :], aspect="auto", cmap=ListedColormap(HEAT), interpolation="none")
    strip.set_axis_off()
    ends: tuple[tuple[str, int, Align], ...] = (("0 %", 0, "right"), ("100 % of a core", 1, "left"))
    for text, at, align in ends:
        note(strip, text, (at, 0.5), (5 if at else -5, 0), coords="axes fraction", align=align, vertical="center")
