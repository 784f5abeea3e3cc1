"""How long each Debugger rule stood, and at which step it fired."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.report import words
from diagnostics.report.canvas import SIZE, WIDE, Panel, column, describe, font, label_x, mark, note, nothing, numbers
from diagnostics.report.palette import ALERT, FAINT, GOOD, INK, MUTED
from diagnostics.report.report import JobReport
from diagnostics.rules.evaluation import RuleEvaluation, RuleStatus

ROW_HEIGHT = 34  # px: a name and its bar


def draw(report: JobReport, width: int = WIDE) -> Figure:
    """A row a rule, those that fired first, by step."""
    if not report.debugger:
        return nothing("No Debugger rule was asked for: give the job DebugRuleConfigurations.", width)
    last = report.last_step
    if last is None:
        return nothing("No step was saved, so no rule has a timeline.", width)
    rules = sorted(report.debugger, key=lambda rule: (rule.finding is None, _end(rule, last), rule.name))
    figure, (axes,) = column(width, [Panel(ROW_HEIGHT * len(rules), head=8, foot=44)], left=14, right=24)
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_ylim(len(rules) - 0.35, -0.65)
    span = max(last, 1)
    axes.set_xlim(0, span)
    said = [_row(axes, rule, row, span, width) for row, rule in enumerate(rules)]
    numbers(axes.xaxis, 8 if width == WIDE else 4, whole=True)
    label_x(axes, "step")
    return describe(figure, "; ".join(said) + ".")


def _end(rule: RuleEvaluation, last: int) -> int:
    return last if rule.finding is None else rule.finding.step


def _row(axes: Axes, rule: RuleEvaluation, row: int, last: int, width: int) -> str:
    """Draw one rule; says in words how it ended."""
    end = _end(rule, last)
    color = {
        RuleStatus.ISSUES_FOUND: ALERT,
        RuleStatus.NO_ISSUES_FOUND: GOOD,
        RuleStatus.IN_PROGRESS: MUTED,
        RuleStatus.ERROR: FAINT,
    }[rule.status]
    dashed = rule.status in {RuleStatus.ERROR, RuleStatus.IN_PROGRESS}
    (bar,) = axes.plot(
        [0, end],
        [row, row],
        color=color,
        linewidth=3 if dashed else 6,
        linestyle=(0, (1.5, 1.5)) if dashed else "-",
        solid_capstyle="butt",
        clip_on=False,
    )
    mark(bar, f"rule-{row}")
    if rule.finding is not None:
        (fired,) = axes.plot([end], [row], "D", color=ALERT, markersize=9, clip_on=False, markeredgewidth=0)
        mark(fired, f"fired-{row}")
    text = {
        RuleStatus.ISSUES_FOUND: f"◆ fired at step {end}" if rule.finding is not None else "◆ found an issue",
        RuleStatus.NO_ISSUES_FOUND: "✓ no issue",
        RuleStatus.IN_PROGRESS: "… still watching",
        RuleStatus.ERROR: "– could not judge",
    }[rule.status]
    name = words.shortened(rule.name, (width - 160) // 7)
    beside: dict[str, Any] = {"coords": axes.get_yaxis_transform()}
    note(axes, name, (0, row), (0, 5), style=font(INK, SIZE, "bold"), **beside)
    note(axes, text, (1, row), (0, 5), align="right", **beside)
    return f"{rule.name}: {text[2:]}"
