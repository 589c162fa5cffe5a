"""What a table knows of an architecture."""

from __future__ import annotations

import functools

import numpy as np

from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import Architecture, SearchSpace, load_table

opened_table = functools.lru_cache(maxsize=2)(load_table)
"""The table of a name or path: opened once a worker process, not once a trial."""


def table_outcome(table: str, space: SearchSpace, architecture: Architecture) -> Outcome:
    """The table's errors of an architecture; the loss is the mean validation error."""
    opened = opened_table(table)
    row = opened.row_of(space, architecture)
    valid, test = (float(opened.mean_errors(split, row)) for split in ("valid", "test"))
    best = opened.best(space)
    return Outcome(
        loss=valid,
        valid=valid,
        test=test,
        valid_regret=valid - best.valid_error,
        regret=test - best.test_error,
        percentile=opened.percentile(space, architecture),
        document=space.to_document(architecture),
        key=space.key(architecture),
        imputed=opened.rests_on_imputed(space, row),
    )


def valid_repeats(table: str, space: SearchSpace, architecture: Architecture) -> np.ndarray:
    """The validation error of each recorded training of an architecture, float (R,)."""
    opened = opened_table(table)
    repeats = opened.errors("valid", opened.row_of(space, architecture))
    return repeats[~np.isnan(repeats)]
