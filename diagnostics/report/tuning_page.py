"""What is known of a tuning job, on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from diagnostics.report import words
from diagnostics.report.dimension import numeric, varying
from diagnostics.report.pages import page, page_plot
from diagnostics.report.trial_marks import look
from diagnostics.report.tuning_insight import insights
from diagnostics.report.tuning_plots import TUNING_PLOTS
from diagnostics.report.tuning_report import Trial, TuningReport
from diagnostics.report.verdict import Verdict

READING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "best": (
            "Best so far",
            "Each trial's objective by its number. While the staircase still falls (or rises, when maximising), more"
            " trials may pay; marks on the axis are trials without an objective.",
        ),
        "hyperparameters": (
            "The objective against each hyperparameter",
            "A slope or a valley says that the hyperparameter matters; best values at an edge say that its range is"
            " too narrow.",
        ),
        "parallel": (
            "All hyperparameters at once",
            "A line is a trial. Where the good ones pass through one spot of an axis, that value matters; dashed"
            " lines stopped early.",
        ),
        "trials": (
            "When the trials ran",
            "Bars that lie below each other ran at the same time. Gaps are time in which a place stood empty.",
        ),
    }
)


@dataclass(frozen=True)
class Cell:
    """A figure as written, and as it is sorted by: empty where there is none."""

    text: str
    value: str


@dataclass(frozen=True)
class TrialRow:
    """A line of the table of trials."""

    trial: Trial
    look: str
    best: bool
    objective: Cell
    duration: Cell
    hyperparameters: Sequence[Cell]


def tuning_page(report: TuningReport) -> str:
    """The whole page. The same report gives the same text; no trials, or none with an objective, are fine."""
    names = [*report.ranges, *(name for name in varying(report.trials) if name not in report.ranges)]
    values = {
        "report": report,
        "facts": _facts(report),
        "verdict": _verdict(report),
        "best": report.best,
        "tuned": names,
        "insights": insights(report) if report.trials else [],
        "names": names,
        "rows": [_row(report, trial, names) for trial in _ordered(report)],
        "numeric": [
            all(numeric(trial.hyperparameters.get(name, "0")) is not None for trial in report.trials) for name in names
        ],
        "plots": [page_plot(name, *READING[name], partial(draw, report)) for name, draw in TUNING_PLOTS.items()],
    }
    return page("tuning.html", values)


def _facts(report: TuningReport) -> Sequence[tuple[str, str]]:
    facts = [
        ("Status", report.status),
        ("Strategy", report.strategy),
        ("Objective", f"{report.objective_type} {report.objective_name}"),
        ("Trials", str(len(report.trials))),
    ]
    starts = [trial.started_at for trial in report.trials if trial.started_at is not None]
    ends = [trial.ended_at for trial in report.trials if trial.ended_at is not None]
    if starts:
        facts.append(("Started", words.moment(min(starts))))
    if ends:
        facts.append(("As of" if report.running else "Ended", words.moment(max(ends))))
    return facts


def _verdict(report: TuningReport) -> Verdict:
    best, so_far = report.best, " so far" if report.running else ""
    if best is None or best.objective is None:
        counted = words.several(len(report.trials), "trial")
        why = f"{counted}, none of them with an objective" if report.trials else "No trial has started"
        return Verdict("open" if report.running else "unknown", f"No best trial{so_far}", (f"{why}.",))
    figure = f"{words.clean(report.objective_name)} {words.number(best.objective)}"
    return Verdict("good", f"Best{so_far}: trial {best.number}, {figure}", (f"Training job {best.name}",))


def _ordered(report: TuningReport) -> Sequence[Trial]:
    """The best first; without an objective by number, last."""
    sign = 1 if report.objective_type == "Minimize" else -1
    return sorted(
        report.trials,
        key=lambda one: (
            one is not report.best,
            not one.judged,
            sign * (one.objective or 0.0) if one.judged else 0.0,
            one.number,
        ),
    )


def _row(report: TuningReport, trial: Trial, names: Sequence[str]) -> TrialRow:
    ran = None if trial.started_at is None or trial.ended_at is None else trial.ended_at - trial.started_at
    found = trial.objective if trial.judged else None
    return TrialRow(
        trial=trial,
        look=look(trial).label,
        best=trial is report.best,
        objective=Cell("–", "") if found is None else Cell(words.number(found), repr(float(found))),
        duration=Cell("–", "") if ran is None else Cell(words.duration(ran), repr(float(ran))),
        hyperparameters=[
            Cell(words.shortened(trial.hyperparameters.get(name, "–"), 40), trial.hyperparameters.get(name, ""))
            for name in names
        ],
    )
