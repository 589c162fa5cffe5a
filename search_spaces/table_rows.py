"""Some rows of a table, with what is needed of the others: a record beside results.

Results name cells, and regrets compare them with a whole space. This file has the rows of those
cells, the best cells of each space, and how many cells of the space each row is better than. So
results can be checked without the table, which may be large or not one's own to publish. The file
is JSON, a row a line; it says of which table it is by the checksum of that table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.space import SearchSpace
from oneshot_hpo.search_spaces.table import (
    DATASET_CHECKSUM,
    SINGLE_PRECISION,
    Best,
    Metric,
    MissingCell,
    Origin,
    Table,
    TableError,
)

ROWS = "table-rows.json"
"""The file's name, by which `load_table` knows it."""
FORMAT = 1
LARGEST = 64 << 20
"""Bytes of such a file."""
_SPLITS = ("valid", "test")


@dataclass(frozen=True)
class SpaceFacts:
    """What rows of a space are compared with: the whole space."""

    entries: int
    best_valid_error: float
    best_test_error: float
    noise_valid: float | None
    """`Table.noise` over all entries."""
    noise_test: float | None
    imputed_best: tuple[str, ...]
    """Splits whose best error is imputed."""


@dataclass(frozen=True, eq=False)
class TableRows(Table):
    """Rows of a table at its largest budget.

    provenance: the table's name, data set and its checksum. of: the checksum of the table's file.
    places: the row of each recorded architecture of a space, by the space's name and the
    architecture's text; described: the metrics; values_of: by metric, float (N, R).
    """

    family: str
    budgets: tuple[int, ...]
    provenance: Mapping[str, Any]
    of: str
    described: Mapping[str, Metric]
    main: Mapping[str, str]
    spaces: Mapping[str, SpaceFacts]
    places: Mapping[tuple[str, str], int]
    keys: tuple[str, ...]
    values_of: Mapping[str, np.ndarray]
    origins: Mapping[str, np.ndarray]
    higher: np.ndarray
    """(N,) entries of its space with a higher mean test error."""
    equal: np.ndarray
    """(N,) entries with the same one, itself included."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Those that the table has at its largest budget."""
        return self.described

    @property
    def test_split(self) -> str:
        """As of the table."""
        return "valid" if self.main["test"] == self.main["valid"] else "test"

    def main_metric(self, split: str) -> str:
        """As of the table."""
        if split not in self.main:
            raise MissingCell(f"rows of the table {self.name} have no values of {split} images")
        return self.main[split]

    def values(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """All repeats, float (N, R), or (R,) of one row; NaN where a repeat is absent."""
        self.column(budget)
        if metric not in self.values_of:
            raise MissingCell(f"rows of the table {self.name} have no {metric}")
        found: np.ndarray = self.values_of[metric][rows]
        return found

    def origin(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Where values come from, as the table says."""
        found: np.ndarray = self.origins[metric][rows]
        return found

    def key(self, row: int) -> str:
        """The key of a row's architecture."""
        return self.keys[row]

    def row_of(self, space: SearchSpace, architecture: Architecture) -> int:
        """The row of one architecture of a space; raises MissingCell."""
        text = space.text(architecture)
        if (space.name, text) not in self.places:
            raise MissingCell(f"the rows of the table {self.name} lack {text}")
        return self.places[space.name, text]

    def entries(self, space: SearchSpace) -> np.ndarray:
        """Raises MissingCell: most of a space is not here."""
        raise MissingCell(
            f"there are only rows of the table {self.name}; this needs the whole table"
        )

    def entry_of(self, space: SearchSpace) -> np.ndarray:
        """Raises MissingCell, likewise."""
        return self.entries(space)

    def best(self, space: SearchSpace, budget: int | None = None) -> Best:
        """The lowest mean errors of the complete space, as recorded."""
        facts = self._facts(space)
        return Best(facts.best_valid_error, facts.best_test_error)

    def percentile(
        self, space: SearchSpace, architecture: Architecture, budget: int | None = None
    ) -> float:
        """Share of the space's entries with a higher mean test error, in percent."""
        row = self.row_of(space, architecture)
        return float(100 * self.higher[row] / self._facts(space).entries)

    def percent_equal(self, space: SearchSpace, architecture: Architecture) -> float:
        """Share of the space's entries with the same mean test error, in percent."""
        row = self.row_of(space, architecture)
        return float(100 * self.equal[row] / self._facts(space).entries)

    def rests_on_imputed(self, space: SearchSpace, row: int, budget: int | None = None) -> bool:
        """Whether the errors of a row, or the lowest of its space, are imputed."""
        best = self._facts(space).imputed_best
        own = (self.origin(self.main[split], row) == Origin.IMPUTED for split in _SPLITS)
        return bool(best) or any(map(bool, own))

    def noise_of(self, space: SearchSpace, split: str) -> float | None:
        """The noise among good entries of the complete space, as recorded."""
        facts = self._facts(space)
        return facts.noise_valid if split == "valid" else facts.noise_test

    def _facts(self, space: SearchSpace) -> SpaceFacts:
        if space.name not in self.spaces:
            raise MissingCell(f"the rows of the table {self.name} have none of {space.title}")
        return self.spaces[space.name]


def rows_document(
    table: Table, of: str, wanted: Iterable[tuple[SearchSpace, Iterable[Architecture]]]
) -> bytes:
    """The file with the rows of some architectures of spaces, and of the best ones.

    of: the checksum of the table. Raises MissingCell for an architecture that the table lacks.
    """
    spaces: dict[str, Any] = {}
    lines: list[dict[str, Any]] = []
    metrics = _measured(table)
    for space, architectures in wanted:
        entries = table.entries(space)
        errors = {split: table.mean_errors(split, entries) for split in _SPLITS}
        spaces[space.name] = asdict(_space_facts(table, space, entries, errors))
        best = [_architecture(table, space, int(errors[split].argmin())) for split in _SPLITS]
        found = {space.text(one): one for one in (*architectures, *best)}
        for text in sorted(found):
            row = table.row_of(space, found[text])
            own = errors["test"][table.entry(space, found[text])]
            lines.append(
                {"space": space.name, "architecture": text, "key": table.key(row)}
                | {
                    "higher": int((errors["test"] > own).sum()),
                    "equal": int((errors["test"] == own).sum()),
                }
                | _values(table, metrics, row)
            )
    kept = ("name", "dataset", DATASET_CHECKSUM)
    head: dict[str, Any] = {
        "format": FORMAT,
        "of": of,
        "family": table.family,
        "budget": table.budgets[-1],
        "provenance": {key: table.provenance[key] for key in kept if key in table.provenance},
        "metrics": {name: asdict(table.metrics[name]) for name in metrics},
        "main": {split: table.main_metric(split) for split in _SPLITS},
        "spaces": spaces,
    }
    head["provenance"]["name"] = table.name
    if table.dataset is not None:
        head["provenance"]["dataset"] = table.dataset
    rows = ",\n".join(json.dumps(line, sort_keys=True) for line in lines)
    text = json.dumps(head, sort_keys=True)[:-1] + f', "rows": [\n{rows}\n]}}\n'
    return text.encode()


def read_rows(path: Path) -> TableRows:
    """Read such a file. Raises TableError, and OSError."""
    if path.stat().st_size > LARGEST:
        raise TableError(f"{path}: more than {LARGEST >> 20} MB of rows")
    content = path.read_bytes()
    try:
        return _read(json.loads(content))
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise TableError(f"{path}: not the rows of a table ({reason})") from None


def _measured(table: Table) -> list[str]:
    """The metrics that a table has at its largest budget, in its order."""
    found = []
    for name in table.metrics:
        try:
            table.values(name, 0)
        except MissingCell:
            continue  # measured at other budgets
        found.append(name)
    return found


def _values(table: Table, metrics: Iterable[str], row: int) -> dict[str, Any]:
    """All repeats of a row's metrics, and what of it is not a real run."""
    values = {name: np.atleast_1d(table.values(name, row)).tolist() for name in metrics}
    origins = {name: int(table.origin(name, row)) for name in metrics}
    return {
        "values": {
            name: [None if math.isnan(value) else value for value in repeats]
            for name, repeats in values.items()
        },
        "origins": {name: code for name, code in origins.items() if code != Origin.REAL},
    }


def _space_facts(
    table: Table, space: SearchSpace, entries: np.ndarray, errors: Mapping[str, np.ndarray]
) -> SpaceFacts:
    best = {split: int(entries[values.argmin()]) for split, values in errors.items()}
    imputed = [
        split
        for split, row in best.items()
        if int(table.origin(table.main_metric(split), row)) == Origin.IMPUTED
    ]
    return SpaceFacts(
        entries=len(entries),
        best_valid_error=float(errors["valid"].min()),
        best_test_error=float(errors["test"].min()),
        noise_valid=table.noise_of(space, "valid"),
        noise_test=table.noise_of(space, "test"),
        imputed_best=tuple(imputed),
    )


def _architecture(table: Table, space: SearchSpace, entry: int) -> Architecture:
    """The first architecture of an entry of a space."""
    from oneshot_hpo.search_spaces.space import enumerable

    number = int(table.first_configurations(space)[entry])
    return enumerable(space).architecture(number)


def _read(document: Mapping[str, Any]) -> TableRows:
    if document["format"] != FORMAT:
        raise TableError(f"format {document['format']} is not known here")
    rows = document["rows"]
    metrics = {str(name): Metric(**fields) for name, fields in document["metrics"].items()}
    spaces = {
        str(name): SpaceFacts(**fields | {"imputed_best": tuple(fields["imputed_best"])})
        for name, fields in document["spaces"].items()
    }
    table = TableRows(
        family=str(document["family"]),
        budgets=(int(document["budget"]),),
        provenance=dict(document["provenance"]),
        of=str(document["of"]),
        described=metrics,
        main={split: str(document["main"][split]) for split in _SPLITS},
        spaces=spaces,
        places={
            (str(row["space"]), str(row["architecture"])): place for place, row in enumerate(rows)
        },
        keys=tuple(str(row["key"]) for row in rows),
        values_of={name: _column(rows, name) for name in metrics},
        origins={
            name: np.array([row["origins"].get(name, 0) for row in rows], np.uint8)
            for name in metrics
        },
        higher=np.array([row["higher"] for row in rows], np.int64),
        equal=np.array([row["equal"] for row in rows], np.int64),
    )
    _check(table, [str(row["space"]) for row in rows])
    return table


def _column(rows: list[Mapping[str, Any]], name: str) -> np.ndarray:
    """A metric of all rows, float (N, R): rows with fewer repeats end in NaN."""
    values = [[math.nan if v is None else float(v) for v in row["values"][name]] for row in rows]
    repeats = max(map(len, values), default=1)
    padded = [own + [math.nan] * (repeats - len(own)) for own in values]
    return np.array(padded, float).reshape(len(rows), repeats)


def _check(table: TableRows, space_of_row: list[str]) -> None:
    """Raise TableError unless rows and the facts of their spaces can be of one table."""
    if not set(table.main.values()) <= table.metrics.keys():
        raise TableError("a main metric is missing")
    for name, facts in table.spaces.items():
        rows = np.array([place for place, own in enumerate(space_of_row) if own == name], int)
        if not len(rows):
            raise TableError(f"no row of the space {name}")
        for split, best in (("valid", facts.best_valid_error), ("test", facts.best_test_error)):
            lowest = float(table.mean_errors(split, rows).min())
            if abs(lowest - best) > SINGLE_PRECISION:
                raise TableError(
                    f"the lowest {split} error of the space {name} is {best}, that of its rows "
                    f"{lowest}"
                )
        within = (table.equal[rows] >= 1) & (table.higher[rows] >= 0)
        if not (within & (table.higher[rows] + table.equal[rows] <= facts.entries)).all():
            raise TableError(f"a row counts more cells than the space {name} has")
        order = np.argsort(table.mean_errors("test", rows), kind="stable")
        if (np.diff(table.higher[rows][order]) > 0).any():
            raise TableError(f"counts of better cells of the space {name} contradict its errors")
    if not set(space_of_row) <= table.spaces.keys():
        raise TableError("a row is of a space of which nothing is said")
