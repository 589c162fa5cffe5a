"""The identity of a table that is no file: a checksum of what it says."""

from __future__ import annotations

import hashlib

import numpy as np

from oneshot_hpo.search_spaces.table import MissingCell, Table


def content_checksum(table: Table) -> str:
    """SHA-256 of the keys of all rows and the values of all metrics at all budgets."""
    digest = hashlib.sha256()
    rows = np.arange(len(table))
    for row in rows:
        digest.update(f"{table.key(int(row))}\n".encode())

    for name in sorted(table.metrics):
        for budget in table.budgets:
            try:
                values = table.values(name, rows, budget)
            except MissingCell:
                continue  # measured at other budgets
            digest.update(f"{name} {budget} {np.shape(values)}\n".encode())
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()
