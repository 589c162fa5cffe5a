"""A study's page that is kept up to date, in a real browser, while its study runs."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import OpenedPage, new_page
from support.page_study import DIGITS, crash, make_study, result_of
from support.study_commands import called, refused, started
from support.waiting import HANG_SECONDS, wait_until

from oneshot_hpo.experiments.pages.live import BEGINNING, SUFFIX, LivePage
from oneshot_hpo.experiments.report.trials import TRIALS
from oneshot_hpo.experiments.report.watching import watch_report
from oneshot_hpo.hpo import Study

CRASHES = 4
"""So many that the page shows the first ones closed."""


def tell(study: Study, folder: Path) -> str:
    """Run a trial; returns its row in the page."""
    trial = study.ask()
    assert trial is not None
    study.tell(trial, result_of(folder, trial, "digits"))
    return f"trial-{trial.key.replace('/', '-')}"


def begin(study: Study, folder: Path) -> None:
    """Run some trials, of which a few crash."""
    tell(study, folder)
    for _ in range(CRASHES):
        trial = study.ask()
        assert trial is not None
        crash(study, folder, trial, with_loss=False)
    for _ in range(5):
        tell(study, folder)


@pytest.fixture
def study(tmp_path: Path, tiny_study: Path) -> Iterator[Study]:
    """A study whose master is this process, in the folder `study`."""
    with make_study(tmp_path / "study", tiny_study, *DIGITS) as made:
        begin(made, tmp_path / "study")
        yield made


def written(watcher: subprocess.Popen[str]) -> Path:
    """The page, once it was written for the first time."""
    assert watcher.stdout is not None
    return Path(watcher.stdout.readline().strip())


def row(page: Page, name: str) -> None:
    """Wait until the page shows a row."""
    page.wait_for_selector(f"#{name}", state="attached")
    page.wait_for_selector("html[data-drawn]")


@pytest.mark.slow
def test_an_open_page_shows_new_trials_and_stays_as_its_reader_left_it(
    browser: Browser, study: Study, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    with started("report", folder, "--watch") as watcher:
        view = OpenedPage(browser, written(watcher))
        page = view.page
        assert "keeps itself up to date" in page.inner_text("header")

        page.locator("#crashes details").nth(1).locator("summary").click()
        page.locator(f"#{TRIALS} th button").nth(1).click()
        page.locator(f"#{TRIALS}").get_by_label("search").fill("finished")
        page.locator("#crashes").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('crashes').scrollIntoView()")
        top = "document.getElementById('crashes').getBoundingClientRect().top"
        before = page.evaluate(top)

        new = tell(study, folder)
        row(page, new)
        opened = page.locator("#crashes details").evaluate_all("all => all.map((one) => one.open)")
        assert opened == [False, True, False, False]
        budgets = [float(text) for text in view.column(TRIALS, 1)]
        assert budgets == sorted(budgets)
        assert set(view.column(TRIALS, 2)) == {"finished"}
        assert page.locator(f"#{TRIALS}").get_by_label("search").input_value() == "finished"
        # not by wait_for_function, whose text the page's policy does not let run
        wait_until(lambda: abs(page.evaluate(top) - before) <= 2, watcher)

        later = tell(study, folder)
        row(page, later)
        assert page.locator(f"#{new}").count() == 1

        watcher.send_signal(signal.SIGINT)
        page.wait_for_selector("body:not([data-state])")
        _, complaint = watcher.communicate(timeout=HANG_SECONDS)
    assert watcher.returncode == 130
    assert complaint == "stopped; the page shows the study as it was then\n"
    assert "shows one moment" in page.inner_text("header")
    assert page.locator("#crashes details").nth(1).get_attribute("open") is not None
    assert view.complaints == []
    places = {url.split("?")[0] for url in view.requests if not url.startswith(("data:", "blob:"))}
    names = ("index.html", f"index{SUFFIX}")
    assert places == {(folder / "report" / name).as_uri() for name in names}
    view.close()


@pytest.mark.slow
def test_a_page_whose_writer_was_killed_says_so(
    browser: Browser, study: Study, tmp_path: Path
) -> None:
    with started("report", tmp_path / "study", "--watch") as watcher:
        path = written(watcher)
        watcher.kill()
        watcher.wait()
    page = new_page(browser)
    page.clock.install()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]")
    note = page.locator("[data-live=silent]")
    assert note.is_hidden()
    while note.is_hidden():
        page.clock.run_for(5000)
    assert "report --watch" in note.inner_text()
    assert str(tmp_path / "study") in note.inner_text()
    page.close()


@pytest.mark.slow
def test_watching_ends_with_the_study(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with started("report", folder, "--watch") as watcher:
        path = written(watcher)
        assert "data-version" in path.read_text()
        study.close()
        output, complaint = watcher.communicate(timeout=HANG_SECONDS)
    assert (watcher.returncode, output, complaint) == (0, "", "")
    assert "No master works on this study" in path.read_text()
    assert "data-version" not in path.read_text()


def test_a_study_without_a_master_is_written_once(study: Study, tmp_path: Path) -> None:
    study.close()
    ended = called("report", tmp_path / "study", "--watch", "--out", tmp_path / "page.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{tmp_path / 'page.html'}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "study"]


def test_versions_rise_and_each_announcement_is_another(tmp_path: Path) -> None:
    page = LivePage(tmp_path / "page.html")
    found = []
    for _ in range(3):
        page.renew()
        page.announce()
        text = (tmp_path / f"page{SUFFIX}").read_text()
        found.append(tuple(map(int, re.findall(r"--page-\w+: (\d+);", text))))
    page.beat()  # not due
    assert (tmp_path / f"page{SUFFIX}").read_text() == text
    versions, beats = zip(*found, strict=True)
    assert sorted(set(versions)) == list(versions)
    assert beats == (1, 2, 3)


def test_nothing_but_a_state_is_replaced(study: Study, tmp_path: Path) -> None:
    (tmp_path / f"page{SUFFIX}").write_text("body { color: red }")
    words = refused("report", tmp_path / "study", "--watch", "--out", tmp_path / "page.html")
    assert words.endswith(f"page{SUFFIX} is not the state of a page; choose another --out")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.slow
def test_a_study_that_ends_while_its_first_page_is_written_ends_the_watching(
    study: Study, tmp_path: Path
) -> None:
    page = watch_report(tmp_path / "study", [], on_written=lambda path: study.close())
    assert "No master works on this study" in page.read_text()
    assert 'data-version="' not in page.read_text()


@pytest.mark.slow
def test_a_reader_that_ends_it_leaves_a_page_of_one_moment(study: Study, tmp_path: Path) -> None:
    def interrupt(path: Path) -> None:
        assert 'data-version="' in path.read_text()
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        watch_report(tmp_path / "study", [], on_written=interrupt)
    page = tmp_path / "study" / "report" / "index.html"
    assert 'data-version="' not in page.read_text()
    assert page.with_suffix(SUFFIX).read_bytes().startswith(BEGINNING)
