"""The incumbents of black-box optimizers, repetition by repetition, from their file of results."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.baselines_file import Baselines
from oneshot_hpo.experiments.numbers.spread import Steps
from oneshot_hpo.hpo.incumbent import incumbent_places
from oneshot_hpo.search_spaces import SpaceId, get_space

_COLUMNS = (
    "repetition",
    "evaluation",
    "budget",
    "evaluations_spent",
    "simulated_seconds",
    "table_row",
    "valid_error",
)
_PLACES = {
    "evaluations": "evaluations_spent",
    "simulated": "simulated_seconds",
    "seconds": "simulated_seconds",  # training alone: nothing is searched
}

Array = NDArray[np.float64]


def baseline_steps(
    file: Baselines, table: str, space: SpaceId, axis: str, error: str
) -> dict[str, list[Steps]]:
    """By method, the regret of the incumbent after each evaluation of each repetition.

    axis: "evaluations", "simulated" or "seconds"; error: "valid" or "test", of the incumbent's cell
    after the table's largest budget, mean of the repeats, independent of what the method observed.
    """
    cells = file.trained_cells(table)
    best = cells.best(get_space(space))
    found = {}
    for method in file.methods(space):
        columns = _matrices(file, method, space)
        rows = incumbent_rows(columns)
        unique, place = np.unique(rows, return_inverse=True)
        lowest = best.valid_error if error == "valid" else best.test_error
        regrets = cells.mean_errors(error, unique) - lowest
        regret = regrets[place.reshape(rows.shape)]
        found[method] = [Steps(x, y) for x, y in zip(columns[_PLACES[axis]], regret, strict=True)]
    return found


def incumbent_rows(columns: dict[str, Array]) -> NDArray[np.int64]:
    """The table's row of the incumbent's cell after each evaluation, (R, T)."""
    places = incumbent_places(columns["valid_error"], columns["budget"])
    rows: NDArray[np.int64] = np.take_along_axis(columns["table_row"], places, axis=1).astype(int)
    return rows


# A space's files are read once for all its panels.
@functools.lru_cache(maxsize=16)
def _matrices(file: Baselines, method: str, space: SpaceId) -> dict[str, Array]:
    """Columns of a method's rows as (R, T), by repetition and evaluation.

    A repetition that had fewer evaluations in its time repeats its last one. UserError: the file
    lacks a column.
    """
    import pyarrow
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = (pc.field("method") == method) & file.in_space(space)
    try:
        rows = pq.read_table(file.path, columns=list(_COLUMNS), filters=wanted)
        columns = {name: rows[name].to_numpy() for name in _COLUMNS}
    except (pyarrow.ArrowException, KeyError) as error:
        raise UserError(f"{file.path} is no complete file of results ({error})") from None
    order = np.lexsort((columns["evaluation"], columns["repetition"]))
    counts = np.unique(columns["repetition"], return_counts=True)[1]
    first = np.cumsum(counts) - counts
    places = first[:, None] + np.minimum(np.arange(counts.max()), counts[:, None] - 1)
    return {name: values[order][places] for name, values in columns.items()}
