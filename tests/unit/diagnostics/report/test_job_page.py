import re
from dataclasses import replace

import pytest

from diagnostics.profile.profile import ProfilerEvaluation
from diagnostics.profile.rules.catalogue import PROFILER_RULES, evaluate_all
from diagnostics.report.findings import SUMMARIES
from diagnostics.report.job_page import READING, UsageRow, job_page, usage_rows
from diagnostics.report.plots import PLOTS
from diagnostics.report.report import JobReport
from tests.unit.diagnostics.report import examples
from tests.unit.diagnostics.report.page_reader import Page, marks


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(job_page(examples.report(nodes=2)))


def test_it_is_well_formed_and_loads_nothing(page: Page) -> None:
    assert page.mistakes == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((link.get("href") or "").startswith("data:") for link in page.named("link"))
    assert page.named("script") == [{}]
    (policy,) = [one["content"] for one in page.named("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in (policy or "")
    assert all((image.get("href") or "").startswith("data:image/png;") for image in page.named("image"))


def test_the_verdict_comes_before_the_findings_before_the_plots(page: Page) -> None:
    places = [
        page.html.index(text)
        for text in (
            "2 findings, first of all Overfit",
            '<ol class="findings">',
            ">Rules</h2>",
            "<figure",
            "How to read",
        )
    ]
    assert places == sorted(places)
    assert page.text.index("Overfit considerable Debugger") < page.text.index("Dataloader minor Profiler")


def test_a_finding_says_what_why_and_what_to_do(page: Page) -> None:
    for sentence in (
        "The mean validation loss 0.612 is 140 % above",
        "At CrossEntropyLoss_output_0, EVAL step 19 (step 399 of all)",
        "Why it matters. The network learns its training images by heart",
        "What to do. Augment the training images (augment=true).",
        "Raise num-workers to 4.",
    ):
        assert sentence in page.text


def test_rules_have_a_status_in_words_and_a_step(page: Page) -> None:
    for row in (
        "VanishingGradient could not judge Gradients were not saved. Add the collection gradients to",
        "Overfit issue found The mean validation loss 0.612 is 140 % above the mean training loss 0.255; the threshold"
        " is 10 %. 399",
        "Overtraining still watching Its condition has not been met so far. –",
        "LossNotDecreasing no issue No issue in 600 steps. –",
        "CPUBottleneck no issue 0 of 120 data points met its condition.",
        "LowGPUUtilization could not judge ml.m5.2xlarge has no GPU.",
    ):
        assert row in page.text


def test_odd_details_of_usage_are_left_out() -> None:
    odd = replace(examples.usage(), details={"CPU": {"algo-1": {"max": 50.0, "p99": None}}, "odd": 3, "more": {"a": 1}})
    assert usage_rows([odd]) == [UsageRow("CPU", "algo-1", ("50.00 %", "–", "–", "–", "–"))]


def test_usage_and_the_size_of_the_instance(page: Page) -> None:
    assert "Resource Node max p99 p95 p50 min CPU algo-1 86.63 % 84.20 % 80.00 % 41.70 % 0.00 %" in page.text
    assert "CPU memory algo-2" in page.text
    assert "GPU algo-1" not in page.text  # nothing was measured
    assert "The highest memory use was 10.59 % of ml.m5.2xlarge's 32 GiB" in page.text


def test_the_real_rules_of_a_profile_fill_the_page() -> None:
    profile = examples.profile(seconds=60)
    page = Page(job_page(JobReport(profile.job, profiler=evaluate_all(profile, {}), profile=profile)))
    assert page.mistakes == []
    assert page.text.count("The highest memory use was 10.59 % of ml.m5.2xlarge's 32 GiB") >= 1
    for rule in PROFILER_RULES.keys() - SUMMARIES:
        assert f" {rule} " in page.text
    assert re.search(r"CPU algo-1 \d+\.\d\d % ", page.text)
    assert re.search(r"Network algo-1 [\d.]+ kB/s ", page.text)


def test_facts_parameters_and_notes(page: Page) -> None:
    assert "Status Completed Instances 2 × ml.m5.2xlarge Started 2026-02-02 02:40:00 UTC" in page.text
    assert "Ran 1 min 00 s" in page.text
    assert "batch-size 32 epochs 20 lr 0.01" in page.text
    assert "CPUBottleneck threshold = 50 , cpu_threshold = 90" in page.text
    assert "GPU metrics are missing: NVML is not installed." in page.text


def test_every_plot_stands_there_twice_with_marks_and_words(page: Page) -> None:
    assert set(READING) == set(PLOTS)
    assert [figure["id"] for figure in page.named("figure")] == list(PLOTS)
    assert len(page.plots) == 2 * len(PLOTS)
    for svg in page.plots:
        assert marks(svg)
        assert svg.get("role") == "img"
        named = {element.get("id"): element.text for element in svg}
        assert all(named[label] for label in (svg.get("aria-labelledby") or "").split())


def test_plots_take_the_colours_of_the_page(page: Page) -> None:
    for svg in page.plots:
        styles = " ".join(element.get("style", "") for element in svg.iter())
        assert "var(--ink)" in styles
        assert "#0b6bb0" not in styles
        assert "DejaVu" not in styles
        assert not [element for element in svg.iter() if element.tag.endswith(("style", "metadata"))]


def test_references_stay_inside_their_plot(page: Page) -> None:
    for svg in page.plots:
        ids = {element.get("id") for element in svg.iter()}
        for element in svg.iter():
            href = element.get("href", "")
            assert href.startswith("data:") or href == "" or href[1:] in ids
            clip = element.get("clip-path", "")
            assert clip == "" or clip.removeprefix("url(#").removesuffix(")") in ids


def test_the_same_report_gives_the_same_page(page: Page) -> None:
    assert job_page(examples.report(nodes=2)) == page.html


def test_a_running_job_says_as_of_when() -> None:
    running = examples.report(job=examples.job(status="InProgress", ended_at=None))
    page = Page(job_page(running))
    assert page.mistakes == []
    assert "As of 2026-02-02 02:40:59 UTC, step 599" in page.text
    assert "2 findings so far" in page.text
    assert "The job still runs" in page.text
    assert "Ended" not in page.text


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (JobReport(examples.job()), "Not judged"),
        (JobReport(examples.job(started_at=None, ended_at=None)), "look again in a minute"),
        (
            JobReport(examples.job(instance_type="ml.new.xlarge"), profile=examples.profile(seconds=5)),
            "No word on the size of the instance: 'ml.new.xlarge' is not an instance type",
        ),
        (JobReport(examples.job(), examples.curves(30), examples.debugger()), "1 finding, first of all Overfit"),
    ],
    ids=["nothing", "not started", "only a profile, of an unknown type", "only tensors"],
)
def test_parts_may_be_missing(report: JobReport, said: str) -> None:
    page = Page(job_page(report))
    assert page.mistakes == []
    assert said in page.text
    assert len(page.plots) == 2 * len(PLOTS)
    for figure, (_, reading) in READING.items():
        drawn = [svg for svg in page.plots if (svg.get("aria-labelledby") or "").startswith(figure)]
        assert (reading in page.text) == any(marks(svg) for svg in drawn)  # how to read it, where there is something


