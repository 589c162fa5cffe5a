"""Take tables of benchmarks that others recorded into the data folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.search_spaces import TableError, load_table
from oneshot_hpo.search_spaces.csv_rows import GZIP, first_line
from oneshot_hpo.search_spaces.data_folder import NASBENCH201, TRANSNAS_MACRO, TRANSNAS_MICRO
from oneshot_hpo.search_spaces.nasbench201 import csv_file as nasbench201_csv
from oneshot_hpo.search_spaces.nasbench201 import official_files
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.table_file import write_table
from oneshot_hpo.search_spaces.transnas import csv_file as transnas_csv

FILES = {
    "nasbench201": NASBENCH201,
    "transnas-micro": TRANSNAS_MICRO,
    "transnas-macro": TRANSNAS_MACRO,
}
"""In the data folder, by the tables' names, which are those of their families."""

ReadTable = Callable[[Path, Callable[[int, int], object]], RecordedTable]


def reader_of(source: Path) -> ReadTable | None:
    """What reads a file or folder of such a benchmark, told by its content; None for another.

    Raises DataError for a CSV file that is no table known here, OSError.
    """
    if source.is_dir():
        is_nats = (source / official_files.META).exists() or source.name.startswith("NATS-tss")
        return official_files.import_folder if is_nats else None

    with source.open("rb") as file:
        begin = file.read(len(official_files.TORCH))
    is_torch = begin == official_files.TORCH or source.suffix == ".pth"
    if is_torch or begin.startswith(official_files.BZIP2):
        return official_files.import_file

    columns = first_line(source).strip().split(",")
    if "cell" in columns and any(name.startswith("cifar10_") for name in columns):
        return nasbench201_csv.import_csv
    if "arch" in columns and any(name.endswith("__val_accuracy") for name in columns):
        return transnas_csv.import_csv

    if ".csv" in source.suffixes:
        damaged = " is damaged, or" if begin.startswith(GZIP) else ""
        raise DataError(
            f"{source}{damaged} has not the columns of NAS-Bench-201 (cell, cifar10_val_12ep, …) "
            "or TransNAS-Bench-101 (arch, class_scene__val_accuracy, …)"
        )
    return None


def import_recorded(
    source: Path,
    folder: Path,
    read: ReadTable,
    *,
    replace: bool,
    on_progress: Callable[[int, int], object],
) -> str:
    """Take a table into the data folder, whole or not at all; says what it holds.

    replace: also in place of one that holds more numbers. Raises TableError, DataError, OSError.
    """
    table = read(source, on_progress)
    path = folder / FILES[table.family]
    there = _present(path)
    if not replace and there is not None and there.recorded_values() > table.recorded_values():
        raise DataError(
            f"{path} holds more ({_numbers(there)}) than {source} ({_numbers(table)}), and was "
            "kept; --replace puts the new one in its place"
        )
    write_table(table, path)
    return f"{table.name}: {coverage(table)}"


def coverage(table: RecordedTable) -> str:
    """What a table holds, in words."""
    budgets = sorted({budget for name in table.datasets for budget in table.on(name).budgets})
    held = table.part or f"{len(table):,} architectures"
    epochs = ", ".join(map(str, budgets))
    return f"{held}, {len(table.datasets)} data sets, {epochs} epochs"


def _present(path: Path) -> RecordedTable | None:
    try:
        table = load_table(path)
    except TableError:
        return None
    return table if isinstance(table, RecordedTable) else None


def _numbers(table: RecordedTable) -> str:
    return f"{table.recorded_values():,} numbers of {len(table):,} architectures"
