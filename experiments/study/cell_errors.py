"""What a table knows of the architectures of a space: errors, each looked up once, and seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces import SearchSpace, SpaceId, Table, get_space, load_table
from oneshot_hpo.search_spaces.table import Best


class CellErrors:
    """A table's mean errors of the architectures of a space, each looked up once."""

    def __init__(self, source: str, space: SpaceId) -> None:
        """`source` is the name or path of a table. TableError: it cannot be read."""
        self.table: Table = load_table(source)
        self.space: SearchSpace = get_space(space)
        self._found: dict[str, tuple[float, float]] = {}

    @cached_property
    def best(self) -> Best:
        """The lowest mean errors of the complete space."""
        return self.table.best(self.space)

    def errors(self, architecture: Mapping[str, Any]) -> tuple[float, float]:
        """Mean validation and test error of an architecture after the largest budget."""
        key = json.dumps(architecture, sort_keys=True)
        if key not in self._found:
            row = self.table.row_of(self.space, self.space.from_document(architecture))
            errors = (self.table.mean_errors(split, row) for split in ("valid", "test"))
            valid, test = map(float, errors)
            self._found[key] = valid, test
        return self._found[key]

    def training_seconds(self, architecture: Mapping[str, Any]) -> float | None:
        """Seconds of training it, mean over the recorded repeats; None: they are not known."""
        if "seconds" not in self.table.metrics:
            return None
        row = self.table.row_of(self.space, self.space.from_document(architecture))
        values = np.atleast_1d(self.table.values("seconds", row))
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else None
