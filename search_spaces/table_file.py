"""Tables on disk: their names, and files of arrays with a document that says what they are."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo import foreign, plugins
from oneshot_hpo.search_spaces.array_file import BadArrays, mapped_arrays, write_arrays
from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.data_folder import (
    NASBENCH101,
    NASBENCH201,
    TRANSNAS_MACRO,
    TRANSNAS_MICRO,
    data_folder,
)
from oneshot_hpo.search_spaces.rows_file import ROWS, read_rows
from oneshot_hpo.search_spaces.space import EnumerableSpace
from oneshot_hpo.search_spaces.table import Runs, Table, TableError
from oneshot_hpo.search_spaces.table_content import content_checksum
from oneshot_hpo.whole_files import name_behind

_SHIPPED = {"digits": "digits_space1.npz", "digits-201": "digits_nasbench201.npz"}
_IN_DATA_FOLDER = {
    "nasbench101": NASBENCH101,
    "nasbench201": NASBENCH201,
    "transnas-micro": TRANSNAS_MICRO,
    "transnas-macro": TRANSNAS_MACRO,
}
_ABSENT = {
    "nasbench101": "there is no NAS-Bench-101 in {folder}: `oneshot-hpo data import FILE` a "
    "nasbench_*.tfrecord, or `oneshot-hpo data fetch` one",
    "nasbench201": "there is no NAS-Bench-201 in {folder}: `oneshot-hpo data import FILE` "
    "nasbench201.csv.gz, a NATS-tss-*-simple folder or a NAS-Bench-201-*.pth",
    "transnas-micro": "there is no TransNAS-Bench-101 (micro) in {folder}: `oneshot-hpo data "
    "import transnas_micro.csv`",
    "transnas-macro": "there is no TransNAS-Bench-101 (macro) in {folder}: `oneshot-hpo data "
    "import transnas_macro.csv`",
}
_RECORDED = ("oneshot_hpo.search_spaces.recorded_table", "of_arrays")

READERS: dict[str, tuple[str, str]] = {
    "nasbench101": ("oneshot_hpo.search_spaces.nasbench101.stored_cells", "of_arrays"),
    "nasbench201": _RECORDED,
    "transnas-micro": _RECORDED,
    "transnas-macro": _RECORDED,
}
"""By family, a function of a file's arrays and document that makes the table, or raises TableError
without the file's name."""

BUILDERS: dict[str, tuple[str, str]] = {
    "nasbench101": ("oneshot_hpo.search_spaces.nasbench101.trained_cells", "of_architectures"),
    "nasbench201": ("oneshot_hpo.search_spaces.recording", "of_architectures"),
}
"""By family, a function of the arguments of `table_of`."""

_DEFAULT_FAMILY = "nasbench101"
"""The family of files that do not name one."""


def load_table(source: str | Path) -> Table:
    """Open a table by its name, "digits" (shipped) or "nasbench201" (imported), or its file's path.

    The name may be a plug-in's, of the class Table or a function without arguments that returns
    one. It may end in a colon and a data set, where the table has several: the first one is the
    default. Raises TableError.
    """
    name, dataset = split_source(source)
    if _is_plugin(name):
        table = _plugin(name)
        return table if dataset is None else table.on(dataset)

    path = table_path(source)
    try:
        if path.name == ROWS:
            return read_rows(path)
        return _table(mapped_arrays(path), dataset)
    except FileNotFoundError:
        if name in _IN_DATA_FOLDER:
            raise TableError(_ABSENT[name].format(folder=path.parent)) from None
        names = ", ".join([*plugins.names("table"), *sorted(plugins.registered("table"))])
        raise TableError(f"no table {str(source)!r}: use {names} or the path of a table") from None
    except (TableError, BadArrays) as error:
        raise TableError(f"{path}: {error}") from None
    except Exception as error:  # NumPy's headers, zip and JSON can raise anything
        raise TableError(f"{path}: not a table of trained cells ({error})") from None


