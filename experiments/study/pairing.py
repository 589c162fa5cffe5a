"""Decides whether a table is of the data set that is searched on; if not, results are a transfer.

A table that records a checksum of its images is compared by checksum, any other by name; the names
`digits` and `cifar10` mean known images.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.foreign import label_of, reference_of
from oneshot_hpo.plugins import is_name, names
from oneshot_hpo.search_spaces import Table, TableError, load_table
from oneshot_hpo.search_spaces.table import CIFAR10
from oneshot_hpo.searchers.data.datasets import FOLDERS, load_dataset

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.specification import StudySpec

TRANSFER = "transfer"
"""The flag of a result, and the key of a study file that allows one."""
_DIGITS = "digits"


class Pair(Enum):
    """How a table and a data set belong together."""

    SAME = "the table's cells were trained on the data set"
    TRANSFER = "they were trained on another one"
    BY_NAME = "the names are equal; the table records no checksum of its images"
    UNKNOWN = "the table does not say on what its cells were trained"


def pair_of(dataset: str, table: str) -> Pair:
    """How a data set and a table belong together; reads the images if names do not decide.

    Raises DatasetError or TableError if they cannot be read.
    """
    cells = load_table(table)
    recorded = cells.dataset_checksum
    is_digits_table = table == _DIGITS and dataset != _DIGITS
    if recorded is None and not (is_digits_table and _is_file(dataset)):
        return _pair_by_names(dataset, cells)
    wanted = recorded or load_dataset(_DIGITS).scratch_checksum
    return Pair.SAME if load_dataset(dataset).scratch_checksum == wanted else Pair.TRANSFER


def allowed_transfer(dataset: str, table: str, transfer: bool | None, how: str) -> bool:
    """Whether a pair is a transfer. UserError: it is, and the user has not allowed it.

    transfer: the user's own setting, which alone decides if the table does not name its data set.
    how: how to allow it, for the message.
    """
    pair = pair_of(dataset, table)
    if pair is Pair.UNKNOWN:
        return bool(transfer)
    if pair is Pair.TRANSFER and not transfer:
        raise UserError(f"{transfer_words(dataset, table)} To allow it: {how}")
    return pair is Pair.TRANSFER


def doubt(dataset: str | None, table: str | None) -> str | None:
    """A warning for a pair that is assumed to belong together without proof; else None."""
    if dataset is None or table is None:
        return None
    cells = load_table(table)
    pair = Pair.SAME if cells.dataset_checksum else _pair_by_names(dataset, cells)
    if pair is Pair.UNKNOWN:
        return f"the table {cells.name} does not say on what data set its cells were trained"
    if pair is Pair.BY_NAME:
        return (
            f"the table {cells.name} records no checksum of its images: that they are those of "
            f"{label_of(dataset)} follows from the name alone"
        )
    return None


def transfer_note(spec: StudySpec) -> str | None:
    """A sentence for every result of a study that is a transfer; None for other studies.

    spec: with current paths of data set and table. Studies of earlier versions did not record
    whether they are a transfer: for them the names decide.
    """
    if spec.dataset is None or spec.table is None:
        return None
    is_transfer = spec.transfer
    if is_transfer is None:
        try:
            is_transfer = _pair_by_names(spec.dataset, load_table(spec.table)) is Pair.TRANSFER
        except TableError:  # the table is gone, so its data set is unknown
            return None
    return transfer_words(spec.dataset, spec.table) if is_transfer else None


def transfer_words(dataset: str, table: str) -> str:
    """The sentence for a pair that is known to be a transfer."""
    own = short_name(dataset)
    try:
        name, trained_on = load_table(table).name, load_table(table).dataset
    except TableError:  # the table is gone
        name, trained_on = short_name(table), None
    if trained_on == own:
        trained_on = f"other images of the name {own}"
    return (
        f"Transfer: the cells of the table {name} were trained on {trained_on or 'other images'}, "
        f"searches run on {own}; errors, regrets and ranks say nothing of cells trained on {own}."
    )


def _pair_by_names(dataset: str, table: Table) -> Pair:
    if table.dataset is None:
        return Pair.UNKNOWN
    own = _known_name(dataset)
    if own is not None:
        return Pair.SAME if own == table.dataset else Pair.TRANSFER
    name = load_dataset(dataset).name if is_name("dataset", dataset) else Path(dataset).stem
    return Pair.BY_NAME if name == table.dataset else Pair.TRANSFER


def short_name(source: str) -> str:
    """A data set or table in a sentence: its name, or its file's without folder and suffix."""
    return label_of(source) if reference_of(source) is not None else Path(source).stem


def _is_file(dataset: str) -> bool:
    """Whether a data set is a user's own file."""
    return _known_name(dataset) is None


def _known_name(dataset: str) -> str | None:
    """The name of a known data set, given by name or folder; None for a user's own file."""
    if dataset in names("dataset"):
        return dataset
    path = Path(dataset)
    for name, folder in FOLDERS.items():
        if path.name == folder or (path / folder).is_dir():
            return name
    return CIFAR10 if path.is_dir() else None
