"""One search epoch by epoch: its one-shot error, and the table's errors of each epoch's cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.cell_errors import CellErrors
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.hpo import Rerun, Trial, TrialResult
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics
from oneshot_hpo.searchers.records import DRAWN, MIXTURE

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Search:
    """A search of E epochs; errors are shares in [0, 1]."""

    one_shot_error: Array
    """(E,) one-shot validation error after each epoch; NaN where a drawn cell was measured, and
    not the cell or mixture of the search; infinite where it is not a number."""
    valid_error: Array
    """(E,) table's validation error of the cell that it would end with; NaN where the searcher had
    not compared architectures."""
    test_error: Array
    """(E,) its test error, likewise."""
    seconds: Array
    """(E,) seconds of each epoch."""

    @property
    def epochs(self) -> Array:
        """(E,) 1, 2, ..."""
        return np.arange(1, len(self.seconds) + 1, dtype=float)


def trial_search(study: OpenedStudy, trial: Trial, result: TrialResult | None = None) -> Search:
    """The finished epochs of a trial. UserError: their file is damaged."""
    return read_search(study.trial_folder(trial), _cells(study), result)


def rerun_search(study: OpenedStudy, run: Rerun, result: TrialResult | None = None) -> Search:
    """The finished epochs of a confirmation's run. UserError: their file is damaged."""
    return read_search(study.rerun_folder(run), _cells(study), result)


def _cells(study: OpenedStudy) -> CellErrors | None:
    return None if study.located.table is None else study.cells


def read_search(
    folder: Path, cells: CellErrors | None, result: TrialResult | None = None
) -> Search:
    """The search in a trial's folder; without epochs if their file is missing.

    cells: None where there is no table: then the last epoch's cell alone may have errors.
    result: its result, which has the errors of the last cell. UserError: the file is damaged.
    """
    try:
        records = read_metrics(folder)
        one_shot = _one_shot(records)
        seconds = np.array([record["time"] for record in records], float)
        architectures = [record["architecture"] for record in records]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / METRICS} is damaged ({error})") from None

    unknown = (np.nan, np.nan)
    of_table = [
        unknown if one is None or cells is None else cells.errors(one) for one in architectures
    ]
    if records and result is not None and not result.crashed:
        outcome = Outcome.from_result(result)
        valid_end, test_end = outcome.valid, outcome.test
        of_table[-1] = (
            np.nan if valid_end is None else valid_end,
            np.nan if test_end is None else test_end,
        )
    valid, test = np.array(of_table, float).reshape(-1, 2).T
    return Search(one_shot, valid, test, seconds)


def _one_shot(records: Sequence[Mapping[str, Any]]) -> Array:
    errors = np.array([record["valid_error"] for record in records], float)
    errors[np.isnan(errors)] = np.inf
    # Earlier versions did not write what they measured. Searchers without a cell before the end
    # measured a drawn one then, and after the last epoch, too.
    is_sampled = any(record["architecture"] is None for record in records)
    before = DRAWN if is_sampled else MIXTURE
    measured = [record.get("measured") or before for record in records]
    errors[[one == DRAWN for one in measured]] = np.nan
    return errors
