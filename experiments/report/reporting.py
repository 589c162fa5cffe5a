"""Collects the content of a study's page and writes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from oneshot_hpo.experiments.pages.chart import Chart
from oneshot_hpo.experiments.pages.page import check_replaceable, render, write_page
from oneshot_hpo.experiments.pages.values import moment
from oneshot_hpo.experiments.report import (
    comparison,
    crashes,
    forecasts,
    headline,
    origin,
    trials,
)
from oneshot_hpo.experiments.report.charts import groups_of
from oneshot_hpo.experiments.study.folder import check_writable_study
from oneshot_hpo.experiments.study.opened import OpenedStudy

PAGE = Path("report") / "index.html"
"""The page's path in a study's folder."""


def write_report(folder: Path, baselines: Sequence[Path], out: Path | None = None) -> Path:
    """Write the page of a study, with runs of baselines beside it; returns its path.

    out: the page's path; None for PAGE in the study's folder.

    UserError: there is no study, a file of baselines does not fit it, or the page cannot be
    written.
    """
    if out is None:
        check_writable_study(folder)
    study = OpenedStudy(folder)
    path = folder / PAGE if out is None else out
    check_replaceable(path)

    section = comparison.read(study, baselines)
    groups = groups_of(study, baselines)

    text = render(
        "oneshot_hpo.experiments.report",
        "report.html.jinja",
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
        origin=origin.read(study),
        written=moment(time.time()),
        version=version("oneshot-hpo"),
    )

    write_page(path, text)
    return path
