"""Readers of bundles, and of the rows of a table in them."""

from __future__ import annotations

import io
import json
import lzma
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

from oneshot_hpo.experiments.benchmarks.survival.mutation import (
    mixed,
    mutate_bytes,
    mutate_document,
    mutate_lines,
)
from oneshot_hpo.experiments.benchmarks.survival.reader import Reader, require
from oneshot_hpo.experiments.benchmarks.survival.study_readers import READERS as OF_STUDIES
from oneshot_hpo.experiments.check.bundles import verify_bundle
from oneshot_hpo.experiments.exports.bundle.data import data_of, packed
from oneshot_hpo.experiments.exports.bundle.layout import PACKED, STUDIES
from oneshot_hpo.experiments.exports.bundle.stage import made_of
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.choices import InvalidArchitecture
from oneshot_hpo.search_spaces.rows_file import ROWS
from oneshot_hpo.search_spaces.table_rows import TableRows


@cache
def _files() -> dict[str, bytes]:
    """A small study as a bundle holds it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        (folder / CONFIRMATION).mkdir(parents=True)
        samples = {reader.name: reader.samples for reader in OF_STUDIES}
        (folder / JOURNAL_NAME).write_bytes(samples["journals"]()[0])
        (folder / CONFIRMATION / CONFIRMATION_NAME).write_bytes(samples["confirmations"]()[0])
        study = OpenedStudy(folder)
        return data_of(study) | made_of(study)


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _bundles() -> list[bytes]:
    return [_zipped({f"{STUDIES}/study/{name}": own for name, own in _files().items()})]


def _mutate_bundle(content: bytes, random: Random) -> bytes:
    """One of its files changed, a packed one before it is packed again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        name = random.choice(sorted(files))
        if name.endswith(PACKED):
            files[name] = packed(mutate_lines(lzma.decompress(files[name]), random))
        elif name.endswith(ROWS):
            files[name] = _mutate_rows(files[name], random)
        else:
            files[name] = mutate_bytes(files[name], random)
    except Exception:  # no zip any more, or nothing in it
        return mutate_bytes(content, random)
    return _zipped(files)


def _mutate_rows(content: bytes, random: Random) -> bytes:
    try:
        return json.dumps(mutate_document(json.loads(content), random)).encode()
    except (ValueError, RecursionError):
        return mutate_bytes(content, random)


def _read_bundle(content: bytes, folder: Path) -> None:
    path = folder / "bundle.zip"
    path.write_bytes(content)
    report = verify_bundle(path)
    require(all("\n" not in finding.words for finding in report.findings), "a finding of two lines")
    require([one.name for one in folder.iterdir()] == [path.name], "files beside the bundle")


def _read_rows(content: bytes, folder: Path) -> None:
    path = folder / ROWS
    path.write_bytes(content)
    table = load_table(path)
    assert isinstance(table, TableRows)
    space = get_space(1)
    for name, text in table.places:
        if name == space.name:
            with suppress(InvalidArchitecture):  # a text that names no cell is never looked up
                table.percentile(space, space.parse(text))
    for row in range(min(3, len(table))):
        table.record(row)


READERS = (
    Reader("bundles", _bundles, mixed(_mutate_bundle), _read_bundle, "bundle.zip", 0.05),
    Reader("rows of tables", lambda: [_files()[ROWS]], mixed(_mutate_rows), _read_rows, ROWS),
)
