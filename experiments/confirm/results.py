"""The runs of a confirmation as a CSV file, for whatever reads such files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from experiments.csv_cells import cell
from hpo import ConfirmationView
from searchers.checkpoint import write_atomically

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

    Errors and regrets as shares in [0, 1], empty for a crash, whose reason is the last column.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["setting", "tuned", "number", "seed", "budget", *_INFO, "exception"])
    for name in confirmation.settings:
        for number, (run, result) in confirmation.of_setting(name).items():
            info = [result.info.get(key, "") for key in _INFO]
            tuned = int(name == confirmation.tuned)
            row = [name, tuned, number, run.seed, run.budget, *info, result.exception or ""]
            writer.writerow(map(cell, row))
    return text.getvalue().encode()
