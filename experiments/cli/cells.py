"""Prints cells that were evaluated under a kept supernet, for `oneshot-hpo search`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from oneshot_hpo.experiments.study.under_checkpoint import ScoredCells

_SHOWN = 10


def print_cells(console: Console, scored: ScoredCells) -> None:
    """The best cells and the found one, and how the supernet's ranks agree with the table's."""
    from oneshot_hpo.experiments.numbers.rank_correlation import rank_correlation
    from oneshot_hpo.experiments.terminal.hints import say
    from oneshot_hpo.experiments.terminal.tables import print_table
    from oneshot_hpo.experiments.wording import percent

    say(
        console,
        f"{len(scored.cells)} cells of {scored.space.title} under a supernet of {scored.searcher} "
        f"after {scored.epochs} epochs",
    )
    shown = [
        (place, cell)
        for place, cell in enumerate(scored.cells, 1)
        if place <= _SHOWN or cell.is_found
    ]
    rows = [
        [
            f"{cell.key[:12]}{' (found)' if cell.is_found else ''}",
            str(place),
            percent(cell.one_shot),
            "–" if cell.test is None else percent(cell.test),
        ]
        for place, cell in shown
    ]
    print_table(console, ["cell", "rank", "one-shot error", "test error, trained alone"], [rows])

    known = [cell for cell in scored.cells if cell.test is not None]
    agreement = rank_correlation(
        [cell.one_shot for cell in known], [cell.test or 0.0 for cell in known]
    )
    if agreement.rho == agreement.rho:  # a number
        say(
            console,
            f"rank correlation with the table (Spearman): {agreement.rho:.2f}, 95 % "
            f"{agreement.low:.2f} to {agreement.high:.2f}",
        )


def write_cells(path: Path, scored: ScoredCells) -> None:
    """Write all cells as CSV. OSError: the file cannot be written."""
    from oneshot_hpo.experiments.numbers.csv_cells import cell as csv_cell
    from oneshot_hpo.whole_files import write_whole

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("cell", "architecture", "found", "one_shot_error", "test_error"))
    for one in scored.cells:
        row = (one.key, scored.space.text(one.architecture), one.is_found, one.one_shot, one.test)
        writer.writerow([csv_cell(value) for value in row])
    write_whole(path, text.getvalue().encode())
