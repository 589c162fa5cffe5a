"""A real Chromium for the tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from support.waiting import HANG_SECONDS

WIDE, NARROW = 1280, 400
HANG_MILLISECONDS = 1000 * HANG_SECONDS


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser, without a window; skips the test where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("there is no chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        # Root, as in CI, has no sandbox.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], timeout=HANG_MILLISECONDS
        )
        yield browser
        browser.close()


def new_page(browser: Browser, **settings: Any) -> Page:
    """A page for which a slow machine is no failure."""
    page = browser.new_page(**settings)
    page.set_default_timeout(HANG_MILLISECONDS)
    return page


_RESTS = """element => {
    const { x, y } = element.getBoundingClientRect();
    const same = element.lastX === x && element.lastY === y;
    element.frames = same ? element.frames + 1 : 0;
    [element.lastX, element.lastY] = [x, y];
    return element.frames > 10;
}"""
"""Whether an element has not moved for some frames."""


_OVERLAPPING = """() => {
    const found = [];
    for (const plot of document.querySelectorAll(".plot")) {
        const titles = [...plot.querySelectorAll(".infolayer text[class*=title]")];
        const shown = titles.filter((title) => title.textContent);
        for (const [i, one] of shown.entries())
            for (const other of shown.slice(0, i)) {
                const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
                const beside = a.right <= b.left || b.right <= a.left;
                if (!beside && a.top < b.bottom && b.top < a.bottom)
                    found.push([other.textContent, one.textContent]);
            }
    }
    return found;
}"""
"""Pairs of titles in a plot of which one lies over the other."""


class OpenedPage:
    """A page of this project, opened from its file, with the browser's errors."""

    def __init__(self, browser: Browser, path: Path, width: int = WIDE, **settings: str) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        viewport = {"width": width, "height": 900}
        self.page = new_page(browser, viewport=viewport, **settings)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        if self.page.locator(".plot").count():
            self.page.wait_for_selector("html[data-drawn]")

    def _note(self, message: object) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    def overlapping_titles(self) -> list[list[str]]:
        """Pairs of titles of axes, of which one lies over the other."""
        return self.page.evaluate(_OVERLAPPING)

    def scroll_to(self, place: Locator) -> None:
        """Scroll an element into view; returns when it has stopped moving."""
        place.scroll_into_view_if_needed()
        self.page.wait_for_function(_RESTS, arg=place.element_handle(), polling="raf")

    def column(self, table: str, position: int) -> list[str]:
        """The visible cells of a column of a table, from top to bottom."""
        return self.page.eval_on_selector_all(
            f"#{table} tbody tr:not([hidden])",
            "(rows, position) => rows.map((row) => row.cells[position].textContent)",
            position,
        )

    def close(self) -> None:
        self.page.close()
