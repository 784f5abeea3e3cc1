"""The pages of a training job and of a tuning job in a real browser, from disk, without a network."""

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from diagnostics.report.job_page import job_page
from diagnostics.report.plots import PLOTS
from diagnostics.report.report import JobReport
from diagnostics.report.tuning_page import tuning_page
from diagnostics.report.tuning_plots import TUNING_PLOTS
from tests.e2e import chromium
from tests.e2e.chromium import Tab
from tests.unit.diagnostics.report import examples

pytestmark = pytest.mark.e2e

Visit = Callable[[Tab], Awaitable[None]]
OnPage = Callable[[Path, Visit], None]
PLOT_NAMES = {"job": list(PLOTS), "tuning": list(TUNING_PLOTS)}
INK = 0.004  # the share of a plot's pixels, at least, that is not its ground
COLOURS = 12


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    written = {"job": job_page(examples.report(nodes=2)), "tuning": tuning_page(examples.tuning())}
    for name, html in written.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in written}


@pytest.fixture(scope="module")
def on_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPage]:
    """Opens a file in a tab that has no network, then visits it."""
    browser = chromium.installed()
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(chromium.NAMES)} is installed")

    async def visited(devtools_url: str, file: Path, visit: Visit) -> None:
        async with chromium.open_tab(devtools_url) as tab:
            await tab.send(
                "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
            )
            await tab.send("Page.navigate", url=file.as_uri())
            await tab.until("document.readyState === 'complete' && !!document.querySelector('footer, .help')")
            await visit(tab)
            assert errors(tab) == []
            asked = {sent["request"]["url"].split(":")[0] for sent in tab.told("Network.requestWillBeSent")}
            assert asked <= {"file", "data"}

    with chromium.running(browser, tmp_path_factory.mktemp("chromium")) as devtools_url:
        yield lambda file, visit: asyncio.run(visited(devtools_url, file, visit))


def errors(tab: Tab) -> list[str]:
    """All that the console shows, warnings included."""
    said = [entry["entry"]["text"] for entry in tab.told("Log.entryAdded")]
    said += [str(call["args"]) for call in tab.told("Runtime.consoleAPICalled")]
    return said + [str(thrown["exceptionDetails"]) for thrown in tab.told("Runtime.exceptionThrown")]


async def shown_as(tab: Tab, width: int, scheme: str, medium: str = "") -> None:
    """As on a screen of this width, by day or by night."""
    await tab.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
    )
    await tab.send(
        "Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}]
    )


async def screenshot(tab: Tab) -> Image.Image:
    """The whole page, not only what fits into the window."""
    size = await tab.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
    said = await tab.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    return Image.open(io.BytesIO(base64.b64decode(said["data"]))).convert("RGB")


def ink(image: Image.Image) -> tuple[float, int]:
    """The share of pixels unlike the commonest colour, and how many colours there are."""
    counted = image.getcolors(image.width * image.height) or []
    return 1 - max(count for count, _ in counted) / (image.width * image.height), len(counted)


@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (375, "dark")])
@pytest.mark.parametrize("name", ["job", "tuning"])
def test_every_plot_is_seen(name: str, width: int, scheme: str, on_page: OnPage, pages: dict[str, Path]) -> None:
    async def visit(tab: Tab) -> None:
        await shown_as(tab, width, scheme)
        image = await screenshot(tab)
        ground = image.getpixel((2, image.height - 3))
        assert isinstance(ground, tuple)
        assert (sum(ground) > 600) == (scheme == "light")
        plots = await tab.evaluate(
            "[...document.querySelectorAll('figure.plot')].map(figure => {"
            " const seen = [...figure.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width > 0);"
            " const box = seen[0].getBoundingClientRect();"
            " const marks = [...seen[0].querySelectorAll('.mark')]"
            "   .filter(mark => { const b = mark.getBoundingClientRect(); return b.width > 0 || b.height > 0; });"
            " return {id: figure.id, seen: seen.length, marks: marks.length,"
            "   box: [box.left, box.top + scrollY, box.right, box.bottom + scrollY]};})"
        )
        assert [plot["id"] for plot in plots] == PLOT_NAMES[name]
        for plot in plots:
            assert plot["seen"] == 1  # the wide one or the narrow one
            assert plot["marks"] > 0
            left, top, right, bottom = (round(edge) for edge in plot["box"])
            assert 0 <= left < right <= width
            share, colours = ink(image.crop((left, top, right, bottom)))
            assert share > INK, plot
            assert colours > COLOURS, plot

    on_page(pages[name], visit)


