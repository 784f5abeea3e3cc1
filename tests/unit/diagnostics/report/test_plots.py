import io
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from diagnostics.profile.profile import Profile, Steps
from diagnostics.report.canvas import NARROW, WIDE, description
from diagnostics.report.plots import PLOTS, plot, render
from diagnostics.report.report import JobReport
from diagnostics.rules.evaluation import RuleEvaluation, RuleStatus
from diagnostics.tensors.curve import Curve
from tests.unit.diagnostics.report import examples

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"


def drawn(name: str, report: JobReport, width: int = WIDE) -> ET.Element:
    return ET.fromstring(render(PLOTS[name](report, width), "svg"))  # noqa: S314 - our own


def ids(svg: ET.Element) -> set[str]:
    return {element.get("id", "") for element in svg.iter()}


def mark_ids(svg: ET.Element) -> set[str]:
    return {found for found in ids(svg) if found.startswith("mark-")}


def texts(svg: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in svg.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def report() -> JobReport:
    return examples.report(nodes=2)


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_plot_has_marks_and_text_as_text(name: str, width: int, report: JobReport) -> None:
    svg = drawn(name, report, width)
    assert mark_ids(svg)
    assert texts(svg)
    assert svg.get("width") == f"{width}pt"
    assert "empty" not in ids(svg)


@pytest.mark.parametrize("name", PLOTS)
def test_without_data_a_plot_says_so(name: str) -> None:
    svg = drawn(name, JobReport(examples.job()))
    assert not mark_ids(svg)
    assert "empty" in ids(svg)
    assert texts(svg)[0].startswith("No ")
    assert description(PLOTS[name](JobReport(examples.job()))).startswith("No ")


def test_a_line_a_mode_and_a_line_where_a_rule_fired(report: JobReport) -> None:
    svg = drawn("losses", report)
    assert mark_ids(svg) == {"mark-loss-0-0", "mark-loss-0-1", "mark-fired-0-0"}
    assert {"TRAIN", "EVAL", "CrossEntropyLoss_output_0", "▼ Overfit, step 399"} <= set(texts(svg))
    said = description(PLOTS["losses"](report))
    assert "TRAIN from 2.211" in said
    assert "Overfit fired at step 399" in said


def test_a_wide_range_of_losses_is_logarithmic() -> None:
    steps = list(range(100))
    wide = JobReport(examples.job(), [Curve("loss", "TRAIN", steps, [10 * 0.9**step for step in steps])])
    narrow = JobReport(examples.job(), [Curve("loss", "TRAIN", steps, [1 - step / 200 for step in steps])])
    assert "logarithmic" in texts(drawn("losses", wide))
    assert "logarithmic" not in texts(drawn("losses", narrow))
    assert PLOTS["losses"](wide).axes[0].get_yscale() == "log"


def test_nan_is_a_gap_and_a_cross() -> None:
    values = [1.0, 0.9, float("nan"), float("inf"), 0.8, 0.7]
    report = JobReport(examples.job(), [Curve("loss", "TRAIN", list(range(6)), values)])
    line, crosses = PLOTS["losses"](report).axes[0].lines
    assert np.isnan(np.asarray(line.get_ydata(), dtype=float)).tolist() == [False, False, True, True, False, False]
    assert list(np.asarray(crosses.get_xdata())) == [2, 3]
    assert "not finite at 2 steps" in description(PLOTS["losses"](report))


def test_a_loss_that_is_never_a_number_is_drawn_without_a_warning() -> None:
    report = JobReport(examples.job(), [Curve("loss", "TRAIN", [0, 1], [float("nan")] * 2)])
    assert mark_ids(drawn("losses", report)) >= {"mark-not-finite-0-0"}
    assert "never a finite number" in description(PLOTS["losses"](report))


def test_one_step_alone_is_seen() -> None:
    report = JobReport(examples.job(), [Curve("loss", "TRAIN", [0], [2.0])])
    (line,) = PLOTS["losses"](report).axes[0].lines
    assert line.get_marker() == "o"


def test_many_rules_at_many_steps_have_few_labels() -> None:
    debugger = [
        RuleEvaluation(f"r{step}", "Overfit", RuleStatus.ISSUES_FOUND, "", examples.finding(step)) for step in range(20)
    ]
    said = texts(drawn("losses", JobReport(examples.job(), examples.curves(), debugger)))
    assert sum("step " in text for text in said) == 5
    assert any("r4 and 15 later" in text for text in said)


def test_metrics_without_gpu_have_no_gpu_panel() -> None:
    without = texts(drawn("metrics", examples.report()))
    assert "GPU" not in without
    with_gpu = texts(drawn("metrics", examples.report(profile=examples.profile(gpus=2))))
    assert {"CPU", "Memory", "GPU", "GPU memory", "Disk", "Network"} <= set(with_gpu)


def test_many_nodes_are_lines_and_their_median() -> None:
    svg = drawn("metrics", examples.report(profile=examples.profile(nodes=9, seconds=20)))
    found = mark_ids(svg)
    assert sum(one.startswith("mark-memory-") for one in found) == 10
    assert "mark-memory-median-0" in found
    assert {"median of all nodes", "each of 9 nodes"} <= set(texts(svg))


def test_cores_are_an_image_of_a_row_each() -> None:
    svg = drawn("cores", examples.report(profile=examples.profile(nodes=2, cores=3)))
    images = [one for one in svg.iter(f"{SVG}image") if (one.get("id") or "").startswith("mark-cores-")]
    assert len(images) == 2
    assert all((one.get(f"{XLINK}href") or "").startswith("data:image/png;base64,") for one in images)
    assert {one.get("height") for one in images} == {"3"}
    assert {"cpu0", "cpu2", "algo-1: 3 cores"} <= set(texts(svg))


def test_of_too_many_cores_the_busiest_nodes_stay() -> None:
    svg = drawn("cores", examples.report(profile=examples.profile(nodes=5, cores=96, seconds=5)))
    assert len(mark_ids(svg)) == 2
    assert "3 less busy nodes are not shown" in texts(svg)


def test_step_times_have_percentiles_and_the_share_of_waiting(report: JobReport) -> None:
    svg = drawn("steps", report)
    assert {"mark-p50-0", "mark-p95-0", "mark-p99-0", "mark-waiting-0", "mark-computing-0", "mark-p50-1"} <= ids(svg)
    assert "mark-waiting-1" not in ids(svg)  # of EVAL it is not known
    assert "waiting for data 29 %" in texts(svg)
    durations = np.sort(report.profile.steps[0].durations) if report.profile else np.empty(0)
    assert f"▼ p50 {1000 * np.percentile(durations, 50):.3g} ms" in texts(svg)


def test_steps_of_equal_length_are_drawn() -> None:
    steps = [Steps("algo-1", "TRAIN", np.arange(3, dtype=np.float64), np.full(3, 0.1), np.zeros(3))]
    profile = Profile(examples.job(), {}, steps, None)
    assert "waiting for data 0 %" in texts(drawn("steps", JobReport(examples.job(), profile=profile)))


def test_rules_stand_until_they_fire(report: JobReport) -> None:
    svg = drawn("rules", report)
    assert mark_ids(svg) == {"mark-rule-0", "mark-rule-1", "mark-rule-2", "mark-rule-3", "mark-fired-0"}
    said = texts(svg)
    assert said.index("Overfit") < said.index("LossNotDecreasing")  # what fired comes first
    assert {"◆ fired at step 399", "✓ no issue", "… still watching", "– could not judge"} <= set(said)
    bar = PLOTS["rules"](report).axes[0].lines[0]
    assert list(np.asarray(bar.get_xdata())) == [0, 399]


@pytest.mark.parametrize("name", PLOTS)
def test_hostile_names_are_text(name: str) -> None:
    hostile = examples.HOSTILE
    profile = examples.profile()
    report = examples.report(
        curves=[replace(curve, tensor=hostile, mode=hostile) for curve in examples.curves(40)],
        debugger=[replace(rule, name=hostile, rule=hostile) for rule in examples.debugger()],
        profile=replace(
            profile,
            nodes={hostile + str(n): examples.node(seed=n) for n in range(2)},
            steps=[replace(steps, mode=hostile) for steps in profile.steps],
        ),
    )
    svg = drawn(name, report)
    assert {element.tag for element in svg.iter()} & {f"{SVG}script", f"{SVG}b"} == set()
    assert not any(attribute.startswith("on") for element in svg.iter() for attribute in element.attrib)
    assert any(text.startswith("</") for text in texts(svg))


def test_names_that_begin_with_an_underscore_are_in_the_legend() -> None:
    profile = examples.profile(nodes=2)
    named = replace(profile, nodes={f"_{name}": node for name, node in profile.nodes.items()})
    assert {"_algo-1", "_algo-2"} <= set(texts(drawn("metrics", examples.report(profile=named))))


def test_dollars_in_a_name_are_no_formula() -> None:
    report = JobReport(examples.job(), [Curve("$x_1$", "$TRAIN$", [0, 1], [1.0, 0.5])])
    assert {"$x_1$", "$TRAIN$"} <= set(texts(drawn("losses", report)))
    node = examples.node(5)
    profile = replace(examples.profile(seconds=5), nodes={"$n_1$": replace(node, cpu={"$c_1$": node.cpu["cpu0"]})})
    cores = texts(drawn("cores", examples.report(profile=profile)))
    assert {"$c_1$", "$n_1$: 1 core"} <= set(cores)


def test_letters_that_the_font_has_not_are_no_warning() -> None:
    report = JobReport(examples.job(), [Curve("損失", "TRAIN", [0, 1], [1.0, 0.5])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "損失" in texts(drawn("losses", report))
        assert plot("losses", report, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("fmt", ["svg", "png"])
def test_the_same_report_gives_the_same_bytes(fmt: str, report: JobReport) -> None:
    first = plot("metrics", report, fmt)  # type: ignore[arg-type]
    assert first == plot("metrics", examples.report(nodes=2), fmt)  # type: ignore[arg-type]
    assert b"2026" not in first
    assert b"Matplotlib" not in first


def test_png_is_twice_the_size_and_has_ink(report: JobReport) -> None:
    image = Image.open(io.BytesIO(plot("losses", report, "png"))).convert("RGB")
    assert image.width == 2 * WIDE
    colours = {colour for _, colour in image.getcolors(1 << 24) or []}
    assert len(colours) > 20


def test_an_unknown_plot_is_a_key_error(report: JobReport) -> None:
    with pytest.raises(KeyError, match="nonsense"):
        plot("nonsense", report, "svg")


def test_threads_write_the_same_and_leave_the_settings_alone(report: JobReport) -> None:
    before = dict(mpl.rcParams)
    together = threading.Barrier(3)

    def written(_: int) -> bytes:
        together.wait()
        return plot("rules", report, "svg")

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(written, range(3)))) == 1
    assert dict(mpl.rcParams) == before


def test_a_long_job_is_thinned() -> None:
    # Two hours at 500 ms, 8 cores, 20 000 steps.
    profile = examples.profile(seconds=7200, cores=8)
    report = examples.report(profile=profile, curves=examples.curves(20_000))
    sizes = {name: len(plot(name, report, "svg")) for name in PLOTS}
    assert max(sizes.values()) < 250_000, sizes
    memory = next(line for line in PLOTS["metrics"](report).axes[1].lines if line.get_gid() == "mark-memory-0-0")
    drawn_values = np.asarray(memory.get_ydata(), dtype=float)
    whole = profile.nodes["algo-1"].memory.values
    assert len(drawn_values) <= 700 < len(whole)
    assert (drawn_values.min(), drawn_values.max()) == (whole.min(), whole.max())
