"""Runs the analysis of operations: reads, writes, and says what came out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from experiments.analyze.operations.drawing import draw_operations
from experiments.analyze.operations.findings import Analysis, analyse, findings
from experiments.analyze.operations.population import Population, of_space, of_table
from experiments.analyze.operations.rows import rows
from experiments.errors import UserError
from experiments.figures.drawing.style import styled
from experiments.figures.making import write_figure
from experiments.study_folder import make_folder
from search_spaces import TrainedCells, load_table
from searchers.checkpoint import write_atomically

_SEED = 0  # of the bootstrap
_LEAST = 20  # cells of which a share and a skewness say something


def analyse_operations(
    console: Console, *, spaces: str, all_cells: bool, table: str, top: float, folder: Path
) -> None:
    """For each space, and for all cells: a figure, a CSV file, and sentences.

    spaces: with commas, or nothing. top: percent of the cells that are called the best. UserError,
    or another of this project's errors: something cannot be used; nothing is written then.
    """
    if not 0 < top < 100:
        raise UserError(f"--top {top:g}: a share of the cells in percent, above 0 and below 100")
    populations = list(_populations(load_table(table), _numbers(spaces), all_cells))
    make_folder(folder)
    for population in populations:
        with console.status(f"{population.table}, {population.name} …"):
            analysis = analyse(population, top / 100, _SEED)
        try:
            _publish(console, folder / f"operations_{population.key}", analysis)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written ({error.strerror or error}); choose another place "
                "with --dir"
            ) from None


def _numbers(spaces: str) -> list[int]:
    parts = [part.strip() for part in spaces.split(",")] if spaces else []
    if not set(parts) <= {"1", "2", "3"} or len(set(parts)) < len(parts):
        raise UserError(f"--space is 1, 2 or 3, or several of them with commas, not {spaces!r}")
    return sorted(map(int, parts))


def _publish(console: Console, path: Path, analysis: Analysis) -> None:
    """The figure, its numbers, and what they say: files of one name, each whole or not at all."""
    with styled():
        write_figure(draw_operations(analysis), path)
    numbers = rows(analysis)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(numbers[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(numbers)
    write_atomically(path.with_name(f"{path.name}.csv"), text.getvalue().encode())
    said = "".join(f"{sentence}\n" for sentence in _sentences(analysis))
    write_atomically(path.with_name(f"{path.name}.txt"), said.encode())
    console.print(said, end="", markup=False, soft_wrap=True)
    console.print(f"{path}: .pdf, .png, .csv, .txt", markup=False, soft_wrap=True)


def _populations(table: TrainedCells, spaces: list[int], all_cells: bool) -> Iterator[Population]:
    found = [of_space(table, number) for number in spaces]
    found += [of_table(table)] if all_cells else []
    for population in found:
        if len(population) < _LEAST or not population.errors.std():
            raise UserError(
                f"the table of {table.name} has {len(population)} cells, or all with one error: "
                f"nothing can be said of fewer than {_LEAST} different ones"
            )
        yield population


def _sentences(analysis: Analysis) -> list[str]:
    population = analysis.population
    return [
        f"{population.table}, {population.name}: the best {int(analysis.best.sum()):,} of them "
        f"against all {len(population):,}",
        *(f"- {one.claim} — {one.verdict}: {one.why}." for one in findings(analysis)),
    ]
