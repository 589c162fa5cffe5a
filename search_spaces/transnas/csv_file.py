"""Import TransNAS-Bench-101's numbers from a CSV file, a row per architecture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oneshot_hpo.search_spaces.csv_rows import CsvRows, ReportBytes
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.recording import Recording, errors
from oneshot_hpo.search_spaces.table import ERROR, LOSS, PROXY, SCORE, Metric, TableError
from oneshot_hpo.search_spaces.transnas.macro import MACRO
from oneshot_hpo.search_spaces.transnas.micro import MICRO

NAME = "TransNAS-Bench-101"


@dataclass(frozen=True)
class Task:
    """How a task was trained and measured.

    epochs: of training. kind: of its metric here. In the file all values are better when higher:
    percentages (ERROR), SSIM (SCORE), or a negative loss (LOSS).
    """

    epochs: int
    metric: str
    kind: str


TASKS = {
    "class_scene": Task(25, "valid_error", ERROR),
    "class_object": Task(25, "valid_error", ERROR),
    "room_layout": Task(25, "valid_loss", LOSS),
    "jigsaw": Task(10, "valid_error", ERROR),
    "segmentsemantic": Task(30, "valid_error", ERROR),
    "autoencoder": Task(30, "valid_ssim", SCORE),
    "normal": Task(30, "valid_ssim", SCORE),
}
"""The data sets of the tables, class_scene first. segmentsemantic is the accuracy of its pixels."""

_PROXIES = ("zen", "synflow", "epe_nas", "fisher")
_ABSENT = -1e8
"""A score that could not be computed."""
_LARGEST = 1e300
_RANGES = {ERROR: (0.0, 100.0), SCORE: (-1.0, 1.0), LOSS: (-_LARGEST, 0.0)}
_DIGITS = re.compile(r"\((\d(?:, \d){3,5})\)")

NOTES = (
    "validation values of one training each; there is no test split, so validation is used instead",
)


def import_csv(path: Path, on_progress: ReportBytes) -> RecordedTable:
    """Read transnas_micro.csv or transnas_macro.csv, whole; its rows determine which one it is.

    Columns: `arch`, digits in brackets, and `TASK__val_accuracy` of the seven tasks, with scores
    without training if there are any. Raises TableError, on one line, for a file of another form or
    one that is damaged, cut short or has an architecture twice; OSError.
    """
    rows = CsvRows(path, ("arch", *map(_value_column, TASKS)), on_progress)
    architectures: dict[tuple[str, ...], int] = {}
    values: list[list[float]] = []
    names: list[str] = []
    for row in rows:
        names = names or _columns(row)
        digits = _digits(rows, row["arch"])
        if digits in architectures:
            raise rows.wrong(f"the architecture of line {architectures[digits] + 2} again")
        architectures[digits] = len(architectures)
        values.append([_value(rows, row, name) for name in names])
    recording = _recording(path, list(architectures))
    columns = dict(zip(names, np.array(values).T, strict=True))
    for task, described in TASKS.items():
        _add(recording, task, described, columns)
    return recording.table(rows.source(), NOTES)


def _value_column(task: str) -> str:
    return f"{task}__val_accuracy"


def _columns(row: Mapping[str, str]) -> list[str]:
    scores = [f"{task}__{proxy}" for task in TASKS for proxy in _PROXIES]
    return [*map(_value_column, TASKS), *(name for name in scores if name in row)]


def _digits(rows: CsvRows, text: str) -> tuple[str, ...]:
    match = _DIGITS.fullmatch(text)
    if match is None:
        raise rows.wrong(f"arch is {text[:40]!r}, not like (0, 1, 2, 3, 0, 1)")
    return tuple(match[1].split(", "))


def _value(rows: CsvRows, row: Mapping[str, str], column: str) -> float:
    task, _, name = column.partition("__")
    if name in _PROXIES:
        score = rows.number(row, column, -_LARGEST, _LARGEST)
        return float("nan") if score == _ABSENT else score
    return rows.number(row, column, *_RANGES[TASKS[task].kind])


def _recording(path: Path, architectures: list[tuple[str, ...]]) -> Recording:
    """For the rows of the space that the architectures are of; TableError unless all are there."""
    micro = any("0" in digits for digits in architectures)
    space = MICRO if micro else MACRO
    numbers = []
    for place, digits in enumerate(architectures):
        text = "".join(digits)
        try:
            if micro:
                parsed = MICRO.parse(f"{text[0]}_{text[1:3]}_{text[3:]}")
                numbers.append(MICRO.configuration(parsed))
            else:
                numbers.append(MACRO.cell_index(MACRO.parse(text)))
        except ValueError as error:
            raise TableError(f"{path}: line {place + 2} is wrong: {error}") from None
    total = space.num_configurations if micro else space.num_cells
    if len(numbers) != total:
        raise TableError(f"{path}: cut short: it has {len(numbers):,} of {total:,} architectures")
    size = "micro" if micro else "macro"
    return Recording(f"{NAME} ({size})", space, numbers, of_cells=not micro)


def _add(
    recording: Recording, task: str, described: Task, columns: Mapping[str, np.ndarray]
) -> None:
    values = columns[_value_column(task)]
    if described.kind == ERROR:
        values = errors(values)
    elif described.kind == LOSS:
        values = -values
    metric = Metric(higher_is_better=described.kind == SCORE, kind=described.kind)
    recording.add(task, described.metric, metric, values, described.epochs)
    for proxy in _PROXIES:
        if f"{task}__{proxy}" in columns:
            metric = Metric(higher_is_better=True, kind=PROXY)
            recording.add(task, proxy, metric, columns[f"{task}__{proxy}"])
