"""The scores without training that methods may know: columns of a table or of a file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from oneshot_hpo.search_spaces import SpaceId, enumerable, get_space, load_table
from oneshot_hpo.search_spaces.score_file import read_scores
from oneshot_hpo.search_spaces.table import PROXY, MissingCell, mean_of


class Features(NamedTuple):
    """What a problem says of its architectures, which are the table's entries of a space.

    architecture_of: int (C,), the entry of every configuration. scores: by name, float (E,), larger
    is better. seconds: of scoring them all, those of the file; 0 without one.
    """

    architecture_of: np.ndarray
    scores: Mapping[str, np.ndarray]
    seconds: float


@lru_cache(maxsize=3)
def features(table: str, space: SpaceId, file: Path | None = None) -> Features:
    """The table's scores and numbers of parameters, and the file's columns, which come before them.

    Raises TableError, and MissingCell for a file that lacks an architecture.
    """
    opened, searched = load_table(table), enumerable(get_space(space))
    rows = opened.entries(searched)
    found: dict[str, np.ndarray] = {}
    for name, metric in opened.metrics.items():
        if metric.kind == PROXY:
            try:
                values = mean_of(opened.values(name, rows))
            except MissingCell:
                continue  # of another data set of the table
            found[name] = values if metric.higher_is_better else -values
    parameters = opened.parameters_of(rows)
    if parameters is not None:
        found["parameters"] = np.asarray(parameters, float)

    seconds = 0.0
    if file is not None:
        scores = read_scores(file)
        places = scores.places(opened, rows)
        found |= {name: column[places] for name, column in scores.columns.items()}
        seconds = float(scores.seconds[np.unique(places)].sum())
    return Features(opened.entry_of(searched), found, seconds)
