"""Reads the results file of `oneshot-hpo baselines run`; no other module knows its format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.objectives.section import MEAN
from oneshot_hpo.foreign import reference_of
from oneshot_hpo.plugins import require_extra
from oneshot_hpo.search_spaces import (
    SpaceId,
    Table,
    UnknownSpace,
    get_space,
    load_table,
    ordered,
    space_ids,
    title_of,
)
from oneshot_hpo.search_spaces.table_file import table_checksum
from oneshot_hpo.suggestions import did_you_mean

METHOD, SPACE, REPETITION = "method", "space", "repetition"
EVALUATION, ERROR = "evaluation", "incumbent_test_error"
_COLUMNS = (METHOD, SPACE, REPETITION, EVALUATION, ERROR)
_PLAN = b"oneshot-hpo"
"""Key in the file's metadata of JSON that names the table and its checksum."""
_MOST_ROWS = 50_000_000


@dataclass(frozen=True, eq=False)
class Baselines:
    """An opened file of results."""

    source: str
    path: Path
    rows: Any
    """A pyarrow.Table of _COLUMNS."""
    table: str
    """The name of the table of trained cells, as the file says it."""
    checksum: str
    """SHA-256 of that table's file."""
    objective: str = MEAN
    """What its methods minimised."""

    @property
    def spaces(self) -> list[SpaceId]:
        """The search spaces in it. One of the user's own is named, and its code does not run."""
        names = set(map(str, self.rows[SPACE].unique().to_pylist()))
        own = {name for name in names if reference_of(name) is not None}
        known = space_ids(",".join(names - own), str(self.path)) if names - own else ()
        return ordered([*known, *own])

    def in_space(self, space: SpaceId) -> Any:
        """A pyarrow filter for the rows of a space."""
        import pyarrow.compute as pc
        from pyarrow import types

        has_names = types.is_string(self.rows[SPACE].type)
        if not has_names and not isinstance(space, int):
            return pc.field(SPACE) < 0  # no row: the file is of numbered spaces alone
        return pc.field(SPACE) == (str(space) if has_names else space)

    def methods(self, space: SpaceId) -> list[str]:
        """The methods that have results in a space."""
        rows = self.rows.filter(self.in_space(space))
        return sorted(rows[METHOD].unique().to_pylist())

    def trained_cells(self, source_of_table: str) -> Table:
        """The table of that name or path. UserError: the file was made with another one."""
        table = load_table(source_of_table)
        if table_checksum(source_of_table) != self.checksum:
            raise UserError(
                f"{self.path} was made with another table ({self.table}) than {table.name} of the "
                "studies beside it"
            )
        return table

    def samples(
        self, space: SpaceId, source_of_table: str, evaluations: int | None
    ) -> list[Sample]:
        """The regrets of each method's incumbents after `evaluations`, one per repetition.

        source_of_table: a name or path of the same table, by which regrets are reckoned.
        evaluations: None, or more than the file has, for all of them. UserError: it is another
        table, or none of that space is in the file.
        """
        import pyarrow.compute as pc

        table = self.trained_cells(source_of_table)
        rows = self.rows.filter(self.in_space(space))
        if not len(rows):
            spaces = ", ".join(map(str, self.spaces))
            raise UserError(f"{self.path} holds nothing of {title_of(space)}, only of {spaces}")
        best = table.best(get_space(space)).test_error
        found = []
        for method in sorted(rows[METHOD].unique().to_pylist()):
            own = rows.filter(pc.field(METHOD) == method)
            repetition, number = own[REPETITION].to_numpy(), own[EVALUATION].to_numpy()
            there = int(number.max()) + 1
            last = min(evaluations or there, there) - 1
            # Where seconds were the limit, a repetition may have ended before.
            within = np.flatnonzero(number <= last)
            order = within[np.lexsort((number[within], repetition[within]))]
            ends = np.flatnonzero(np.diff(repetition[order], append=-1))
            errors = own[ERROR].to_numpy()[order[ends]]
            found.append(
                Sample(
                    method=method,
                    source=self.source,
                    origin=(self.path.resolve(), method),
                    table=table.name,
                    space=space,
                    values=errors - best,
                    evaluations=last + 1,
                )
            )
        return found


def read_baselines(path: Path, method: str | None, source: str) -> Baselines:
    """Open a file, all of it or one method.

    UserError: it is no file of results, or has no such method. MissingPackage: pyarrow is missing.
    """
    require_extra("baselines", str(path))
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        # A method's name is kept once, however many rows have it.
        file = pq.ParquetFile(path, read_dictionary=[METHOD])
        _require(path, file)
        rows = file.read(columns=list(_COLUMNS))
        plan = json.loads(file.schema_arrow.metadata[_PLAN])
        name, checksum = plan["table"]["name"], plan["table"]["sha256"]
        objective = plan.get("objective", MEAN)
    except UserError:
        raise
    except Exception:  # Arrow has many words for a file that is none
        raise UserError(f"{path} is no file of results of oneshot-hpo baselines") from None
    if method is not None:
        known = sorted(rows[METHOD].unique().to_pylist())
        if method not in known:
            hint = did_you_mean(method, known, with_all=True)
            raise UserError(f"{source}: no such method: {hint}")
        rows = rows.filter(pc.field(METHOD) == method)
    if not len(rows):
        raise UserError(f"{path} is empty")
    if any(rows[column].null_count for column in _COLUMNS):
        raise UserError(f"{path} is no file of results: a value is missing")
    file = Baselines(source, path, rows, str(name), str(checksum), str(objective))
    try:
        file.spaces  # noqa: B018 - of spaces that are known here
    except UnknownSpace as error:
        raise UserError(str(error)) from None
    return file


def _is_space(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_string(kind))


def _require(path: Path, file: Any) -> None:
    """UserError unless a pyarrow.parquet.ParquetFile has the columns, of their types."""
    from pyarrow import types

    schema = file.schema_arrow
    for column in _COLUMNS:
        if column not in schema.names:
            raise UserError(f"{path} is no file of results: it lacks the column {column!r}")
        kind = schema.field(column).type
        wanted = {METHOD: types.is_dictionary, ERROR: types.is_float64, SPACE: _is_space}
        if not wanted.get(column, types.is_integer)(kind):
            raise UserError(f"{path} is no file of results: its column {column!r} has {kind}")
    if file.metadata.num_rows > _MOST_ROWS:
        raise UserError(f"{path} has {file.metadata.num_rows:,} rows, too many to compare")
