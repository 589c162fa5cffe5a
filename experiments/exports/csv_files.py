"""Exports a study as two tables for pandas, R or a spreadsheet: trials.csv and epochs.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.exports.evaluations import (
    epochs_of,
    info_of,
    is_prior,
    name,
    prior_trials,
    state,
    times_of,
)
from oneshot_hpo.experiments.numbers.csv_cells import cell
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.pairing import TRANSFER
from oneshot_hpo.hpo import Trial, TrialResult
from oneshot_hpo.searchers.diagnosis import numbers

TRIALS, EPOCHS = "trials.csv", "epochs.csv"

_REPORTED = {
    "validation_error": "valid",
    "test_error": "test",
    "validation_regret": "valid_regret",
    "test_regret": "regret",
    "percentile": "percentile",
    "one_shot_error": "one_shot",
    "parameters": "parameters",
    "macs": "macs",
    "training_seconds": "training_seconds",
    "peak_memory": "peak_memory",
}
"""Columns of a trial's architecture, with the fields of its `Outcome`."""

_EPOCH = (
    *("epoch", "train_loss", "train_error", "valid_loss", "valid_error", "learning_rate"),
    *("measured", "compare_seconds"),
)
"""Columns of an epoch, which its record has under the same names; earlier versions lack some."""


_OF_TABLE = ("valid_regret", "regret", "percentile")
"""Those that only a table gives; without one they have no column."""


def write(study: OpenedStudy, folder: Path) -> None:
    """Write both tables; errors and regrets are shares in [0, 1], times are in UTC (ISO 8601).

    Rows of bracket -2 are a warm-started study's prior results. transfer: whether errors and
    regrets come from a table of another data set. imputed: whether they rest on values of a model;
    undecided: whether the search's choices ended within noise of uniform; such a column exists only
    if some do. objective: what the loss is, only where it is not the table's validation error.
    objective_seconds, cost.METRIC: where an objective has them. Without a table there are no
    columns of regrets and percentile. Columns of an epoch's diagnosis are empty for records of
    earlier versions.
    """
    trials = [*prior_trials(study), *study.trials]
    rows = [_trial_row(study, *pair) | _flags(study, pair[1]) for pair in trials]
    _write_table(folder / TRIALS, rows)
    _write_table(folder / EPOCHS, _epoch_rows(study))


def _flags(study: OpenedStudy, result: TrialResult | None) -> dict[str, Any]:
    """Columns that qualify the numbers of a row."""
    outcome = Outcome.from_result(result)
    flags: dict[str, Any] = {TRANSFER: study.transfer is not None}
    if study.imputed is not None:
        flags["imputed"] = outcome.imputed
    if study.undecided is not None:
        flags["undecided"] = outcome.undecided
    if "objective" in study.known:
        flags["objective"] = outcome.objective
    if "objective_seconds" in study.known:
        flags["objective_seconds"] = outcome.objective_seconds
    for metric in study.costs:
        flags[f"cost.{metric}"] = outcome.costs.get(metric)
    return flags


def _trial_row(study: OpenedStudy, trial: Trial, result: TrialResult | None) -> dict[str, Any]:
    """One row of trials.csv; a trial that has not finished has no result."""
    without_table = study.lacks(*_OF_TABLE)
    reported = {
        column: field
        for column, field in _REPORTED.items()
        if not (without_table and field in _OF_TABLE)
    }
    outcome = Outcome.from_result(result)
    times = times_of(study, trial, result)
    return {
        "id": name(trial),
        "bracket": study.view.bracket_of(trial),
        "budget": trial.budget,
        "state": state(result),
        "loss": None if result is None else result.loss,
        **{column: getattr(outcome, field) for column, field in reported.items()},
        **{key: trial.config.get(key) for key in study.view.space},
        "model_based": info_of(study, trial).get("model_based_pick"),
        "seconds": outcome.seconds,
        "compare_seconds": outcome.compare_seconds,
        **{key: _iso(times.get(key)) for key in ("submitted", "started", "finished")},
        "attempts": None if is_prior(trial) else trial.attempt + 1,
        "seed": None if is_prior(trial) else trial.seed,
        "module_hash": outcome.key,
        "exception": None if result is None else result.exception,
    }


def _epoch_rows(study: OpenedStudy) -> Iterator[dict[str, Any]]:
    """The rows of epochs.csv, all with the same columns: a command may record others each time."""
    names: dict[str, None] = {}
    if study.view.header.get("specification", {}).get("command") is not None:
        records = (record for trial, _ in study.trials for record in epochs_of(study, trial))
        names = dict.fromkeys(key for record in records for key in _epoch_row(record))
    for trial, _ in study.trials:
        place = {"id": name(trial), "budget": trial.budget}
        for record in epochs_of(study, trial):
            yield place | names | _epoch_row(record) | place


def _epoch_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """One row of epochs.csv; valid_error, the one-shot error, is of what `measured` says.

    cell: the key of its architecture. The numbers of `diagnosis.NUMBERS` follow; choices: those of
    each choice (`ChoiceState`), as JSON.
    """
    architecture = record["architecture"]
    diagnosis = record.get("diagnosis") or {}
    choices = diagnosis.get("choices")
    return {
        **{key: record.get(key) for key in _EPOCH},
        "seconds": record["time"],
        "architecture": None if architecture is None else json.dumps(architecture),
        "cell": diagnosis.get("cell"),
        **numbers(record),
        "choices": json.dumps(choices) if choices else None,
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, row.keys())
                writer.writeheader()
            writer.writerow({name: cell(value) for name, value in row.items()})
