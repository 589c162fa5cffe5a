"""Finds the files that a killed writer of this program left in a study's folder.

A leftover is recognized by its unusual name and by how its content begins.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.confirm.results import RESULTS
from oneshot_hpo.experiments.exports.folder import is_leftover
from oneshot_hpo.experiments.pages.live import BEGINNING, SUFFIX
from oneshot_hpo.experiments.report.reporting import PAGE
from oneshot_hpo.experiments.study.folder import CONFIRMATION, SPECIFICATION
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.experiments.study.workers_file import WORKERS
from oneshot_hpo.hpo.journal.file import DRAFT_NAME
from oneshot_hpo.searchers.checkpoint import ARCHITECTURE, CHECKPOINT, METRICS, TO_CONTINUE
from oneshot_hpo.whole_files import name_behind

_BEGINNINGS = {
    **dict.fromkeys((METRICS, ARCHITECTURE, RESULT, DRAFT_NAME), b"{"),
    CHECKPOINT: b"oneshot-hpo checkpoint",
    TO_CONTINUE: b"oneshot-hpo checkpoint",
    SPECIFICATION: b"# ",
    RESULTS: b"setting,",
    PAGE.name: b"<!doctype html>",
    PAGE.stem + SUFFIX: BEGINNING,
    WORKERS: b"{",
}
"""The first bytes of each file that is written beside its final place."""
_FIGURES = {".pdf": b"%PDF", ".png": b"\x89PNG"}
_OLD_FIGURE = re.compile(r"\.(?P<name>\w+\.(pdf|png))\.new")
"""The name of an unfinished figure in earlier versions."""
_FOLDERS = ("trials", "report", CONFIRMATION)


def check_leftovers(report: Report, folder: Path) -> None:
    """Report leftovers of killed writers; call it only while no master works on the study."""
    for path in _leftovers(folder):
        report.add(f"{path}: left by a writer that was killed", _removal(path))


def _leftovers(folder: Path) -> Iterator[Path]:
    yield from filter(_is_leftover, sorted(folder.iterdir()))
    for name in _FOLDERS:
        for parent, _, files in os.walk(folder / name):
            yield from filter(_is_leftover, (Path(parent) / file for file in sorted(files)))
    exports = folder / "exports"
    for path in sorted([*exports.glob(".*"), *exports.glob("*/.*")]):
        if is_leftover(path, path.name[1:].rsplit(".", 2)[0]):
            yield path


def _is_leftover(path: Path) -> bool:
    old_figure = _OLD_FIGURE.fullmatch(path.name)
    name = old_figure["name"] if old_figure else name_behind(path)
    if path.name == DRAFT_NAME:
        name = DRAFT_NAME
    if name is None or path.is_symlink() or not path.is_file():
        return False
    expected = _BEGINNINGS.get(name) or _FIGURES.get(Path(name).suffix)
    return expected is not None and _begins_with(path, expected)


def _begins_with(path: Path, expected: bytes) -> bool:
    """Whether a file begins with these bytes, as far as it was written."""
    with path.open("rb") as file:
        return expected.startswith(file.read(len(expected)))


def _removal(path: Path) -> Callable[[], None]:
    return functools.partial(shutil.rmtree, path) if path.is_dir() else path.unlink
