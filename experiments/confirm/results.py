"""The runs of a confirmation as a CSV file, for whatever reads such files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from oneshot_hpo.experiments.numbers.csv_cells import cell
from oneshot_hpo.experiments.study.pairing import TRANSFER
from oneshot_hpo.hpo import ConfirmationView
from oneshot_hpo.searchers.checkpoint import write_atomically

RESULTS = "results.csv"
_INFO = (
    "valid_error",
    "test_error",
    "valid_regret",
    "test_regret",
    "percentile",
    "one_shot_error",
    "module_hash",
)


def write_results(folder: Path, confirmation: ConfirmationView) -> Path:
    """Write every run into the confirmation's folder."""
    path = folder / RESULTS
    write_atomically(path, results_of(confirmation))
    return path


def results_of(confirmation: ConfirmationView) -> bytes:
    """Every run, by setting and seed; equal runs are equal bytes, whatever happened.

    Errors and regrets as shares in [0, 1], empty for a crash, whose reason is the last column. A
    column `transfer` is there where they are those of a table of another data set.
    """
    is_transfer = any(TRANSFER in result.info for _, result in confirmation.evaluations)
    columns = (*_INFO, TRANSFER) if is_transfer else _INFO
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["setting", "tuned", "number", "seed", "budget", *columns, "exception"])
    for name in confirmation.settings:
        for number, (run, result) in confirmation.results_of(name).items():
            info = [result.info.get(key, "") for key in columns]
            tuned = int(name == confirmation.tuned)
            row = [name, tuned, number, run.seed, run.budget, *info, result.exception or ""]
            writer.writerow(map(cell, row))
    return text.getvalue().encode()
