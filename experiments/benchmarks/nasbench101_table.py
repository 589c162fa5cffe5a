"""NAS-Bench-101: import of a file, opening of the result, queries one by one and by the million,
and reads of the statistics that Google's interface gives.

    python -m oneshot_hpo.experiments.benchmarks.nasbench101_table nasbench_only108.tfrecord

Each figure is from a process of its own. Memory: the largest resident set of the import; what
opening and a first query add to a process that has loaded the packages.
"""

from __future__ import annotations

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from oneshot_hpo.search_spaces import load_table
from oneshot_hpo.search_spaces.nasbench import api
from oneshot_hpo.search_spaces.nasbench101.graphs import unpack
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.nasbench101.trained_cells import trained_cells
from oneshot_hpo.search_spaces.table_file import write_table

_QUERIES = 5_000
_MANY = 1_000_000
_READS = 20_000


def measure_import(source: str, target: str) -> dict[str, float]:
    """Seconds and memory of an import, and the size of what it writes."""
    started = time.perf_counter()
    table = import_tfrecord(Path(source), lambda done, size: None)
    write_table(table, Path(target))
    return {
        "import_seconds": time.perf_counter() - started,
        "import_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "cells": len(table),
        "file_megabytes": Path(target).stat().st_size / 1e6,
    }


def measure_opening(target: str) -> dict[str, float]:
    """Seconds and memory from a path to the first answer."""
    before, started = _resident(), time.perf_counter()
    table = trained_cells(load_table(target))
    opened, after = time.perf_counter(), _resident()
    table.query(table.cell(0))
    return {
        "open_seconds": opened - started,
        "open_megabytes": after - before,
        "first_query_seconds": time.perf_counter() - opened,
        "open_and_query_megabytes": _resident() - before,
    }


def measure_queries(target: str) -> dict[str, float]:
    """Median of single queries by matrix and operations, and seconds of a million at once."""
    nasbench = api.NASBench(target, seed=0)
    rng = np.random.default_rng(0)
    single = []
    for row in rng.integers(len(nasbench.table), size=_QUERIES):
        cell = nasbench.table.cell(row)
        matrix, operations = np.array(cell.matrix), list(cell.operations)
        started = time.perf_counter()
        nasbench.query(api.ModelSpec(matrix, operations))
        single.append(time.perf_counter() - started)

    table = trained_cells(load_table(target))
    rows = rng.integers(len(table), size=_MANY)
    adjacency, labels = unpack(table.graphs[rows])
    # Outputs are at the end of the smaller cells: move them to the last vertex.
    has_parents = np.asarray(adjacency.any(1))
    last = 6 - has_parents[:, ::-1].argmax(1)
    for size in range(1, 6):
        small = np.flatnonzero(last == size)
        adjacency[small, :, 6] = adjacency[small, :, size]
        adjacency[small, :, size] = False
    operations_of_many = np.maximum(labels[:, 1:-1], 0)
    started = time.perf_counter()
    found = table.find(adjacency, operations_of_many)
    errors = table.valid_errors(found).mean(1)
    seconds = time.perf_counter() - started
    assert (found == rows).all() and len(errors) == _MANY
    return {
        "query_microseconds": float(np.median(single)) * 1e6,
        "query_microseconds_99": float(np.percentile(single, 99)) * 1e6,
        "million_seconds": seconds,
    }


def measure_statistics(target: str) -> dict[str, float]:
    """Processor time of a read, first and second, in random and in the table's order; of a copy."""
    hashes = list(api.NASBench(target).hash_iterator())
    drawn = np.random.default_rng(0).permutation(len(hashes))[:_READS]
    orders = {"random": [hashes[row] for row in drawn], "ordered": hashes[:_READS]}
    figures = {}
    for order, wanted in orders.items():
        nasbench = api.NASBench(target)
        for name in ("computed", "fixed"):
            statistics = getattr(nasbench, f"{name}_statistics")
            for time_of_reading in ("first", "second"):
                started = time.process_time()
                for module_hash in wanted:
                    statistics[module_hash]
                seconds = (time.process_time() - started) / len(wanted)
                figures[f"{name}_{order}_{time_of_reading}_microseconds"] = seconds * 1e6

        started = time.process_time()
        for module_hash in wanted:
            nasbench.get_metrics_from_hash(module_hash)
        seconds = (time.process_time() - started) / len(wanted)
        figures[f"metrics_{order}_microseconds"] = seconds * 1e6
    return figures


def _resident() -> float:
    """This process's resident set in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Run the parts, each in a new process, and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tfrecord", help="an official file, or one in its format")
    source = parser.parse_args().tfrecord
    with TemporaryDirectory() as folder:
        target = str(Path(folder) / "nasbench101.npz")
        for part, arguments in (
            (measure_import, (source, target)),
            (measure_opening, (target,)),
            (measure_queries, (target,)),
            (measure_statistics, (target,)),
        ):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                figures = process.submit(part, *arguments).result()
            for name, value in figures.items():
                print(f"{name:36}{value:14.4f}")


if __name__ == "__main__":
    main()