def test_hostile_names_change_nothing() -> None:
    hostile = examples.HOSTILE
    evaluation = ProfilerEvaluation(hostile, 0, 0, 1, {}, {hostile: hostile}, unjudged=hostile)
    found = replace(examples.finding(tensor=hostile), what=hostile, why=hostile, advice=(hostile,))
    profile = examples.profile(seconds=5)
    report = JobReport(
        job=examples.job(name=hostile, instance_type=hostile, status=hostile, hyperparameters={hostile: hostile}),
        curves=[replace(curve, tensor=hostile, mode=hostile) for curve in examples.curves(40)],
        debugger=[
            replace(rule, name=hostile, rule=hostile, details=hostile, finding=rule.finding and found)
            for rule in examples.debugger()
        ],
        profiler=[evaluation, replace(examples.usage(), details={hostile: {hostile: {"max": 1.0}}})],
        profile=replace(profile, nodes={hostile: examples.node(5)}),
        notes=[hostile],
    )
    page = Page(job_page(report))
    assert page.mistakes == []
    assert len(page.plots) == 2 * len(PLOTS)
    assert page.named("script") == [{}]
    assert page.named("b") == []
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "alert(1)" in page.text  # as text
    assert "\x00" not in page.html
    assert "\u202e" not in page.html
