"""Kept rows of analyses of supernets, and how a claim is made of them.

`results/supernets/` has the CSV files that `results/supernets.sh` makes, each named by its analysis
and what it is of: `precision_space-1_darts.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.claims.claim import (
    Case,
    Claim,
    by_sign,
    interval_words,
    sign_of,
)

FOLDER = "supernets"
COMMANDS = ("nohup nice sh experiments/results/supernets.sh runs/supernets > supernets.log 2>&1 &",)
SIGNIFICANT = (
    "The 95 % interval decides: above 0 confirmed, below 0 contradicted, otherwise not shown."
)
LIMITS = (
    "Supernets of the size of `cifar10-small` (a proxy), 3 of each kind; errors of cells are those "
    "of the completed NAS-Bench-101: mean test errors are real, validation errors after 108 epochs "
    "for 30 to 41 % of a space's cells, those after 4, 12 and 36 epochs for few."
)

Row = Mapping[str, str]


def kept_rows(folder: Path, analysis: str) -> Iterator[Row]:
    """The rows of all kept files of an analysis, in the order of their names."""
    for path in sorted(folder.glob(f"{analysis}*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                yield {"file": path.stem, **row}


def claim_of(said: str, source: str, measure: str, rule: str, cases: Iterable[Case]) -> Claim:
    """A claim that the script of supernets measures; for the parameters see `Claim`."""
    return Claim(
        said=said,
        source=source,
        commands=COMMANDS,
        measure=measure,
        rule=rule,
        limits=LIMITS,
        cases=tuple(cases),
    )


def by_interval(row: Row, what: str, *, below: bool = False) -> Case:
    """A case of a claim that a number is above 0, or below."""
    low, high = bounds(row)
    sign = sign_of(low, high) * (-1 if below else 1)
    return Case(what, size_of(row), interval_words(float(row["value"]), low, high), by_sign(sign))


def bounds(row: Row, prefix: str = "") -> tuple[float, float]:
    """The interval of the number whose columns begin so."""
    return float(row[f"{prefix}low"]), float(row[f"{prefix}high"])


def who(row: Row) -> str:
    """Searcher and space: "darts, space 1"."""
    return f"{row['searcher']}, space {row['space']}"


def after(row: Row) -> str:
    """The same with the epochs of training."""
    return f"{who(row)}, {row['epochs']} epochs"


def size_of(row: Row) -> str:
    """Of how many cells and supernets a row is."""
    words = f"{row['cells']} cells"
    return f"{words}, {row['supernets']} supernets" if row.get("supernets") else words


def by_file(found: Iterable[Row]) -> list[list[Row]]:
    """The rows of each file."""
    files: dict[str, list[Row]] = {}
    for row in found:
        files.setdefault(row["file"], []).append(row)
    return list(files.values())


def last_of_each(found: Iterable[Row]) -> list[Row]:
    """The last row of each file: of the longest training."""
    return [own[-1] for own in by_file(found)]
