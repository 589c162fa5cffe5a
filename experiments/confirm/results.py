"""The runs of a confirmation as a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from oneshot_hpo.experiments.numbers.csv_cells import cell
from oneshot_hpo.experiments.study.outcome import KEYS, Outcome
from oneshot_hpo.hpo import ConfirmationView
from oneshot_hpo.whole_files import write_whole

RESULTS = "results.csv"
_FIELDS = ("valid", "test", "valid_regret", "regret", "percentile", "one_shot", "key")
"""Fields of an outcome; their columns have the journal's names."""


_OF_TABLE = ("valid_regret", "regret", "percentile")
"""Those that only a table gives."""


def write_results(folder: Path, confirmation: ConfirmationView) -> Path:
    """Write every run into the confirmation's folder."""
    path = folder / RESULTS
    write_whole(path, results_of(confirmation))
    return path


def results_of(confirmation: ConfirmationView) -> bytes:
    """Every run, by setting and seed; equal runs give equal bytes, whatever interrupted them.

    Errors and regrets are shares in [0, 1], empty for a crash, whose reason is in the last column.
    A column `transfer` is added if the table is of another data set, a column `objective` if the
    loss is not the table's validation error. Without a table there are no regrets.
    """
    results = [result for _, result in confirmation.evaluations]
    outcomes = [Outcome.from_result(result) for result in results if not result.crashed]
    is_transfer = any(outcome.transfer for outcome in outcomes)
    has_objective = any(outcome.objective is not None for outcome in outcomes)
    without_table = outcomes and not any(map(_has_table, outcomes))
    known = [one for one in _FIELDS if not (without_table and one in _OF_TABLE)]
    fields = (*known, *["transfer"] * is_transfer, *["objective"] * has_objective)
    columns = [KEYS[field] for field in fields]

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["setting", "tuned", "number", "seed", "budget", *columns, "exception"])
    for name in confirmation.settings:
        for number, (run, result) in confirmation.results_of(name).items():
            outcome = Outcome.from_result(result)
            # A crash has no errors that a transfer could affect.
            values = [None if result.crashed else getattr(outcome, field) for field in fields]
            tuned = int(name == confirmation.tuned)
            row = [name, tuned, number, run.seed, run.budget, *values, result.exception or ""]
            writer.writerow(map(cell, row))
    return text.getvalue().encode()


def _has_table(outcome: Outcome) -> bool:
    return any(getattr(outcome, field) is not None for field in _OF_TABLE)
