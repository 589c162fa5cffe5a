"""Readers of recorded tables and of NAS-Bench-201's pickles."""

from __future__ import annotations

import pickle
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.experiments.benchmarks.survival.mutation import Mutate, mixed, mutate_bytes
from oneshot_hpo.experiments.benchmarks.survival.reader import Reader, require
from oneshot_hpo.search_spaces import load_table
from oneshot_hpo.search_spaces.nasbench201.official_files import import_file
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.table_file import write_table

_CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
_MAGIC = 0x1950A86A20F9469CFC6C  # torch.save's


def _training(dataset: str, images: str, epochs: int) -> dict[str, Any]:
    last = f"{images}@{epochs - 1}"
    return {
        **{"name": dataset, "seed": "0888", "epochs": epochs, "params": np.float64(0.5)},
        **{"flop": 7.5, "latency": [0.01], "train_times": {0: 1.5}, "eval_times": {}},
        **{"eval_acc1es": {last: 50.0}, "eval_losses": {last: 0.7}, "net_state_dict": None},
    }


@cache
def _pickles() -> list[bytes]:
    """A file of torch.save's older form with one architecture on CIFAR-10."""
    results = {}
    for name, epochs in (("less", 12), ("full", 200)):
        results[name] = {
            "arch_index": 0,
            "arch_str": _CELL,
            "all_results": {
                (dataset, 888): _training(dataset, images, epochs)
                for dataset, images in (("cifar10-valid", "x-valid"), ("cifar10", "ori-test"))
            },
            "dataset_seed": {"cifar10-valid": [888], "cifar10": [888]},
        }
    content = {"meta_archs": [_CELL], "arch2infos": {0: results}, "evaluated_indexes": {0}}
    return [b"".join(pickle.dumps(part, 2) for part in (_MAGIC, 1001, {}, content))]


def _read_pickles(content: bytes, folder: Path) -> None:
    path = folder / "nasbench201.pth"
    path.write_bytes(content)
    _check(import_file(path, lambda done, total: None), folder)


@cache
def _tables() -> list[bytes]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nasbench201.pth").write_bytes(_pickles()[0])
        table = import_file(folder / "nasbench201.pth", lambda done, total: None)
        write_table(table, folder / "table.npz")
        return [(folder / "table.npz").read_bytes()]


def _read_table(content: bytes, folder: Path) -> None:
    path = folder / "table.npz"
    path.write_bytes(content)
    table = load_table(path)
    if isinstance(table, RecordedTable):
        _check(table, folder)


def _check(table: RecordedTable, folder: Path) -> None:
    write_table(table, folder / "again.npz")
    again = load_table(folder / "again.npz")
    require(again.datasets == table.datasets, "a table that is read again has other data sets")
    for dataset in table.datasets:
        opened = table.on(dataset)
        for row in range(min(3, len(table))):
            record = opened.record(row)
            require(record.key == again.key(row), "a table that is read again has other cells")
            require(len(record.values[opened.main_metric("valid")]) > 0, "a row has no valid error")


def readers(mutate_zip: Mutate) -> tuple[Reader, ...]:
    """mutate_zip: changes what is in an .npz, with its checksums made anew."""
    return (
        Reader("recorded tables", _tables, mixed(mutate_zip), _read_table, "table", 1.0),
        Reader("NAS-Bench-201's pickles", _pickles, mutate_bytes, _read_pickles, "nasbench201.pth"),
    )
