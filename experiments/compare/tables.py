"""A table of methods by space, as CSV, Markdown or LaTeX.

A cell is mean and standard deviation of the test regret in percentage points; without a table, of
an error in percent or of the loss. Bold and * are based on ranks: bold is the method with the
highest mean rank-biserial correlation with the others of its space; * marks those that are worse
than it by the rank test of `statistics.compare_ranks`. As the data choose the bold one, p values
are corrected for all pairs of a space (Holm), level 0.05. A method with neither mark has not been
shown to be worse.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.compare.comparing import SEED, Space
from oneshot_hpo.experiments.compare.latex import escaped
from oneshot_hpo.experiments.compare.rank_tests import ALPHA
from oneshot_hpo.experiments.compare.ranking import rank_samples
from oneshot_hpo.experiments.compare.shift import Interval
from oneshot_hpo.experiments.compare.statistics import median_interval
from oneshot_hpo.experiments.compare.units import points, unit
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.csv_cells import cell as cell_of
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.search_spaces import SpaceId, heading_of, title_of
from oneshot_hpo.whole_files import write_whole

SUFFIXES = (".csv", ".md", ".tex")
_KEY = (
    "{measure}, mean and standard deviation (number of seeds); bold: best by ranks (mean "
    "rank-biserial correlation with the others of the space), *: worse than it by ranks (p < 0.05, "
    "Holm's correction for all pairs of the space)"
)


@dataclass(frozen=True)
class Cell:
    """The results of a method in a space."""

    sample: Sample
    name: str
    best: bool
    """Whether it is the best of the space by ranks, or tied with it."""
    p_value: float | None
    """Against the best, for all pairs of the space together; None for the best."""
    worse: bool
    """Whether it is significantly worse than the best."""
    testable: bool
    """Whether these numbers of seeds could show that, with this number of tests."""
    median_interval: Interval | None


Cells = dict[SpaceId | None, list[Cell]]
"""The cells of each space; None: of studies that name no space."""


def check_suffix(path: Path) -> None:
    """UserError unless a table can be written under this name."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"--table {path}: its name must end in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir() or path.is_dir():
        raise UserError(f"--table {path}: its folder is missing, or it is a folder itself")


def write_table(path: Path, spaces: list[Space]) -> None:
    """Write the table in the format of the file's suffix. UserError: it cannot be written."""
    try:
        write_whole(path, table_of(spaces, path.suffix).encode())
    except OSError as error:
        raise UserError(f"--table {path}: cannot be written: {error.strerror}") from None


def table_of(spaces: list[Space], suffix: str) -> str:
    """The table in the format of a suffix, one of SUFFIXES."""
    form = {".csv": _csv, ".md": _markdown, ".tex": _latex}[suffix]
    return form({space.id: _cells(space) for space in spaces})


def _cells(space: Space) -> list[Cell]:
    ranking = rank_samples(space.samples, SEED)
    best = int(ranking.scores.argmax())
    cells = []
    for number, sample in enumerate(space.samples):
        is_best = bool(np.isclose(ranking.scores[number], ranking.scores[best], rtol=0, atol=1e-9))
        p_value = None if is_best else float(ranking.p_values[best, number])
        worse = p_value is not None and p_value < ALPHA and ranking.effects[best, number] > 0
        cells.append(
            Cell(
                sample=sample,
                name=space.name(sample),
                best=is_best,
                p_value=p_value,
                worse=bool(worse),
                testable=bool(ranking.least[best, number] < ALPHA),
                median_interval=median_interval(sample.values, np.random.default_rng(SEED)),
            )
        )
    return cells


def _csv(cells: Cells) -> str:
    """One row per method and space; values as in `points`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("method", "source", "table", "space", "seeds", "crashed", "mean", "deviation"),
            *("median", "median_low", "median_high", "best", "p_against_best", "worse_than_best"),
        ]
    )

    for space, row in cells.items():
        for cell in row:
            sample, bounds = cell.sample, cell.median_interval
            scale = 1 if sample.measure == LOSS else 100
            values = [sample.mean, sample.deviation, float(np.median(sample.values))]
            values += [bounds.low, bounds.high] if bounds else [float("nan")] * 2
            writer.writerow(
                [
                    *map(cell_of, (sample.method, sample.source, sample.table or "")),
                    "" if space is None else space,
                    *(len(sample.values), sample.crashed),
                    *("" if np.isnan(value) else f"{scale * value:.4f}" for value in values),
                    *(int(cell.best), "" if cell.p_value is None else f"{cell.p_value:.4g}"),
                    int(cell.worse),
                ]
            )

    return text.getvalue()


def _key(cells: Cells) -> str:
    """What the marks mean, and in which spaces no * is possible."""
    mute = [
        str(space)
        for space, row in cells.items()
        if len(row) > 1 and not any(cell.testable for cell in row)
    ]
    few = f"; too few seeds for any * with this number of methods in space {', '.join(mute)}"
    measure = next(cell.sample.measure for row in cells.values() for cell in row)
    words = f"{measure[:1].upper()}{measure[1:]}" + (
        f" in {unit(measure)}" if unit(measure) else ""
    )
    return _KEY.format(measure=words) + (few if mute else "")


def _markdown(cells: Cells) -> str:
    heads = ["method", *(_title(space) for space in cells)]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, row in _rows(cells):
        words = [_text(cell, "**", "**", " ± ", "\\*") for cell in row]
        lines.append(f"| {' | '.join([name, *words])} |")
    return "\n".join([*lines, "", f"{_key(cells)}.", ""])


def _latex(cells: Cells) -> str:
    heads = " & ".join(["Method", *(_title(space, heading_of) for space in cells)])
    lines = [f"% {_key(cells)}.", "% \\usepackage{booktabs}"]
    lines += [f"\\begin{{tabular}}{{l{'c' * len(cells)}}}", "\\toprule", f"{heads} \\\\"]
    lines.append("\\midrule")
    for name, row in _rows(cells):
        words = [_text(cell, "\\textbf{", "}", " $\\pm$ ", "$^{*}$") for cell in row]
        lines.append(f"{' & '.join([escaped(name), *words])} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _title(space: SpaceId | None, title: Callable[[SpaceId], str] = title_of) -> str:
    """A space as the head of a column; "result" for studies without one."""
    return "result" if space is None else title(space)


def _rows(cells: Cells) -> list[tuple[str, list[Cell | None]]]:
    """One row per method, None for spaces without it."""
    names = list(dict.fromkeys(cell.name for row in cells.values() for cell in row))
    by_name = {space: {cell.name: cell for cell in row} for space, row in cells.items()}
    return [(name, [by_name[space].get(name) for space in cells]) for name in names]


def _text(cell: Cell | None, bold: str, end: str, plus_minus: str, star: str) -> str:
    if cell is None:
        return ""
    sample = cell.sample
    text = "crash" if np.isnan(sample.mean) else points(sample.mean, sample.measure)
    if not np.isnan(sample.deviation):
        text += f"{plus_minus}{points(sample.deviation, sample.measure)}"
    if cell.best:
        text = f"{bold}{text}{end}"
    if cell.worse:
        text += star
    crashed = f", {sample.crashed} crashed" if sample.crashed else ""
    return f"{text} ({len(sample.values)}{crashed})"
