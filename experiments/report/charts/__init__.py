"""The figures of a study, drawn by plotly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.pages.chart import Chart, NoChart
from experiments.report.journaled import JournaledStudy


def charts_of(study: JournaledStudy, baselines: Sequence[Path]) -> list[Chart | NoChart]:
    """Every figure, or why there is none."""
    return []
