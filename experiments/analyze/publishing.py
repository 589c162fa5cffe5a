"""What an analysis leaves: a figure, its numbers as CSV, its findings in sentences.

<dir>/<analysis>.pdf .png .csv .txt
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.experiments.numbers.csv_cells import cell
from oneshot_hpo.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".pdf", ".png", ".csv", ".txt")


@dataclass(frozen=True)
class AnalysisReport:
    """The sentences of an analysis, and the files that it wrote."""

    sentences: tuple[str, ...]
    path: Path
    """The files, without one of the SUFFIXES."""


def publish(
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    draw: Callable[[], Figure],
    sentences: Sequence[str],
) -> AnalysisReport:
    """Write the figure as PDF and PNG, the rows as CSV, and the sentences.

    path: of the files, without their suffixes. rows: all with the same keys. OSError: they cannot
    be written.
    """
    from oneshot_hpo.experiments.figures.making import write_figure
    from oneshot_hpo.experiments.figures.style import styled

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    write_whole(path.with_name(f"{path.name}.csv"), text.getvalue().encode())

    with styled():
        write_figure(draw(), path)
    lines = "".join(f"{sentence}\n" for sentence in sentences)
    write_whole(path.with_name(f"{path.name}.txt"), lines.encode())
    return AnalysisReport(tuple(sentences), path)
