"""Rewrites a study's page as results come: `oneshot-hpo report --watch`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from oneshot_hpo.experiments.pages.live import LivePage
from oneshot_hpo.experiments.report.reporting import page_path, write_page_of
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.status import StudyQueue
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.hpo.journal.lock import is_held

LOOK_SECONDS = 1.0
"""How often it is looked whether something has changed."""
_SHARE = 0.5
"""Of the time, to write pages: a page that takes two seconds is at most a few seconds old."""
_FOLLOWED = ("running", "waiting")
"""The states of a study whose results are still to come."""


def watch_report(
    folder: Path,
    baselines: Sequence[Path],
    out: Path | None = None,
    on_written: Callable[[Path], None] = lambda path: None,
) -> Path:
    """Write the page of a study again and again while a master works on it; returns its path.

    on_written: called once, after the first time. The last page that is written, also when Ctrl-C
    ends this, is one like any other, and open pages show it.

    Raises what `write_report` does; UserError, too, if the page's state cannot be written.
    """
    path = page_path(folder, out)
    page = LivePage(path)
    files = _files(folder)  # before they are read: what changes from here on is seen
    study = OpenedStudy(folder)
    if study.state not in _FOLLOWED:
        write_page_of(study, path, baselines)
        on_written(path)
        return path

    _write(study, path, baselines, page)
    try:
        on_written(path)
        _follow(study, files, path, baselines, page)
    finally:
        page.ended = True
        _write(OpenedStudy(folder), path, baselines, page)
    return path


def _follow(
    study: OpenedStudy,
    files: tuple[object, ...],
    path: Path,
    baselines: Sequence[Path],
    page: LivePage,
) -> None:
    """Keep the page up to date until no master works on the study and none will.

    files: `_files` from before the study was opened.
    """
    rate, folder, queue = RateLimiter(_SHARE), study.folder, StudyQueue(study)
    shown = (files, study.jobs)
    while True:
        time.sleep(LOOK_SECONDS)
        page.beat()
        found = (_files(folder), queue.jobs())
        if found == shown or not rate.is_due:
            continue
        with rate.measured():
            study = OpenedStudy(folder, jobs=found[1])
            if study.state not in _FOLLOWED:
                return
            _write(study, path, baselines, page)
        shown = found


def _write(study: OpenedStudy, path: Path, baselines: Sequence[Path], page: LivePage) -> None:
    page.renew()
    write_page_of(study, path, baselines, page)
    page.announce()


def _files(folder: Path) -> tuple[object, ...]:
    """What differs in a study's folder once its page would."""
    journals = (folder / JOURNAL_NAME, folder / CONFIRMATION / CONFIRMATION_NAME)
    return (*map(_changed, journals), is_held(folder))


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