@pytest.mark.parametrize("name", ["job", "tuning"])
def test_a_phone_scrolls_in_one_direction_only(name: str, on_page: OnPage, pages: dict[str, Path]) -> None:
    async def visit(tab: Tab) -> None:
        await shown_as(tab, 375, "light")
        assert await tab.evaluate("document.documentElement.scrollWidth") == 375
        smallest = await tab.evaluate(
            "Math.min(...[...document.querySelectorAll('.narrow svg text')].map(text =>"
            " parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"
        )
        assert smallest > 9
        outside = await tab.evaluate(
            "[...document.querySelectorAll('.narrow svg text')].map(text => [text.textContent, text"
            ".getBoundingClientRect()]).filter(([, box]) => box.left < 0 || box.right > 375).map(([text]) => text)"
        )
        assert outside == []

    on_page(pages[name], visit)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["job", "tuning"])
def test_text_has_contrast(name: str, scheme: str, on_page: OnPage, pages: dict[str, Path]) -> None:
    """WCAG AA: 4.5 to 1 between a text and the ground of the nearest element that has one."""

    async def visit(tab: Tab) -> None:
        await shown_as(tab, 1100, scheme)
        poor = await tab.evaluate(CONTRAST)
        assert poor == []

    on_page(pages[name], visit)


CONTRAST = """(() => {
  const channels = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = channels(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
  };
  const poor = [];
  for (const element of document.querySelectorAll("main *")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || ["title", "desc", "style"].includes(element.localName)) continue;
    const style = getComputedStyle(element);
    const drawn = element.closest("svg") ? style.fill : style.color;
    // The number in a trial's bar stands on the bar.
    const card = getComputedStyle(document.querySelector(".plot")).backgroundColor;
    if (element.closest("#trials svg") && drawn === card) continue;
    const [a, b] = [light(channels(drawn)), light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([element.textContent.trim().slice(0, 40), drawn]);
  }
  return poor;
})()"""


def test_trials_are_sorted_by_a_click(on_page: OnPage, pages: dict[str, Path]) -> None:
    async def column(tab: Tab, index: int) -> list[str]:
        found: list[str] = await tab.evaluate(
            f"[...document.querySelectorAll('table.sortable tbody tr')].map(row => row.cells[{index}].dataset.value)"
        )
        return found

    async def click(tab: Tab, index: int) -> str:
        head = f"document.querySelectorAll('table.sortable thead th')[{index}]"
        await tab.evaluate(f"{head}.querySelector('button').click()")
        order: str = await tab.evaluate(f"{head}.getAttribute('aria-sort')")
        return order

    async def visit(tab: Tab) -> None:
        assert await click(tab, 3) == "ascending"  # lr
        rates = [float(value) for value in await column(tab, 3)]
        assert rates == sorted(rates)
        assert await click(tab, 3) == "descending"
        assert [float(value) for value in await column(tab, 3)] == rates[::-1]
        assert await click(tab, 2) == "ascending"  # the objective: trials without one stay last
        objectives = await column(tab, 2)
        assert objectives[-2:] == ["", ""]
        assert [float(value) for value in objectives[:-2]] == sorted(float(value) for value in objectives[:-2])

    on_page(pages["tuning"], visit)


def test_paper_is_white_and_gets_the_wide_plots(on_page: OnPage, pages: dict[str, Path]) -> None:
    async def visit(tab: Tab) -> None:
        await shown_as(tab, 700, "dark", medium="print")
        assert await tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert await tab.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(24, 32, 43)"
        assert await tab.evaluate("document.querySelector('.wide').offsetWidth") > 300
        assert await tab.evaluate("document.querySelector('.narrow').offsetWidth") == 0
        printed = base64.b64decode((await tab.send("Page.printToPDF", printBackground=False))["data"])
        assert printed.startswith(b"%PDF")

    on_page(pages["job"], visit)


def test_a_page_lets_nothing_out_and_runs_nothing_of_others(on_page: OnPage, tmp_path: Path) -> None:
    hostile = examples.HOSTILE + "<img src=x onerror=\"document.title='hurt'\"><script>document.title='hurt'</script>"
    page = tmp_path / "hostile.html"
    page.write_text(job_page(JobReport(examples.job(name=hostile), notes=[hostile])), encoding="utf-8")

    async def visit(tab: Tab) -> None:
        assert "hurt'</script>" in await tab.evaluate("document.querySelector('h1').textContent")
        assert await tab.evaluate("document.title") != "hurt"
        assert await tab.evaluate("document.querySelectorAll('main script, main img').length") == 0
        assert await tab.evaluate("document.scripts.length") == 1

    on_page(page, visit)
