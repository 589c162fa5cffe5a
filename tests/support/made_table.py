"""A table with what NAS-Bench-101's has not: several data sets, scores, gaps, imputed values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.grouped_space import SPACE

from oneshot_hpo.plugins import Entry
from oneshot_hpo.search_spaces import Metric, MissingCell, SearchSpace, Table, TableError, registry
from oneshot_hpo.search_spaces.table import COST, SCORE, Origin
from oneshot_hpo.search_spaces.table_file import READERS, write_table

SEED = 4


@dataclass(frozen=True, eq=False)
class MadeTable(Table):
    """All 96 configurations of the grouped space, each trained by itself.

    scores: by data set, float (96, budgets, R), of the test images.
    """

    scores: Mapping[str, np.ndarray]
    provenance: Mapping[str, Any]
    budgets: tuple[int, ...] = (1, 3)
    family = "grouped"

    @classmethod
    def new(cls) -> "MadeTable":
        """Scores between 0.2 and 0.8; every fifth row lacks its third repeat."""
        rng = np.random.default_rng(SEED)
        scores = {}
        for name in ("shapes", "faces"):
            scores[name] = rng.uniform(0.2, 0.8, (96, 2, 3))
            scores[name][::5, :, 2] = np.nan
        return cls(scores, {"name": "made on shapes", "dataset": "shapes"})

    def __len__(self) -> int:
        return 96

    @property
    def metrics(self) -> Mapping[str, Metric]:
        score = Metric(higher_is_better=True, kind=SCORE)
        cost = Metric("s", kind=COST)
        return {"valid_ssim": score, "test_ssim": score, "seconds": cost, "latency": cost}

    def values(self, metric: str, rows, budget: int | None = None) -> np.ndarray:
        if metric == "latency":
            if self.column(budget) != 1:
                raise MissingCell("latency is of 3 epochs")
            return np.asarray(rows, float)[..., None]
        if metric == "seconds":
            return 1.0 + np.asarray(rows, float)[..., None]
        if metric not in self.metrics:
            raise MissingCell(f"no {metric}")
        dataset = self.dataset
        assert dataset is not None
        return self.scores[dataset][rows, self.column(budget)]

    def origin(self, metric: str, rows, budget: int | None = None) -> np.ndarray:
        if metric != "test_ssim":
            return super().origin(metric, rows, budget)
        return np.where(np.asarray(rows) < 10, Origin.IMPUTED, Origin.REAL).astype(np.uint8)

    def main_metric(self, split: str) -> str:
        return f"{split}_ssim"

    @property
    def datasets(self) -> tuple[str, ...]:
        return tuple(self.scores)

    def on(self, dataset: str) -> Table:
        if dataset not in self.scores:
            return super().on(dataset)
        return replace(self, provenance={"name": f"made on {dataset}", "dataset": dataset})

    def key(self, row: int) -> str:
        return SPACE.key(SPACE.architecture(row))

    def entries(self, space: SearchSpace) -> np.ndarray:
        self.check_space(space)
        return np.arange(96)

    def entry_of(self, space: SearchSpace) -> np.ndarray:
        self.check_space(space)
        return np.arange(96)

    def stored(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return dict(self.provenance), {f"scores_{k}": v for k, v in self.scores.items()}


def of_arrays(arrays: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> MadeTable:
    """Read it back."""
    scores = {k.removeprefix("scores_"): v for k, v in arrays.items() if k.startswith("scores_")}
    if not scores:
        raise TableError("it has no scores")
    return MadeTable(scores, document)


def registered(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """The file of the table, which commands can open now, and whose space they know."""
    grouped = Entry(
        kind="space", name="grouped", target="support.grouped_space:SPACE", summary="a made one"
    )
    monkeypatch.setattr(registry, "ENTRIES", (*registry.ENTRIES, grouped))
    monkeypatch.setitem(READERS, "grouped", ("support.made_table", "of_arrays"))
    path = folder / "made.npz"
    write_table(MadeTable.new(), path)
    return path
