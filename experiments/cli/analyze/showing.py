"""How the findings of an analysis are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oneshot_hpo.experiments.terminal.hints import say

if TYPE_CHECKING:
    from rich.console import Console

    from oneshot_hpo.experiments.analyze.publishing import AnalysisReport


def show(console: Console, report: AnalysisReport) -> None:
    """Print the sentences, and where the files are."""
    from oneshot_hpo.experiments.analyze.publishing import SUFFIXES

    for sentence in report.sentences:
        say(console, sentence)
    say(console, f"{report.path}: {', '.join(SUFFIXES)}")
