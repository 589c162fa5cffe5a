"""The table: each chain up to isomorphism, trained alone on digits (by make_table.py)."""

import csv
from importlib.resources import files

import numpy as np

from chain_nas.space import SPACE
from oneshot_hpo.search_spaces import Metric, Table
from oneshot_hpo.search_spaces.recording import Recording
from oneshot_hpo.search_spaces.table import COST

METRICS = {"valid_error": Metric(), "test_error": Metric(), "seconds": Metric("s", kind=COST)}


def trained_chains() -> Table:
    lines = (files("chain_nas") / "trained.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines))
    keys = [SPACE.key(SPACE.architecture(int(number))) for number in SPACE.unique.first]
    recording = Recording("chains", SPACE, range(len(keys)), of_cells=True)

    def column(metric: str, epochs: str) -> np.ndarray:
        """One row a chain, one column a seed."""
        used = [row for row in rows if row["epochs"] == epochs]
        return np.array([[float(r[metric]) for r in used if r["chain"] == key] for key in keys])

    for epochs in ("1", "3"):
        for metric, kind in METRICS.items():
            recording.add("digits", metric, kind, column(metric, epochs), int(epochs))
    recording.add("digits", "parameters", Metric(kind=COST), column("parameters", "3")[:, :1])
    return recording.table({"script": "make_table.py"}, [])
