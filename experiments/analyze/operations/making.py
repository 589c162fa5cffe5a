"""`oneshot-hpo analyze operations`: reads tables, writes figures, CSV files and findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.analyze.operations.findings import Analysis, analyse, findings
from oneshot_hpo.experiments.analyze.operations.population import Population, of_space, of_table
from oneshot_hpo.experiments.analyze.operations.rows import rows
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.running import analysis_folder
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.terminal.spinner import working
from oneshot_hpo.search_spaces import SpaceId, Table, load_table, space_ids

_SEED = 0  # of the bootstrap
_LEAST = 20  # cells; of fewer, shares and skewness are too noisy


def analyse_operations(
    console: Console, *, spaces: str, all_cells: bool, table: str, top: float, folder: Path
) -> list[AnalysisReport]:
    """Publish a figure, a CSV file and sentences for each space, and for all cells.

    spaces: with commas, or nothing. top: percent of the cells that are called the best. UserError,
    or another of this project's errors: bad input; nothing is written then.
    """
    if not 0 < top < 100:
        raise UserError(f"--top {top:g}: a share of the cells in percent, above 0 and below 100")
    chosen = space_ids(spaces) if spaces else ()
    populations = list(_populations(load_table(table), chosen, all_cells))

    reports = []
    with analysis_folder(folder):
        from oneshot_hpo.experiments.analyze.operations.drawing import draw_operations

        for population in populations:
            with working(console, f"{population.table}, {population.name} …"):
                analysis = analyse(population, top / 100, _SEED)
            report = publish(
                folder / f"operations_{population.key}",
                rows(analysis),
                partial(draw_operations, analysis),
                _sentences(analysis),
            )
            reports.append(report)
    return reports


def _populations(table: Table, spaces: Sequence[SpaceId], all_cells: bool) -> Iterator[Population]:
    found = [of_space(table, space) for space in spaces]
    found += [of_table(table)] if all_cells else []
    for population in found:
        if len(population) < _LEAST or not population.errors.std():
            raise UserError(
                f"the table of {table.name} has {len(population)} cells, or all with one error: "
                f"an analysis needs {_LEAST} different ones at least"
            )
        yield population


def _sentences(analysis: Analysis) -> list[str]:
    population = analysis.population
    return [
        f"{population.table}, {population.name}: the best {int(analysis.best.sum()):,} of them "
        f"against all {len(population):,}",
        *(f"- {one.claim} — {one.verdict}: {one.why}." for one in findings(analysis)),
    ]
