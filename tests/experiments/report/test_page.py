"""The page of a study in a real browser: it opens, its tables sort, its plots respond."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator
from support.browser import NARROW, WIDE, OpenedPage
from support.page_study import HOSTILE

from oneshot_hpo.experiments.report.trials import TRIALS

pytestmark = pytest.mark.slow

VALIDATION = 3
"""The column of validation errors."""


@pytest.fixture(scope="module")
def opened(browser: Browser, page: Path) -> Iterator[OpenedPage]:
    """The page at 1280 pixels; each test leaves it as it was, but for the order of rows."""
    view = OpenedPage(browser, page)
    yield view
    view.close()


def visible_points(plot: Locator, kind: str) -> list[tuple[float, float]]:
    """The middles of a plot's points or bars, in pixels of the window."""
    plot.scroll_into_view_if_needed()
    boxes = [point.bounding_box() for point in plot.locator(kind).all()[:20]]
    return [(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes if b]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_it_opens_without_an_error_and_fits(
    browser: Browser, page: Path, width: int, scheme: str
) -> None:
    view = OpenedPage(browser, page, width, color_scheme=scheme)
    assert view.complaints == []
    assert {url for url in view.requests if not url.startswith(("data:", "blob:"))} == {
        page.as_uri()
    }
    assert view.overflow == 0
    boxes = view.page.eval_on_selector_all(
        ".plot",
        """plots => plots.map((plot) => {
            const { left, top, right, bottom } = plot.getBoundingClientRect();
            return [plot.closest("figure").id, [left, top + scrollY, right, bottom + scrollY]];
        })""",
    )
    assert len(boxes) >= 12
    picture = Image.open(io.BytesIO(view.page.screenshot(full_page=True))).convert("RGB")
    view.close()
    for name, box in boxes:
        plot = picture.crop(tuple(map(round, box)))
        colours = plot.getcolors(1 << 24)
        share_of_paper = max(count for count, _ in colours) / (plot.width * plot.height)
        assert len(colours) > 20, f"{name} is blank"
        assert share_of_paper < 0.99, f"{name} is blank"


def test_no_axis_has_a_name_that_lies_over_another_one(opened: OpenedPage) -> None:
    assert opened.overlapping_titles() == []


def test_a_click_on_a_heading_sorts(opened: OpenedPage) -> None:
    heading = opened.page.locator(f"#{TRIALS} th").nth(VALIDATION)
    before = opened.column(TRIALS, VALIDATION)
    heading.get_by_role("button").click()
    rising = opened.column(TRIALS, VALIDATION)
    values = [float(text) for text in rising if text]
    assert values == sorted(values)
    assert rising[len(values) :] == [""] * before.count("") != []
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").press("Enter")
    falling = [float(text) for text in opened.column(TRIALS, VALIDATION) if text]
    assert falling == sorted(values, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    opened.page.locator(f"#{TRIALS} th button").first.click()
    names = opened.column(TRIALS, 0)
    assert names[0] == "0-0-0"
    assert names[-1] == "default"
    assert heading.get_attribute("aria-sort") is None


def test_filters_show_the_rows_that_fit(opened: OpenedPage) -> None:
    table = opened.page.locator(f"#{TRIALS}")
    everything = len(opened.column(TRIALS, 0))
    table.get_by_label("state").select_option("crashed")
    assert opened.column(TRIALS, 2) == ["crashed", "crashed"]
    assert table.locator("output").inner_text() == f"2 of {everything} rows"
    table.get_by_label("state").select_option("all")
    table.get_by_label("search").fill("DEFAULT finished")
    assert opened.column(TRIALS, 0) == ["default"]
    table.get_by_role("button", name="show all").click()
    assert len(opened.column(TRIALS, 0)) == everything
    assert not table.get_by_role("button", name="show all").is_visible()


def test_the_pointer_on_a_point_names_its_trial_and_a_click_leads_to_it(
    opened: OpenedPage,
) -> None:
    plot = opened.page.locator("#one-shot .plot")
    for x, y in visible_points(plot, ".points path"):
        opened.page.mouse.move(x, y)
        said = plot.locator(".hovertext").first
        said.wait_for()
        assert re.search(r"at \d epochs?", said.text_content())
        assert "learning_rate" in said.text_content()
        opened.page.mouse.click(x, y)
        break
    opened.page.wait_for_function("location.hash.startsWith('#trial-')")
    row = opened.page.evaluate("decodeURIComponent(location.hash)")
    assert opened.page.locator(f"tr{row}").is_visible()


def test_a_click_in_a_legend_toggles(opened: OpenedPage) -> None:
    plot = opened.page.locator("#regret-evaluations .plot")
    lines = plot.locator(".scatterlayer .trace")
    there = lines.count()
    plot.locator(".legendtoggle").first.click()
    opened.page.wait_for_function(
        "([there]) => document.querySelectorAll('#regret-evaluations .scatterlayer .trace').length"
        " < there",
        arg=[there],
    )
    plot.locator(".legendtoggle").first.click()
    opened.page.wait_for_function(
        "([there]) => document.querySelectorAll('#regret-evaluations .scatterlayer .trace').length"
        " === there",
        arg=[there],
    )


def test_nothing_leads_out_of_the_page(opened: OpenedPage) -> None:
    buttons = opened.page.locator(".modebar-btn").evaluate_all(
        "buttons => [...new Set(buttons.map((button) => button.dataset.title))]"
    )
    assert sorted(buttons) == ["Download plot as a PNG", "Pan", "Reset axes", "Zoom"]
    links = opened.page.locator("a[href], link[href], [src]").evaluate_all(
        "parts => parts.map((part) => part.getAttribute('href') ?? part.getAttribute('src'))"
    )
    assert len(links) > 5
    assert all(link.startswith(("#", "data:")) for link in links)


def test_brushes_of_parallel_coordinates_choose_rows(opened: OpenedPage) -> None:
    plot = opened.page.locator("#parallel .plot")
    plot.scroll_into_view_if_needed()
    everything = len(opened.column(TRIALS, 0))

    def brush(axis: int, low: float, high: float, before: int) -> list[str]:
        start, end = plot.evaluate(
            """(plot, [axis, low, high]) => {
                const { xaxis, yaxis } = plot._fullLayout;
                const { x, y } = plot.getBoundingClientRect();
                const place = (a, b) =>
                    [x + xaxis._offset + xaxis.l2p(a), y + yaxis._offset + yaxis.l2p(b)];
                return [place(axis - 0.2, high), place(axis + 0.2, low)];
            }""",
            [axis, low, high],
        )
        opened.page.mouse.move(*start)
        opened.page.mouse.down()
        opened.page.mouse.move(*end, steps=4)
        opened.page.mouse.up()
        opened.page.wait_for_function(
            "([table, before]) => document.querySelectorAll("
            "`#${table} tbody tr:not([hidden])`).length < before",
            arg=[TRIALS, before],
        )
        return opened.column(TRIALS, 0)

    some = brush(1, 0.45, 1.05, everything)  # learning rates: half of a log axis
    rates = [float(text) for text in opened.column(TRIALS, 9)]
    assert rates
    assert min(rates) > 0.02
    fewer = brush(0, -0.02, 0.5, len(some))
    assert 0 < len(fewer) < len(some)
    opened.page.locator(f"#{TRIALS}").get_by_role("button", name="show all").click()
    assert len(opened.column(TRIALS, 0)) == everything


def test_what_a_study_says_is_shown_and_not_run(opened: OpenedPage) -> None:
    crashes = opened.page.locator("#crashes")
    assert crashes.locator("details[open]").count() == 3
    assert HOSTILE in crashes.inner_text()
    assert "line 40 <b>of</b> the log" in crashes.inner_text()
    assert "line 20 <b>" not in crashes.inner_text()
    assert "killed by <signal 9>" in crashes.inner_text()
    assert opened.page.title() == "tiny: report"
    assert opened.page.locator("main script:not([type])").count() == 0
    crashes.get_by_text("its row in the table").first.click()
    assert opened.page.locator("tr:target").get_by_text("crashed").is_visible()
    opened.page.locator("tr:target").get_by_role("link", name="crashed").click()
    assert opened.page.locator("details:target").is_visible()


def test_paper_shows_all_of_it(opened: OpenedPage) -> None:
    opened.page.emulate_media(media="print")
    try:
        assert not opened.page.locator("nav").is_visible()
        box = opened.page.locator(f"#{TRIALS} .scroll")
        assert box.evaluate("box => box.scrollHeight <= box.clientHeight")
        assert opened.page.pdf().startswith(b"%PDF")
    finally:
        opened.page.emulate_media(media="screen")
    assert opened.complaints == []
