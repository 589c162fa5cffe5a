"""Runs the analysis of operations: reads, writes, and says what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from experiments.analyze.operations.drawing import draw_operations
from experiments.analyze.operations.findings import Analysis, analyse, findings
from experiments.analyze.operations.population import Population, of_space, of_table
from experiments.analyze.operations.rows import csv_text
from experiments.errors import UserError
from experiments.figures.drawing.style import styled
from experiments.figures.making import write_figure
from experiments.study_folder import make_folder
from search_spaces import TrainedCells, load_table
from searchers.checkpoint import write_atomically

_SEED = 0  # of the bootstrap
_LEAST = 20  # cells of which a share and a skewness say something


def analyse_operations(
    console: Console,
    *,
    spaces: Sequence[int],
    all_cells: bool,
    table: str,
    top: float,
    folder: Path,
) -> None:
    """For each space, and for all cells: a figure, a CSV file, and sentences.

    top: percent of the cells that are called the best. UserError, or another of this project's
    errors: something cannot be used; nothing is written then.
    """
    if not 0 < top < 100:
        raise UserError(f"--top {top:g}: a share of the cells in percent, above 0 and below 100")
    cells = load_table(table)
    populations = list(_populations(cells, spaces, all_cells))
    make_folder(folder)
    for population in populations:
        analysis = analyse(population, top / 100, _SEED)
        path = folder / f"operations_{population.key}"
        try:
            with styled():
                write_figure(draw_operations(analysis), path)
            write_atomically(path.with_suffix(".csv"), csv_text(analysis).encode())
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written ({error.strerror or error}); choose another place "
                "with --out"
            ) from None
        _say(console, analysis, path)


def _populations(
    table: TrainedCells, spaces: Sequence[int], all_cells: bool
) -> Iterator[Population]:
    found = [of_space(table, number) for number in dict.fromkeys(spaces)]
    found += [of_table(table)] if all_cells else []
    for population in found:
        if len(population) < _LEAST or not population.errors.std():
            raise UserError(
                f"the table of {table.name} has {len(population)} cells, or all with one error: "
                f"nothing can be said of fewer than {_LEAST} different ones"
            )
        yield population


def _say(console: Console, analysis: Analysis, path: Path) -> None:
    population = analysis.population
    lines = [
        f"{population.table}, {population.name}: the best {int(analysis.best.sum()):,} of them "
        f"against all {len(population):,}",
        *(f"- {one.claim} — {one.verdict}: {one.why}." for one in findings(analysis)),
        f"{path}.pdf, .png, .csv",
        "",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
