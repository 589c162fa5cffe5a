"""A summary of a built table: its errors, their noise, whether they separate cells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.search_spaces import Table
from oneshot_hpo.searchers.data.images import ImageSplits

FEW_IMAGES = 100
"""With fewer, cells whose errors differ by less than a point cannot be separated."""


def image_warnings(data: ImageSplits) -> Iterator[str]:
    """Warnings about errors measured on few images, before anything is trained."""
    fewest = min(len(data.valid), len(data.test))
    if fewest < FEW_IMAGES:
        yield (
            f"warning: of {data.name}'s images {len(data.scratch_train)} are for training, "
            f"{len(data.valid)} for validation and {len(data.test)} for the test: an error moves "
            f"in steps of {100 / fewest:.1f} percentage points, hence many cells will be equal"
        )


def table_lines(out: Path, table: Table, data: ImageSplits) -> Iterator[str]:
    """The size of a table, its errors at the largest budget, and a warning near chance."""
    yield f"{out}: {len(table)} cells, {out.stat().st_size / 1e3:.0f} kB"
    if (part := table.part) is not None:
        yield f"  {part}: analyses can use it, studies cannot"
    budgets = ", ".join(map(str, table.budgets))
    rows = np.arange(len(table))
    repeats = table.errors("test", rows).shape[1]
    yield (
        f"  epochs of training: {budgets}; seeds: {repeats}; images: "
        f"{len(data.scratch_train)} for training, {len(data.valid)} for validation, "
        f"{len(data.test)} for the test"
    )
    means = table.mean_errors("test", rows)
    words = f"best {percent(float(means.min()))}, median {percent(float(np.median(means)))}"
    noise = table.noise("test", rows)
    if noise is None:
        words += "; one seed cannot show the noise between seeds"
    else:
        words += f"; noise between seeds {100 * noise:.2f} percentage points, among the best cells"
    yield f"  test error after the longest training: {words}"
    if (warning := _chance_warning(means, data, repeats)) is not None:
        yield warning


def _chance_warning(means: np.ndarray, data: ImageSplits, repeats: int) -> str | None:
    """None unless half of the cells are no better than always guessing the most frequent class."""
    counts = np.bincount(data.test.labels)
    chance = 1 - counts.max() / counts.sum()
    spread = math.sqrt(chance * (1 - chance) / (counts.sum() * repeats))
    if np.median(means) < chance - 2 * spread:
        return None
    return (
        f"warning: half of the cells are no better than always guessing one class "
        f"({percent(chance)} test error), so the table hardly separates good cells from bad ones: "
        "train longer (--budget), or give it more images"
    )
