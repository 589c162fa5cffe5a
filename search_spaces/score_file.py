"""Scores of architectures in a file beside a table: columns of metrics that need no training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.array_file import mapped_arrays, write_arrays
from oneshot_hpo.search_spaces.table import PROXY, Metric, MissingCell, Table, TableError

_COLUMN, _KEYS, _SECONDS, _PROVENANCE = "score_", "keys", "seconds", "provenance"
_FORM = "scores without training"
METRIC = Metric(higher_is_better=True, kind=PROXY)
"""The metric of every column."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of N architectures of one family.

    keys: N, as `SearchSpace.key`. columns: by name, float (N,), larger is better; not all need be
    finite. seconds: float (N,), what scoring each one took. provenance: family, images, networks,
    seed, versions.
    """

    keys: tuple[str, ...]
    columns: Mapping[str, np.ndarray]
    seconds: np.ndarray
    provenance: Mapping[str, Any]

    def places(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """The places of a table's rows in the columns, int (E,). Raises MissingCell."""
        place = {key: number for number, key in enumerate(self.keys)}
        try:
            return np.array([place[table.key(int(row))] for row in rows], np.int64)
        except KeyError as error:
            raise MissingCell(
                f"the scores have no architecture {error.args[0]} of the table of {table.name}: "
                "score the whole space, or another one's table is meant"
            ) from None


def write_scores(scores: Scores, path: Path) -> None:
    """Write scores, whole or not at all."""
    document = json.dumps({"form": _FORM, **scores.provenance})
    columns = {f"{_COLUMN}{name}": values for name, values in scores.columns.items()}
    head = {_PROVENANCE: np.array(document), _KEYS: np.array(scores.keys)}
    write_arrays(path, {**head, _SECONDS: scores.seconds, **columns})


def read_scores(path: Path) -> Scores:
    """Read what `write_scores` wrote. Raises TableError, on one line."""
    try:
        arrays = mapped_arrays(path)
        document = json.loads(str(arrays[_PROVENANCE]))
        if document.pop("form", None) != _FORM:
            raise TableError("it holds something else")
        columns = {
            name.removeprefix(_COLUMN): np.array(values, float)
            for name, values in arrays.items()
            if name.startswith(_COLUMN)
        }
        keys, seconds = tuple(arrays[_KEYS].tolist()), np.array(arrays[_SECONDS], float)
        if any(values.shape != (len(keys),) for values in (*columns.values(), seconds)):
            raise TableError("its columns differ in length")
    except FileNotFoundError:
        raise TableError(f"there is no file of scores {path}; `oneshot-hpo table scores`") from None
    except Exception as error:  # NumPy's headers, zip and JSON can raise anything
        raise TableError(f"{path}: not a file of scores ({error})") from None
    return Scores(keys, columns, seconds, document)
