"""A sample: the test regrets of one method in one space, one per seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.search_spaces import SpaceId

Origin = tuple[Path, str]
"""A file or folder, resolved, and a setting or method in it."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The test regrets of a method, as shares in [0, 1]; infinite for a crash."""

    method: str
    """The name in a table's row: "darts tuned in cs2", "random_search"."""
    source: str
    """Its source, as the user named it."""
    origin: Origin
    """Equal for equal samples, however they were named."""
    table: str
    """The name of the table of trained cells."""
    space: SpaceId
    """Search space 1, 2 or 3, or the name of another."""
    regrets: NDArray[np.float64]
    """(n,) test regrets."""
    seeds: tuple[int, ...] | None = None
    """(n,) the seed of each; None: seeds are not comparable with other samples."""
    seconds: float | None = None
    """Mean seconds of one search on one worker; None if another run costs next to nothing."""
    budget: float | None = None
    """Epochs of a search; None for methods without them."""
    evaluations: int | None = None
    """Evaluations after which the incumbent was taken, or those of its study."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that distinguish it from other samples of its method."""

    @property
    def crashed(self) -> int:
        """Number of searches that crashed."""
        return int(np.isinf(self.regrets).sum())

    @property
    def mean(self) -> float:
        """Mean regret of the searches that did not crash; NaN if all did."""
        finite = self.regrets[np.isfinite(self.regrets)]
        return float(finite.mean()) if len(finite) else float("nan")

    @property
    def deviation(self) -> float:
        """Standard deviation of the searches that did not crash; NaN for fewer than two."""
        finite = self.regrets[np.isfinite(self.regrets)]
        return float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")


def matched(first: Sample, second: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """The regrets of two samples for a test, and whether they are pairs with the same seed.

    If the samples have seeds in common, only those are paired; else all values are used.
    """
    common = set(first.seeds or ()) & set(second.seeds or ())
    if not common:
        return first.regrets, second.regrets, False
    assert first.seeds is not None
    assert second.seeds is not None
    one = dict(zip(first.seeds, first.regrets, strict=True))
    two = dict(zip(second.seeds, second.regrets, strict=True))
    order = [seed for seed in first.seeds if seed in common]
    return np.array([one[s] for s in order]), np.array([two[s] for s in order]), True
