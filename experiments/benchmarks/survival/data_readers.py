"""Readers of data: checkpoints, tables, images, NAS-Bench-101, CIFAR-10, results of baselines."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import pickle
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oneshot_hpo.experiments.benchmarks.survival import recorded_readers
from oneshot_hpo.experiments.benchmarks.survival.mutation import (
    mixed,
    mutate_bytes,
    mutate_document,
)
from oneshot_hpo.experiments.benchmarks.survival.reader import Reader, require
from oneshot_hpo.experiments.data.image_sets import CIFAR_10
from oneshot_hpo.experiments.data.images import import_images
from oneshot_hpo.experiments.numbers.baselines_file import read_baselines
from oneshot_hpo.search_spaces import Cell, load_table
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.nasbench101.record import ModelMetrics
from oneshot_hpo.search_spaces.nasbench101.space import SPACE_1
from oneshot_hpo.search_spaces.nasbench101.tfrecord import masked_crc
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells, trained_cells
from oneshot_hpo.search_spaces.table import Runs
from oneshot_hpo.search_spaces.table_file import write_table
from oneshot_hpo.searchers import checkpoint
from oneshot_hpo.searchers.data.cifar10 import FILES, META, TEST_BATCH, read_cifar10
from oneshot_hpo.searchers.data.datasets import load_dataset


def _checkpoints() -> list[bytes]:
    import torch

    tensors = {"weights": torch.arange(6.0).reshape(2, 3), "steps": [torch.ones(2)]}
    state = {"fingerprint": {"seed": 1, "searcher": "darts"}, **tensors, "epoch": 3, "none": None}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return [buffer.getvalue()]


def _read_checkpoint(content: bytes, folder: Path) -> None:
    """The content is signed as if it had been written so: its digest would hide all else."""
    signed = checkpoint._MAGIC + hashlib.sha256(content).digest() + content
    (folder / checkpoint.CHECKPOINT).write_bytes(signed)
    state = checkpoint.load_checkpoint(folder)
    assert state is not None
    checkpoint.save_checkpoint(folder, state)
    again = checkpoint.load_checkpoint(folder)
    require(str(again) == str(state), "a checkpoint that is written again says something else")


@cache
def _cells() -> list[Cell]:
    return SPACE_1.cells[:40]


@cache
def _tables() -> list[bytes]:
    rng = np.random.default_rng(0)
    cells, shape = _cells(), (len(_cells()), 2, 3)
    table = TrainedCells.of_cells(
        cells,
        parameters=rng.integers(1000, 2000, len(cells)),
        budgets=(1, 4),
        images={"train": 100, "valid": 100, "test": 100},
        final=Runs(
            {m: rng.integers(0, 100, shape).astype(np.uint16) for m in ("valid", "test")},
            np.ones(shape, np.float32),
        ),
        provenance={"name": "a table"},
    )
    with tempfile.TemporaryDirectory() as name:
        write_table(table, Path(name) / "table.npz")
        return [(Path(name) / "table.npz").read_bytes()]


def _read_table(content: bytes, folder: Path) -> None:
    path = folder / "table.npz"
    path.write_bytes(content)
    table = trained_cells(load_table(path))
    write_table(table, folder / "again.npz")
    again = trained_cells(load_table(folder / "again.npz"))
    for mine, other in ((table.hashes, again.hashes), (table.graphs, again.graphs)):
        require(np.array_equal(mine, other), "a table that is written again has other cells")
    require(table.budgets == again.budgets and table.images == again.images, "other budgets")
    for cell in _cells()[:3]:
        table.query(cell)


def _images() -> list[bytes]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 4, 4), np.uint8)
    contents = []
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, images=images, labels=np.arange(12) % 3)
        contents.append(buffer.getvalue())
    return contents


def _read_images(content: bytes, folder: Path) -> None:
    (folder / "images.npz").write_bytes(content)
    splits = load_dataset(folder / "images.npz")
    require(bool(np.isfinite(splits.test.images).all()), "an image has no number")


@cache
def _records() -> list[bytes]:
    rng = np.random.default_rng(0)
    records = []
    for cell in _cells()[:2]:
        for epochs in (4, 108):
            for _ in range(3):
                metrics = ModelMetrics(trainable_parameters=1000)
                metrics.evaluation_data.add(current_epoch=0.0, training_time=0.0)
                for share, seconds in ((0.5, 10.0), (1.0, 20.0)):
                    hits = (rng.integers(0, 9985, 3) / 9984).astype(np.float32)
                    metrics.evaluation_data.add(
                        current_epoch=epochs * share,
                        training_time=seconds,
                        train_accuracy=hits[0],
                        validation_accuracy=hits[1],
                        test_accuracy=hits[2],
                    )
                adjacency = "".join(str(edge) for row in cell.matrix for edge in row)
                encoded = base64.b64encode(metrics.SerializeToString()).decode()
                fields = [cell.hash, epochs, adjacency, ",".join(cell.operations), encoded]
                records.append(json.dumps(fields).encode())
    return [b"".join(map(_framed, records))]


def _framed(record: bytes) -> bytes:
    length = struct.pack("<Q", len(record))
    sums = (struct.pack("<I", masked_crc(part)) for part in (length, record))
    return length + next(sums) + record + next(sums)


def _mutate_record(content: bytes, random: Random) -> bytes:
    """One record changed, its checksums made anew: they would hide all else."""
    records, place = [], 0
    while place + 16 <= len(content):
        length = struct.unpack_from("<Q", content, place)[0]
        records.append(content[place + 12 : place + 12 + length])
        place += 16 + length
    if not records:
        return mutate_bytes(content, random)
    number = random.randrange(len(records))
    try:
        fields = json.loads(records[number])
        if random.random() < 0.5 and isinstance(fields, list) and isinstance(fields[-1], str):
            metrics = mutate_bytes(base64.b64decode(fields[-1]), random)
            fields[-1] = base64.b64encode(metrics).decode()
        else:
            fields = mutate_document(fields, random)
        records[number] = json.dumps(fields).encode()
    except (ValueError, IndexError):
        records[number] = mutate_bytes(records[number], random)
    return b"".join(map(_framed, records))


def _read_records(content: bytes, folder: Path) -> None:
    path = folder / "nasbench.tfrecord"
    path.write_bytes(content)
    table = import_tfrecord(path, _ignore)
    write_table(table, folder / "table.npz")
    again = trained_cells(load_table(folder / "table.npz"))
    require(np.array_equal(again.hashes, table.hashes), "an import that is read has other cells")


@cache
def _cifar10() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    files = {META: pickle.dumps({"label_names": ["cat", "dog"]}, 2)}
    for name in FILES[1:]:
        data = rng.integers(0, 256, (2, 3072), np.uint8)
        files[name] = pickle.dumps({"labels": [0, 1], "data": data}, 4)
    return files


def _read_cifar10(name: str, content: bytes, folder: Path) -> None:
    for file, whole in _cifar10().items():
        (folder / file).write_bytes(content if file == name else whole)
    data = read_cifar10(folder)
    require(data.test.pixels.shape == (len(data.test), 3072), "images of another size")


@cache
def _archives() -> list[bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in _cifar10().items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return [buffer.getvalue()]


def _mutate_archive(content: bytes, random: Random) -> bytes:
    """The archive inside changed, its compression made anew."""
    try:
        return gzip.compress(mutate_bytes(gzip.decompress(content), random), 1)
    except (OSError, EOFError, zlib.error):
        return mutate_bytes(content, random)


def _read_archive(content: bytes, folder: Path) -> None:
    path = folder / "cifar-10-python.tar.gz"
    path.write_bytes(content)
    before = set(folder.iterdir())
    target = folder / "data" / "cifar-10-batches-py"
    target.parent.mkdir()
    try:
        import_images(CIFAR_10, path, target, replace=False, on_progress=_ignore)
    finally:
        require(set(folder.iterdir()) == before | {target.parent}, "files beside the target")
    read_cifar10(target)


@cache
def _results() -> list[bytes]:
    rows = {
        "method": pa.array(["rs", "rs", "re", "re"]).dictionary_encode(),
        "space": pa.array([1, 1, 1, 1], pa.int8()),
        "repetition": pa.array([0, 1, 0, 1], pa.int32()),
        "evaluation": pa.array([0, 0, 0, 0], pa.int32()),
        "incumbent_test_error": pa.array([0.1, 0.2, 0.1, 0.3]),
    }
    plan = {"table": {"name": "a table", "sha256": "0" * 64}}
    table = pa.table(rows).replace_schema_metadata({b"oneshot-hpo": json.dumps(plan)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return [buffer.getvalue()]


def _read_results(content: bytes, folder: Path) -> None:
    path = folder / "results.parquet"
    path.write_bytes(content)
    baselines = read_baselines(path, None, str(path))
    require(all(type(space) is int for space in baselines.spaces), "a space is no number")


def _mutate_zip(content: bytes, random: Random) -> bytes:
    """An .npz with its arrays' headers or bytes changed, the archive's own checksums made anew."""
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # no zip any more
        return mutate_bytes(content, random)
    if not members:
        return mutate_bytes(content, random)
    name = random.choice(sorted(members))
    members[name] = mutate_bytes(members[name][: random.choice((128, None))], random)
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return buffer.getvalue()


def _ignore(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def _sample(name: str) -> Callable[[], list[bytes]]:
    return lambda: [_cifar10()[name]]


def _cifar10_reader(name: str) -> Reader:
    read = partial(_read_cifar10, name)
    return Reader(f"CIFAR-10's {name}", _sample(name), mutate_bytes, read, name, 2.0)


READERS = (
    Reader(
        "checkpoints",
        _checkpoints,
        mixed(_mutate_zip),
        _read_checkpoint,
        checkpoint.CHECKPOINT,
    ),
    Reader("tables", _tables, mixed(_mutate_zip), _read_table, "table", 1.0),
    Reader("images", _images, mixed(_mutate_zip), _read_images, "images"),
    Reader("NAS-Bench-101", _records, mixed(_mutate_record), _read_records, "nasbench.tfrecord"),
    _cifar10_reader(META),
    _cifar10_reader(TEST_BATCH),
    Reader(
        "CIFAR-10's archive",
        _archives,
        mixed(_mutate_archive),
        _read_archive,
        "cifar-10-python",
        0.5,
    ),
    Reader("Parquet results", _results, mutate_bytes, _read_results, "results.parquet", 2.0),
    *recorded_readers.readers(_mutate_zip),
)