def table_path(source: str | Path) -> Path:
    """The path of the table with this name or path; it need not exist. A plug-in's has none."""
    name, _ = split_source(source)
    if name in _SHIPPED:
        return Path(str(files("oneshot_hpo.search_spaces") / "tables" / _SHIPPED[name]))
    if name in _IN_DATA_FOLDER:
        return data_folder() / _IN_DATA_FOLDER[name]
    return Path(source)


def is_table_name(source: str) -> bool:
    """Whether a table is meant by its name, with a data set or without, and not by a path."""
    name, _ = split_source(source)
    return plugins.is_name("table", name)


def table_checksum(source: str | Path) -> str:
    """SHA-256 of the file of the table of this name or path; of a plug-in, of all its values.

    Rows of a table have the checksum of that table. Raises OSError, and for a plug-in or rows
    TableError.
    """
    name, _ = split_source(source)
    if _is_plugin(name):
        return _plugin_checksum(str(source))
    if table_path(source).name == ROWS:
        return read_rows(table_path(source)).of
    with table_path(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_table(table: Table, path: Path) -> None:
    """Write a table, whole or not at all."""
    document, arrays = table.stored()
    if table.family != _DEFAULT_FAMILY:
        document["family"] = table.family
    write_arrays(path, {"provenance": np.array(json.dumps(document)), **arrays})


def table_of(
    space: EnumerableSpace,
    architectures: Sequence[Architecture],
    *,
    parameters: Sequence[int],
    budgets: tuple[int, ...],
    images: Mapping[str, int],
    final: Runs,
    provenance: Mapping[str, Any],
) -> Table:
    """The table of trained architectures of one space, no two of them isomorphic.

    images: by split, the size of the set of images. final: results of the trainings.
    Raises TableError for a space whose tables cannot be built.
    """
    if space.family not in BUILDERS:
        raise TableError(f"no table of {space.title} can be built")

    module, function = BUILDERS[space.family]
    table: Table = getattr(import_module(module), function)(
        space,
        architectures,
        parameters=parameters,
        budgets=budgets,
        images=images,
        final=final,
        provenance=provenance,
    )
    return table


def is_temporary_table(path: Path) -> bool:
    """Whether a file is what `write_table` leaves when it is killed, in this version or before."""
    older = re.fullmatch(r"\..+\.npz\.\d+", path.name)
    name = name_behind(path)
    ours = older is not None or (name is not None and name.endswith(".npz"))
    return ours and path.is_file() and not path.is_symlink()


def split_source(source: str | Path) -> tuple[str, str | None]:
    """A table's name and the data set after its colon; of a path, the path and None."""
    reference = foreign.reference_of(str(source))
    name, colon, dataset = str(source).partition(":")
    if colon and name in plugins.names("table"):
        return name, dataset
    if reference is not None:
        return reference.target, reference.rest
    if colon and plugins.is_name("table", name):
        return name, dataset
    return str(source), None


def _is_plugin(name: str) -> bool:
    return name not in plugins.names("table") and plugins.is_name("table", name)


@functools.cache
def _plugin(name: str) -> Table:
    """Raises TableError."""
    try:
        entry = plugins.entry("table", name)
        table: Table = foreign.made(entry.load(), Table, entry.label)
    except foreign.PluginError as error:
        raise TableError(str(error)) from None
    return table


@functools.cache
def _plugin_checksum(source: str) -> str:
    return content_checksum(load_table(source))


def _table(arrays: Mapping[str, np.ndarray], dataset: str | None) -> Table:
    text = str(arrays["provenance"]).encode().decode()  # NumPy takes any four bytes for a character
    document: dict[str, Any] = json.loads(text)
    family = document.get("family", _DEFAULT_FAMILY)
    if family not in READERS:
        raise TableError(f"a table of {family!r}, which is not known here")
    module, function = READERS[family]
    read = getattr(import_module(module), function)
    table: Table = read(arrays, document)
    return table if dataset is None else table.on(dataset)


digits, digits_201, nasbench101, nasbench201, transnas_micro, transnas_macro = (
    functools.partial(load_table, name) for name in (*_SHIPPED, *_IN_DATA_FOLDER)
)
"""The targets of `table_registry`."""
