"""Take data into the data folder: tables of benchmarks, and images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from oneshot_hpo.experiments.data.image_sets import IMAGE_SETS, recognised
from oneshot_hpo.experiments.data.images import import_images, settle
from oneshot_hpo.experiments.data.recorded import FILES, import_recorded, reader_of
from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.search_spaces import TableError, TrainedCells, load_table
from oneshot_hpo.search_spaces.data_folder import NASBENCH101, VARIABLE, data_folder
from oneshot_hpo.search_spaces.nasbench101.completed_file import import_completed, is_completed
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.nasbench101.trained_cells import trained_cells
from oneshot_hpo.search_spaces.table import Origin
from oneshot_hpo.search_spaces.table_file import is_temporary_table, write_table

ReportBytes = Callable[[int, int | None], object]
"""Told how many bytes are done, and how many there are in all (None: not known)."""


@contextmanager
def open_data_folder() -> Iterator[Path]:
    """The data folder, made when missing, for one process at a time.

    Files that a killed import left behind are removed. Raises DataError.
    """
    folder = data_folder()
    lock = FileLock(folder / ".lock")

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise DataError(
            f"another `oneshot-hpo data` command works in {folder}; wait until it ends"
        ) from None
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error.strerror}; set {VARIABLE} to another folder"
        ) from None

    try:
        for name in (NASBENCH101, *FILES.values()):
            for leftover in folder.glob(f".{name}.*"):
                if is_temporary_table(leftover):
                    leftover.unlink()
        for images in IMAGE_SETS:
            settle(folder / images.folder)
        yield folder
    finally:
        lock.release()


def import_data(source: Path, folder: Path, *, replace: bool, on_progress: ReportBytes) -> str:
    """Import a file or folder into the data folder; returns what it holds, in words.

    source: a nasbench_*.tfrecord, a completed table of NAS-Bench-101, an archive or a folder of one
        of IMAGE_SETS, or what `recorded.reader_of` knows of NAS-Bench-201 and TransNAS-Bench-101;
        its content says which.
    replace: also in place of a table that holds more, or of intact images.
    All or nothing. Raises DataError, TableError or DatasetError for what cannot be imported,
    OSError for a disk that is full or cannot be read.
    """
    try:
        read = reader_of(source)
        images = recognised(source) if read is None else None
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}") from None

    if read is not None:
        summary = import_recorded(source, folder, read, replace=replace, on_progress=on_progress)
        return f"{summary}; in {folder}"

    if images is not None:
        target = folder / images.folder
        summary = import_images(images, source, target, replace=replace, on_progress=on_progress)
        return f"{summary}; in {folder}"

    read_cells = _nasbench101_reader(source)
    if read_cells is None:
        raise DataError(
            f"{source} is neither a nasbench_*.tfrecord, nor a completed table of NAS-Bench-101, "
            "nor a file of NAS-Bench-201 or TransNAS-Bench-101, nor a folder or an archive of the "
            "files of CIFAR-10, CIFAR-100 or ImageNet16-120"
        )
    table = read_cells(source, on_progress)
    _write_nasbench101(table, source, folder, replace=replace)
    official = "" if release_of(table) else "; not an official release"
    return f"NAS-Bench-101: {coverage(table)}{official}; in {folder}"


def _nasbench101_reader(source: Path) -> Callable[[Path, ReportBytes], TrainedCells] | None:
    """What reads a file of NAS-Bench-101; None for another file. Raises DataError."""
    if ".tfrecord" in source.name:
        return import_tfrecord
    try:
        return import_completed if source.is_file() and is_completed(source) else None
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}") from None


def _write_nasbench101(table: TrainedCells, source: Path, folder: Path, *, replace: bool) -> None:
    there = present_table()
    if not replace and there is not None and real_entries(there) > real_entries(table):
        raise DataError(
            f"{folder / NASBENCH101} holds more ({coverage(there)}) than {source} "
            f"({coverage(table)}), and was kept; --replace puts the new one in its place"
        )
    write_table(table, folder / NASBENCH101)


def present_table() -> TrainedCells | None:
    """NAS-Bench-101 in the data folder; None if there is none that can be read."""
    try:
        return trained_cells(load_table("nasbench101"))
    except TableError:
        return None


def real_entries(table: TrainedCells) -> int:
    """Cells times budgets whose validation error is not imputed: how much a table holds."""
    return len(table) * len(table.budgets) - _imputed_entries(table)


def coverage(table: TrainedCells) -> str:
    """The cells and budgets of a table, in words."""
    budgets = ", ".join(map(str, table.budgets))
    imputed = _imputed_entries(table) / (len(table) * len(table.budgets))
    share = f", {imputed:.0%} of the validation errors imputed" if imputed else ""
    return f"{len(table):,} cells, {budgets} epochs, {table.repeats} repeats{share}"


def _imputed_entries(table: TrainedCells) -> int:
    origins = table.origins.get(table.main_metric("valid"))
    return 0 if origins is None else int((origins == Origin.IMPUTED).sum())


def release_of(table: TrainedCells) -> str | None:
    """The official file from which a table was made; None for any other."""
    source = table.provenance.get("source", {})
    name: str | None = source.get("release")
    return name
