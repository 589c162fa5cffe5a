"""A sample: the test regrets of one method in one space, one per seed; without a table, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.sequential.rule import Standing
from oneshot_hpo.search_spaces import SpaceId

REGRET = "test regret"

Origin = tuple[Path, str]
"""A file or folder, resolved, and a setting or method in it."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The results of a method, one a seed; infinite for a crash."""

    method: str
    """The name in a table's row: "darts tuned in cs2", "random_search"."""
    source: str
    """Its source, as the user named it."""
    origin: Origin
    """Equal for equal samples, however they were named."""
    table: str | None
    """The name of the table of trained cells; None: there is none."""
    space: SpaceId | None
    """Search space 1, 2 or 3, or the name of another; None: a command's study names none."""
    values: NDArray[np.float64]
    """(n,) test regrets as shares in [0, 1], or what `measure` says; lower is better."""
    seeds: tuple[int, ...] | None = None
    """(n,) the seed of each; None: seeds are not comparable with other samples."""
    seconds: float | None = None
    """Mean seconds of one search on one worker; None if another run costs next to nothing."""
    budget: float | None = None
    """Epochs of a search; None for methods without them."""
    evaluations: int | None = None
    """Evaluations after which the incumbent was taken, or those of its study."""
    measure: str = REGRET
    """What the values are; a study without a table has no regrets, only errors or losses."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that distinguish it from other samples of its method."""
    standing: Standing | None = None
    """Of the sequential rule that decides how many pairs it forms with the other of its study."""

    @property
    def crashed(self) -> int:
        """Number of searches that crashed."""
        return int(np.isinf(self.values).sum())

    @property
    def mean(self) -> float:
        """Mean of the searches that did not crash; NaN if all did."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite.mean()) if len(finite) else float("nan")

    @property
    def deviation(self) -> float:
        """Standard deviation of the searches that did not crash; NaN for fewer than two."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")


def shared_standing(first: Sample, second: Sample) -> Standing | None:
    """The state of the sequential rule that compares these two; None: there is no such rule."""
    same = first.origin[0] == second.origin[0] and first.standing == second.standing
    return first.standing if same else None


def matched(first: Sample, second: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """The values of two samples for a test, and whether they are pairs with the same seed.

    If the samples have seeds in common, only those are paired; else all values are used.
    """
    common = set(first.seeds or ()) & set(second.seeds or ())
    if not common:
        return first.values, second.values, False
    assert first.seeds is not None
    assert second.seeds is not None
    one = dict(zip(first.seeds, first.values, strict=True))
    two = dict(zip(second.seeds, second.values, strict=True))
    order = [seed for seed in first.seeds if seed in common]
    return np.array([one[s] for s in order]), np.array([two[s] for s in order]), True
