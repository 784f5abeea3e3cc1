import itertools
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from diagnostics.report.canvas import NARROW, WIDE, description
from diagnostics.report.plots import render
from diagnostics.report.tuning_page import READING, tuning_page
from diagnostics.report.tuning_plots import TUNING_PLOTS, tuning_plot
from diagnostics.report.tuning_report import Range, Trial, TuningReport
from tests.unit.diagnostics.report import examples
from tests.unit.diagnostics.report.page_reader import Page, marks

SVG = "{http://www.w3.org/2000/svg}"
BARE = examples.tuning(trials=[], status="InProgress")


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(tuning_page(examples.tuning()))


def test_it_is_well_formed_and_loads_nothing(page: Page) -> None:
    assert page.mistakes == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert page.named("script") == [{}]


def test_the_best_trial_comes_first(page: Page) -> None:
    assert "Best so far: trial 4, validation:loss 0.3202 Training job dogs-tuning-004-5f2a9c01" in page.text
    assert "lr 0.0788237 batch-size 32 epochs 20" in page.text
    assert "★ best 0.3202 0.0788237 32 37 s dogs-tuning-004-5f2a9c01" in page.text
    assert "What the trials tell" in page.text


def test_the_table_can_be_sorted_by_figures(page: Page) -> None:
    heads = [attributes["data-sort"] for attributes in page.named("th") if "data-sort" in attributes]
    assert heads == ["number", "text", "number", "number", "number", "number", "text"]
    rows = page.html.split("<tbody>")[1].split("<tr")
    assert len(rows) == 13
    assert 'data-value="0.32' in rows[1]
    assert "failed" in rows[-2]  # without an objective: last
    assert "in progress" in rows[-1]


def test_every_plot_stands_there_twice_with_marks(page: Page) -> None:
    assert set(READING) == set(TUNING_PLOTS)
    assert len(page.plots) == 2 * len(TUNING_PLOTS)
    for svg in page.plots:
        assert len(marks(svg)) >= 5


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_marks_are_the_trials(width: int) -> None:
    report = examples.tuning()
    found: dict[str, dict[str, int]] = {}
    for name, draw in TUNING_PLOTS.items():
        svg = ET.fromstring(render(draw(report, width), "svg"))  # noqa: S314 - our own
        groups = {one.get("id", ""): len(list(one.iter(f"{SVG}use"))) for one in svg.iter()}
        found[name] = {group: uses for group, uses in groups.items() if group.startswith("mark-")}
    judged = {trial.number for trial in report.judged}
    of_judged = {"mark-best": 1, "mark-completed": 8, "mark-stopped-early": 1}
    waiting = {"mark-failed-foot": 1, "mark-in-progress-foot": 1}
    assert found["best"] == of_judged | waiting | {"mark-best-so-far": 0}
    assert found["hyperparameters"] == {
        f"{name}-{panel}": count for panel in (0, 1) for name, count in of_judged.items()
    }
    assert set(found["trials"]) == {f"mark-trial-{n}" for n in range(1, 13)}
    assert set(found["parallel"]) == {f"mark-trial-{n}" for n in judged}


def test_best_so_far_only_falls_and_leaves_out_what_stopped_early() -> None:
    report = examples.tuning()
    lines = TUNING_PLOTS["best"](report).axes[0].lines
    (stairs,) = (line for line in lines if line.get_gid() == "mark-best-so-far")
    heights = np.asarray(stairs.get_ydata(), dtype=float).tolist()
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == report.best.objective if report.best else False
    up = TUNING_PLOTS["best"](replace(report, objective_type="Maximize")).axes[0].lines
    (rising,) = (line for line in up if line.get_gid() == "mark-best-so-far")
    assert np.asarray(rising.get_ydata(), dtype=float).tolist() == sorted(np.asarray(rising.get_ydata(), dtype=float))


def test_parallel_trials_have_lanes_of_their_own() -> None:
    bars = TUNING_PLOTS["trials"](examples.tuning()).axes[0].patches
    lanes: dict[int, list[tuple[float, float]]] = {}
    for bar in bars:
        assert isinstance(bar, Rectangle)
        lanes.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(
            (bar.get_x(), bar.get_x() + bar.get_width())
        )
    assert set(lanes) == {0, 1, 2}
    for spans in lanes.values():
        ordered = sorted(spans)
        assert all(before[1] <= after[0] + 1e-9 for before, after in itertools.pairwise(ordered))


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (BARE, "No trial has started"),
        (replace(BARE, status="Failed"), "No best trial"),
        (replace(BARE, trials=[Trial("a", 1, "InProgress", {"lr": "0.1"})]), "1 trial, none of them with an objective"),
        (replace(BARE, trials=[Trial("a", 1, "Completed", {}, 0.5)], ranges={}), "Best so far: trial 1"),
        (replace(BARE, trials=[Trial("a", 1, "Failed", {"lr": "x"}, None, 5.0, 6.0)]), "Trial 1 failed"),
    ],
)
def test_parts_may_be_missing(report: TuningReport, said: str) -> None:
    page = Page(tuning_page(report))
    assert page.mistakes == []
    assert said in page.text
    assert len(page.plots) == 2 * len(TUNING_PLOTS)


def test_many_hyperparameters_and_trials_are_drawn() -> None:
    names = [f"h{n}" for n in range(30)]
    trials = [
        Trial(f"t{n}", n, "Completed", {name: repr(0.001 * (n + 1)) for name in names}, 10.0**-n, n, n + 5)
        for n in range(40)
    ]
    report = examples.tuning(trials=trials, ranges={name: Range("Logarithmic", 0.001, 0.1) for name in names})
    for name in TUNING_PLOTS:
        svg = tuning_plot(name, report, "svg")
        assert svg.count(b"<use ") + svg.count(b'"mark-') >= 40
    assert "18 more hyperparameters are not shown" in description(TUNING_PLOTS["hyperparameters"](report))
    assert "20 hyperparameters more are not shown" in description(TUNING_PLOTS["parallel"](report))


def test_hostile_names_change_nothing() -> None:
    hostile = examples.HOSTILE
    report = examples.tuning(
        name=hostile,
        objective_name=hostile,
        strategy=hostile,
        status=hostile,
        trials=[
            replace(trial, name=hostile, status=hostile, hyperparameters={hostile: f"{hostile}{trial.number % 2}"})
            for trial in examples.tuning().trials
        ],
        ranges={hostile: Range("Categorical")},
    )
    page = Page(tuning_page(report))
    assert page.mistakes == []
    assert len(page.plots) == 2 * len(TUNING_PLOTS)
    assert page.named("script") == [{}]
    assert page.named("b") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "alert(1)" in page.text
    assert not {"\x00", "\u202e"} & set(page.html)
