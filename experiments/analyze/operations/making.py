"""`oneshot-hpo analyze operations`: reads tables, writes figures, CSV files and findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.analyze.operations import comparing
from oneshot_hpo.experiments.analyze.operations.comparing import Compared
from oneshot_hpo.experiments.analyze.operations.findings import Analysis, analyse, findings
from oneshot_hpo.experiments.analyze.operations.method_ranks import rank_methods
from oneshot_hpo.experiments.analyze.operations.population import Population, of_space, of_table
from oneshot_hpo.experiments.analyze.operations.rows import rows
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.running import analysis_folder
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.terminal.spinner import working
from oneshot_hpo.search_spaces import SpaceId, Table, get_space, load_table, space_ids
from oneshot_hpo.search_spaces.registry import spaces_of

_SEED = 0  # of the bootstrap
_LEAST = 20  # cells; of fewer, shares and skewness are too noisy


def analyse_operations(
    console: Console, *, spaces: str, all_cells: bool, table: str, top: float, folder: Path
) -> list[AnalysisReport]:
    """Publish a figure, a CSV file and sentences for each space, and for all cells.

    spaces: with commas, or nothing for a table's own. table: several with commas are set side by
    side in a report of their own, the last. top: percent of the cells that are called the best.
    UserError, or another of this project's errors: bad input; nothing is written then.
    """
    if not 0 < top < 100:
        raise UserError(f"--top {top:g}: a share of the cells in percent, above 0 and below 100")
    sources = list(dict.fromkeys(word.strip() for word in table.split(",") if word.strip()))
    if all_cells and len(sources) > 1:
        raise UserError("--all takes one table: several are compared by their spaces")
    chosen = space_ids(spaces) if spaces else ()
    subjects = [
        subject
        for source in sources
        for subject in _subjects(source, chosen, all_cells, several=len(sources) > 1)
    ]

    reports, compared = [], []
    with analysis_folder(folder):
        from oneshot_hpo.experiments.analyze.operations.comparison_drawing import draw_comparison
        from oneshot_hpo.experiments.analyze.operations.drawing import draw_operations

        for subject in subjects:
            population = subject.population
            with working(console, f"{population.table}, {population.name} …"):
                analysis = analyse(population, top / 100, _SEED)
                if len(sources) > 1:
                    compared.append(_compared(subject, analysis))
            report = publish(
                folder / f"operations_{subject.key}",
                rows(analysis),
                partial(draw_operations, analysis),
                _sentences(analysis),
            )
            reports.append(report)

        if compared:
            report = publish(
                folder / "operations_compared",
                comparing.rows(compared),
                partial(draw_comparison, compared),
                comparing.sentences(compared),
            )
            reports.append(report)
    return reports


@dataclass(frozen=True, eq=False)
class _Subject:
    """A population, where it comes from, and the name of its files."""

    source: str
    space: SpaceId | None
    key: str
    dataset: str | None
    population: Population


def _subjects(
    source: str, chosen: Sequence[SpaceId], all_cells: bool, *, several: bool
) -> Iterator[_Subject]:
    """The populations of one table: of the chosen spaces, else of its own first one."""
    table = load_table(source)
    spaces = list(chosen)
    if several:
        spaces = [space for space in chosen if get_space(space).family == table.family]
    if not spaces and not all_cells:
        spaces = [one.id for one in spaces_of(table.family)[:1]]

    other = table.datasets[1:] and table.dataset != table.datasets[0]
    for space in spaces:
        population = of_space(table, space)
        key = f"{population.key}-{table.dataset}" if other else population.key
        if several:
            stem = Path(source).stem.replace(":", "-")
            key = stem if len(spaces_of(table.family)) == 1 else f"{stem}-{population.key}"
        yield _Subject(source, space, key, table.dataset, _checked(table, population))
    if all_cells:
        population = _checked(table, of_table(table))
        yield _Subject(source, None, population.key, table.dataset, population)


def _checked(table: Table, population: Population) -> Population:
    if len(population) < _LEAST or not population.errors.std():
        raise UserError(
            f"the table of {table.name} has {len(population)} cells, or all with one error: "
            f"an analysis needs {_LEAST} different ones at least"
        )
    return population


def _compared(subject: _Subject, analysis: Analysis) -> Compared:
    assert subject.space is not None
    ranks = rank_methods(subject.source, subject.space, _SEED)
    return Compared(_label(subject), subject.dataset, analysis, ranks)


def _label(subject: _Subject) -> str:
    number = f", space {subject.space}" if isinstance(subject.space, int) else ""
    return f"{subject.source}{number}"


def _sentences(analysis: Analysis) -> list[str]:
    population = analysis.population
    return [
        f"{population.table}, {population.name}: the best {int(analysis.best.sum()):,} of them "
        f"against all {len(population):,}",
        *(f"- {one.claim} — {one.verdict}: {one.why}." for one in findings(analysis)),
    ]
