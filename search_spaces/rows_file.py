"""The file with rows of a table (`table_rows`): JSON, a row a line.

It says of which table it is by the checksum of that table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.space import SearchSpace, enumerable
from oneshot_hpo.search_spaces.table import (
    COST,
    DATASET_CHECKSUM,
    ERROR,
    LOSS,
    PROXY,
    SCORE,
    SINGLE_PRECISION,
    Metric,
    MissingCell,
    Origin,
    Table,
    TableError,
)
from oneshot_hpo.search_spaces.table_rows import SPLITS, SpaceFacts, TableRows

ROWS = "table-rows.json"
"""The file's name, by which `load_table` knows it."""
FORMAT = 1
LARGEST = 64 << 20
"""Bytes of such a file."""
_KINDS = (ERROR, SCORE, LOSS, COST, PROXY)
_UNREADABLE = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError),
    *(OverflowError, RecursionError),
)
"""What reading a document of another form raises."""


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
        errors = {split: table.mean_errors(split, entries) for split in SPLITS}
        spaces[space.name] = asdict(_space_facts(table, space, entries, errors))
        best = [_architecture(table, space, int(errors[split].argmin())) for split in SPLITS]
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
        "main": {split: table.main_metric(split) for split in SPLITS},
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
    except _UNREADABLE as error:
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
    number = int(table.first_configurations(space)[entry])
    return enumerable(space).architecture(number)


def _read(document: Mapping[str, Any]) -> TableRows:
    if document["format"] != FORMAT:
        raise TableError(f"format {document['format']} is not known here")
    rows = document["rows"]
    metrics = {name: _metric(**fields) for name, fields in document["metrics"].items()}
    spaces = {name: _facts(**fields) for name, fields in document["spaces"].items()}
    table = TableRows(
        family=str(document["family"]),
        budgets=(int(document["budget"]),),
        provenance=document["provenance"] | {"name": str(document["provenance"]["name"])},
        of=str(document["of"]),
        described=metrics,
        main={split: str(document["main"][split]) for split in SPLITS},
        spaces=spaces,
        places={
            (str(row["space"]), str(row["architecture"])): place for place, row in enumerate(rows)
        },
        keys=tuple(str(row["key"]) for row in rows),
        values_of={name: _column(rows, name) for name in metrics},
        origins={
            name: np.array([Origin(int(row["origins"].get(name, 0))) for row in rows], np.uint8)
            for name in metrics
        },
        higher=np.array([int(row["higher"]) for row in rows], np.int64),
        equal=np.array([int(row["equal"]) for row in rows], np.int64),
    )
    _check(table, [str(row["space"]) for row in rows])
    return table


def _metric(unit: Any, higher_is_better: Any, kind: Any) -> Metric:
    if kind not in _KINDS:
        raise TableError(f"a metric is of the kind {kind!r}, which is not known here")
    return Metric(str(unit), bool(higher_is_better), kind)


def _facts(
    entries: Any,
    best_valid_error: Any,
    best_test_error: Any,
    noise_valid: Any,
    noise_test: Any,
    imputed_best: Any,
) -> SpaceFacts:
    return SpaceFacts(
        entries=int(entries),
        best_valid_error=_finite(best_valid_error),
        best_test_error=_finite(best_test_error),
        noise_valid=None if noise_valid is None else _finite(noise_valid),
        noise_test=None if noise_test is None else _finite(noise_test),
        imputed_best=tuple(split for split in SPLITS if split in imputed_best),
    )


def _finite(value: Any) -> float:
    if not math.isfinite(value):
        raise TableError(f"{value} is no error")
    return float(value)


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
