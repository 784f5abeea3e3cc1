"""Pages and plots. Imports matplotlib, which takes a second: the desk does so when the first of them is asked for."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from diagnostics.report.job_page import job_page
from diagnostics.report.pages import content_security_policy
from diagnostics.report.plots import PLOTS, plot
from diagnostics.report.report import JobReport
from diagnostics.report.tuning_page import tuning_page
from diagnostics.report.tuning_plots import TUNING_PLOTS, tuning_plot
from diagnostics.report.tuning_report import Range, Trial, TuningReport
from service.errors import PlotNotFound
from service.evaluation.messages import Answer


def of_job(question: Mapping[str, Any], report: Callable[[], JobReport]) -> Answer:
    """The page of a training job, or one plot. Raises PlotNotFound before `report` is asked for."""
    if question["about"] == "page":
        return _html(job_page(report()))
    name = _known(question["plot"], "training", PLOTS)
    return Answer(content=plot(name, report(), question["format"]))


def of_tuning(question: Mapping[str, Any]) -> Answer:
    """The page of a tuning job, or one plot. Raises PlotNotFound."""
    if question["about"] == "tuning-page":
        return _html(tuning_page(tuning_report(question["tuning"])))
    name = _known(question["plot"], "tuning", TUNING_PLOTS)
    return Answer(content=tuning_plot(name, tuning_report(question["tuning"]), question["format"]))


def tuning_report(members: Mapping[str, Any]) -> TuningReport:
    """The tuning job that service.domain.reports describes."""
    ranges = {name: Range(**searched) for name, searched in members["ranges"].items()}
    trials = [Trial(**trial) for trial in members["trials"]]
    return TuningReport(**{**members, "ranges": ranges, "trials": trials})


def _html(page: str) -> Answer:
    return Answer({"policy": content_security_policy()}, page.encode())


def _known(name: str, kind: str, plots: Iterable[str]) -> str:
    if name not in plots:
        raise PlotNotFound(f"A {kind} job has no plot {name!r}.", f"Its plots are {', '.join(plots)}.")
    return name
