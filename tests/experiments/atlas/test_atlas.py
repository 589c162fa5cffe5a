"""The page of a space in a real browser, and what it says."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser
from support.browser import NARROW, WIDE, OpenedPage

from oneshot_hpo.experiments.atlas.making import write_atlas
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.atlas.tables import CELLS
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened(browser: Browser, page: Path) -> Iterator[OpenedPage]:
    view = OpenedPage(browser, page)
    yield view
    view.close()


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_it_opens_without_an_error_and_fits(
    browser: Browser, page: Path, width: int, scheme: str
) -> None:
    view = OpenedPage(browser, page, width, color_scheme=scheme)
    view.page.eval_on_selector_all("details", "all => all.forEach((one) => { one.open = true; })")
    assert view.complaints == []
    assert [url for url in view.requests if not url.startswith(("data:", "blob:"))] == [
        page.as_uri()
    ]
    assert view.overflow <= 0
    view.close()


def test_rows_say_what_the_table_says(opened: OpenedPage, named: str) -> None:
    known = SpaceMap(get_space(1), load_table("digits"))
    names, errors, ranks = (opened.column(CELLS, place) for place in (0, 2, 5))
    assert len(set(names)) == len(names) > 10
    for name, error, rank in zip(names, errors, ranks, strict=True):
        number = known.named(name)
        assert error == f"{100 * known.test[number]:.2f}"
        assert rank == f"{known.ranks[number]:,}"
    best = np.argsort(known.test, kind="stable")[:10]
    assert {known.hashes[number][:8] for number in best} <= set(names)
    assert "named" in opened.column(CELLS, 1)[names.index(named)]


def test_every_search_is_counted(opened: OpenedPage, page: Path) -> None:
    reasons = [reason for reason in opened.column(CELLS, 1) if "made <b>" in reason]
    times = [int(found[1]) if (found := re.search(r"× (\d+)", r)) else 1 for r in reasons]
    words = opened.page.inner_text("#space")
    [searches] = re.findall(r"made <b>: (\d+) searches ended in (\d+) different cells", words)
    assert (sum(times), len(times)) == tuple(map(int, searches))
    assert sum("incumbent" in reason for reason in reasons) == 1


def test_its_table_sorts(opened: OpenedPage) -> None:
    heading = opened.page.locator(f"#{CELLS} th button", has_text="parameters")
    heading.click()
    sizes = [int(text.replace(",", "")) for text in opened.column(CELLS, 11)]
    assert sizes == sorted(sizes)


def test_a_point_leads_to_its_cell(opened: OpenedPage, named: str) -> None:
    """A click on a marked cell opens what the page says of it."""
    page = opened.page
    plot = page.locator("#ranks .plot")
    opened.scroll_to(plot)
    box = plot.locator(".scatterlayer .trace").last.locator("path.point").first.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.wait_for_selector("#ranks .hovertext")
    assert named in page.locator("#ranks .hovertext").text_content()
    page.mouse.click(*middle)
    about = page.locator(f"[id^=about-{named}]")
    about.wait_for(state="visible")
    assert about.locator("svg").count() == 2
    gains = about.locator("tbody tr td:nth-child(3)").all_inner_texts()
    assert 1 <= len(gains) <= 5
    assert [float(gain) for gain in gains] == sorted(map(float, gains), reverse=True)


def test_its_plots_zoom(opened: OpenedPage) -> None:
    plot = opened.page.locator("#validation-test .plot")
    opened.scroll_to(plot)
    before = plot.evaluate("plot => plot._fullLayout.xaxis.range.slice()")
    box = plot.locator(".nsewdrag").first.bounding_box()
    opened.page.mouse.move(box["x"] + 60, box["y"] + 60)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 160, box["y"] + 160, steps=4)
    opened.page.mouse.up()
    opened.page.wait_for_function(
        "([plot, old]) => plot._fullLayout.xaxis.range[1] < old[1]",
        arg=[plot.element_handle(), before],
    )
    assert opened.complaints == []


def test_a_second_page_replaces_a_page_alone(tmp_path: Path) -> None:
    out = tmp_path / "notes.html"
    out.write_text("notes")
    with pytest.raises(UserError, match="is not a page; choose another file"):
        write_atlas(space=1, table="digits", folders=[], cells=[], out=out)
    assert out.read_text() == "notes"
    out.unlink()
    for _ in range(2):
        write_atlas(space=1, table="digits", folders=[], cells=[], out=out)
    assert out.read_bytes().startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"space": 2}, "space 2: the table of digits lacks"),
        ({"table": "no.npz"}, "no table 'no.npz'"),
        ({"cells": ["xyz"]}, "no cell of space 1 has a hash with this beginning"),
        ({"folders": [Path("nowhere")]}, "nowhere: no such folder"),
        ({"out": Path("/proc/none/atlas.html")}, "/proc/none"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    arguments: dict[str, object], words: str, tmp_path: Path
) -> None:
    usual = {"space": None, "table": None, "folders": [], "cells": [], "out": tmp_path / "a.html"}
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        write_atlas(**(usual | arguments))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "a.html").exists()


def test_a_study_of_something_else_is_refused(study: Path, table_file: str, tmp_path: Path) -> None:
    usual = {"folders": [study], "cells": [], "out": tmp_path / "a.html"}
    with pytest.raises(
        UserError, match=r"is a study of the table digits, not of .*: --table digits"
    ):
        write_atlas(space=1, table=table_file, **usual)
    with pytest.raises(UserError, match="is given twice"):
        write_atlas(space=1, table=None, **(usual | {"folders": [study, study]}))


def test_a_study_without_a_cell_is_refused(crashed_study: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no search has found a cell yet"):
        write_atlas(
            space=None, table=None, folders=[crashed_study], cells=[], out=tmp_path / "a.html"
        )
