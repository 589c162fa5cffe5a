"""Collects the content of a study's page and writes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from oneshot_hpo.experiments.pages.chart import Chart
from oneshot_hpo.experiments.pages.live import LivePage
from oneshot_hpo.experiments.pages.page import check_replaceable, render, write_page
from oneshot_hpo.experiments.pages.values import moment
from oneshot_hpo.experiments.report import (
    comparison,
    crashes,
    forecasts,
    headline,
    lineage,
    origin,
    trials,
)
from oneshot_hpo.experiments.report.charts import groups_of
from oneshot_hpo.experiments.study.folder import check_writable_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.terminal.hints import command

PAGE = Path("report") / "index.html"
"""The page's path in a study's folder."""


def write_report(folder: Path, baselines: Sequence[Path], out: Path | None = None) -> Path:
    """Write the page of a study, with runs of baselines beside it; returns its path.

    out: the page's path; None for PAGE in the study's folder.

    UserError: there is no study, a file of baselines does not fit it, or the page cannot be
    written.
    """
    path = page_path(folder, out)
    write_page_of(OpenedStudy(folder), path, baselines)
    return path


def page_path(folder: Path, out: Path | None) -> Path:
    """Where a study's page is written. UserError: it cannot be written there."""
    if out is None:
        check_writable_study(folder)
    path = folder / PAGE if out is None else out
    check_replaceable(path)
    return path


def write_page_of(
    study: OpenedStudy, path: Path, baselines: Sequence[Path], live: LivePage | None = None
) -> None:
    """Write the page of an opened study.

    live: for a page that keeps itself up to date, or has done so.

    UserError: a file of baselines does not fit the study, or the page cannot be written.
    """
    section = comparison.read(study, baselines)
    groups = groups_of(study, baselines)

    text = render(
        "oneshot_hpo.experiments.report",
        "report.html.jinja",
        live=live,
        watch=command("report", study.folder, *baselines, "--watch"),
        has_charts=any(isinstance(chart, Chart) for group in groups for chart in group.charts),
        study=study,
        headline=headline.read(study),
        progress=headline.progress(study),
        settings=headline.settings_table(study),
        compared=section,
        forecast=forecasts.read(study),
        groups=groups,
        trials=trials.table(study),
        crashes=crashes.read(study),
        lineage=lineage.read(study),
        origin=origin.read(study),
        written=moment(time.time()),
        version=version("oneshot-hpo"),
    )

    write_page(path, text)
