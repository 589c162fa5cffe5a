"""Import the published files of NAS-Bench-201 and NATS-Bench: pickles, whose code is never run.

NATS-tss-v1_0-3ffb9-simple is a folder with meta.pickle.pbz2 and one file like 000000.pickle.pbz2
per architecture; NATS-tss-v1_0-3ffb9.pickle.pbz2 has everything in one file.
NAS-Bench-201-v1_1-096897.pth has the same dictionaries as torch.save writes them, in a zip file or
in its older form.
"""

from __future__ import annotations

import bz2
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from oneshot_hpo.search_spaces.csv_rows import ReportBytes
from oneshot_hpo.search_spaces.nasbench201.metrics import CELLS
from oneshot_hpo.search_spaces.nasbench201.trainings import Trainings
from oneshot_hpo.search_spaces.pickles import PickleError, PickleReader
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.table import TableError

META = "meta.pickle.pbz2"
BZIP2 = b"BZh"
ZIP = b"PK\x03\x04"
TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first bytes of torch.save's older form: a pickle of its magic number."""

_MAGIC = 0x1950A86A20F9469CFC6C
_PIECE = 1 << 20
_HEADERS = 3  # pickles before that of the data: the magic number, the version, the system


def import_folder(folder: Path, on_progress: ReportBytes) -> RecordedTable:
    """Read a folder NATS-tss-v1_0-3ffb9-simple; files that are missing make a part of the table.

    on_progress: bytes read of all files. Raises TableError, on one line, for another folder or a
    damaged file; OSError.
    """
    if not (folder / META).is_file():
        raise TableError(f"{folder}: not a folder of NATS-Bench, {META} is missing")
    cells = _cells(folder / META)
    files = [(path, cells[number]) for number, path in _files(folder, len(cells))]
    if not files:
        raise TableError(f"{folder}: it has no files like 000000.pickle.pbz2 beside {META}")
    done, size = 0, sum(path.stat().st_size for path, _ in files)
    trainings = Trainings()
    for path, cell in files:
        before = len(trainings.configurations)
        with _reading(path), bz2.open(path) as file:
            _check(PickleReader(file, is_piece=trainings.take).load())
            if len(trainings.configurations) != before + 1 or trainings.cell != cell:
                raise PickleError(f"it is not of the cell {cell}")
        done += path.stat().st_size
        on_progress(done, size)
    with _reading(folder):
        return trainings.table({"file": folder.name, "files": len(files)})


def import_file(path: Path, on_progress: ReportBytes) -> RecordedTable:
    """Read NAS-Bench-201-*.pth, or NATS-tss-v1_0-3ffb9.pickle.pbz2, in one pass.

    Memory: about 15 kB per architecture. Raises TableError, on one line, for another or a damaged
    file; OSError.
    """
    trainings, size = Trainings(), path.stat().st_size
    with path.open("rb") as file:

        def take(items: dict[Any, Any]) -> bool:
            is_architecture = trainings.take(items)
            if is_architecture:
                on_progress(file.tell(), size)
            return is_architecture

        with _reading(path), _pickled(file) as (pickled, headers):
            reader = PickleReader(pickled, is_piece=take)
            if headers and reader.load() != _MAGIC:
                raise PickleError("its magic number is another one")
            for _ in range(headers - 1):
                reader.load()
            document = reader.load()
            if not isinstance(document, dict) or not {"meta_archs", "arch2infos"} <= set(document):
                raise PickleError("it has no meta_archs and arch2infos")
            for schedules in document["arch2infos"].values():
                _check(schedules)
            while not headers and pickled.read(_PIECE):  # the checksum is at the end
                pass
            if not trainings.configurations:
                raise PickleError("it holds no architecture")
            if len(trainings.configurations) != len(document["arch2infos"]):
                raise PickleError("an architecture is given twice")
    with _reading(path):
        return trainings.table({"file": path.name, "bytes": size})


def _check(schedules: Any) -> None:
    """Raise PickleError unless the trainings of all schedules of an architecture were read."""
    if not isinstance(schedules, dict) or any(left != {} for left in schedules.values()):
        raise PickleError("an architecture has not the form of the authors' ArchResults")


def _files(folder: Path, count: int) -> Iterator[tuple[int, Path]]:
    for number in range(count):
        path = folder / f"{number:06d}.pickle.pbz2"
        if path.is_file():
            yield number, path


def _cells(path: Path) -> list[str]:
    """The cells in the order of the folder's files."""
    with _reading(path), bz2.open(path) as file:
        document = PickleReader(file).load()
        cells = document["meta_archs"]
        if not isinstance(cells, list) or len(set(cells)) != len(cells) or len(cells) > CELLS:
            raise PickleError(f"meta_archs is not a list of up to {CELLS} cells")
    return cells


@contextmanager
def _pickled(file: IO[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """The pickles in a file of any form, and the number of pickles before the data."""
    begin = file.read(len(TORCH))
    file.seek(0)
    if begin.startswith(ZIP):
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(names) != 1:
                raise PickleError("a zip file without a data.pkl")
            with archive.open(names[0]) as member:
                yield member, 0
    elif begin.startswith(BZIP2):
        with bz2.open(file) as unpacked:
            yield unpacked, 0
    else:
        yield file, _HEADERS


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn errors in the content into a TableError with the file's name."""
    try:
        yield
    except TableError as error:
        raise TableError(f"{path}: {error}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _foreign(path, error) from None  # bzip2's way to say so
    except (
        *(ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError),
        *(zipfile.BadZipFile, NotImplementedError, RuntimeError),
    ) as error:
        raise _foreign(path, error) from None


def _foreign(path: Path, error: Exception) -> TableError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    missing = f"{reason} is missing" if isinstance(error, KeyError) else reason
    return TableError(f"{path}: damaged, or not a file of NAS-Bench-201 ({missing})")
