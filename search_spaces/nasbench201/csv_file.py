"""Import NAS-Bench-201's numbers from one CSV file, a row per cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from oneshot_hpo.search_spaces.csv_rows import CsvRows, ReportBytes
from oneshot_hpo.search_spaces.nasbench201.metrics import (
    BUDGETS,
    CELLS,
    DATASETS,
    ERROR_METRIC,
    LATENCY,
    NAME,
    PARAMETERS,
    SECONDS,
    TIME_NOTE,
)
from oneshot_hpo.search_spaces.nasbench201.space import NASBENCH201
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.recording import Recording, errors
from oneshot_hpo.search_spaces.table import PROXY, Metric, Origin, TableError

FEW, MANY = BUDGETS
_REPEATS = 3
_PROXIES = ("synflow", "logsynflow", "nregions")
_ACCURACIES = (
    *("val_12ep", "test_12ep", "test_200ep_mean"),
    *(f"val_200ep_r{repeat}" for repeat in range(_REPEATS)),
)
_COSTS = ("train_time_s", "latency_s", "params_M")
_REQUIRED = ("cell", *(f"{d}_{name}" for d in DATASETS for name in (*_ACCURACIES, *_COSTS)))
_LARGEST = 1e300  # of costs and scores: any finite number

NOTES = (
    "cifar10 at 12 epochs: validation is the mean of two runs; all else at 12 epochs is one run",
    "test at 200 epochs is the mean of the repeats, which are not in the file",
    TIME_NOTE,
)


def import_csv(path: Path, on_progress: ReportBytes) -> RecordedTable:
    """Read nasbench201.csv, or .csv.gz, whole.

    Columns: `cell`, and for each data set accuracies in percent of the runs of 12 and 200 epochs,
    the seconds of training for 200 epochs, latency in seconds, parameters in millions, and scores
    without training if there are any. Raises TableError, on one line, for a file of another form or
    one that is damaged, cut short or has a cell twice; OSError.
    """
    rows = CsvRows(path, _REQUIRED, on_progress)
    numbers: dict[int, int] = {}
    values: list[list[float]] = []
    names: list[str] = []
    for row in rows:
        names = names or _columns(row)
        number = _configuration(rows, row)
        if number in numbers:
            raise rows.wrong(f"the cell of line {numbers[number] + 2} again")
        numbers[number] = len(numbers)
        values.append([_value(rows, row, name) for name in names])
    if len(numbers) != CELLS:
        raise TableError(f"{path}: cut short: it has {len(numbers):,} of {CELLS:,} cells")
    columns = dict(zip(names, np.array(values).T, strict=True))
    return _table(list(numbers), columns).table(rows.source(), NOTES)


def _columns(row: Mapping[str, str]) -> list[str]:
    """The columns to read: required ones, and the scores that the file has."""
    scores = [f"{dataset}_{proxy}" for dataset in DATASETS for proxy in _PROXIES]
    return [*_REQUIRED[1:], *(name for name in scores if name in row)]


def _configuration(rows: CsvRows, row: Mapping[str, str]) -> int:
    try:
        return NASBENCH201.configuration(NASBENCH201.parse(row["cell"]))
    except ValueError as error:
        raise rows.wrong(str(error)) from None


def _value(rows: CsvRows, row: Mapping[str, str], column: str) -> float:
    name = column.partition("_")[2]
    if name in _ACCURACIES:
        if not row[column] and name.startswith("val_200ep_"):
            return float("nan")  # trained with fewer seeds
        return rows.number(row, column, 0, 100)
    return rows.number(row, column, 0 if name in _COSTS else -_LARGEST, _LARGEST)


def _table(numbers: list[int], columns: Mapping[str, np.ndarray]) -> Recording:
    recording = Recording(NAME, NASBENCH201, numbers, of_cells=False)
    for dataset in DATASETS:

        def column(name: str, dataset: str = dataset) -> np.ndarray:
            return columns[f"{dataset}_{name}"]

        repeats = np.stack([column(f"val_200ep_r{repeat}") for repeat in range(_REPEATS)], 1)
        of_two = Origin.MEAN if dataset == "cifar10" else Origin.REAL
        for name, accuracies, budget, origin in (
            ("valid_error", column("val_12ep"), FEW, of_two),
            ("valid_error", repeats, MANY, Origin.REAL),
            ("test_error", column("test_12ep"), FEW, Origin.REAL),
            ("test_error", column("test_200ep_mean"), MANY, Origin.MEAN),
        ):
            recording.add(dataset, name, ERROR_METRIC, errors(accuracies), budget, origin)
        seconds = column("train_time_s")
        recording.add(dataset, "seconds", SECONDS, seconds, MANY, Origin.MEAN)
        recording.add(dataset, "seconds", SECONDS, seconds * FEW / MANY, FEW, Origin.DERIVED)
        recording.add(dataset, "latency", LATENCY, column("latency_s"), origin=Origin.MEAN)
        parameters = np.rint(column("params_M") * 1e6)
        recording.add(dataset, "parameters", PARAMETERS, parameters)
        for proxy in _PROXIES:
            if f"{dataset}_{proxy}" in columns:
                metric = Metric(higher_is_better=True, kind=PROXY)
                recording.add(dataset, proxy, metric, column(proxy))
    return recording
