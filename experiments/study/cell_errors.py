"""What a table says of the cells of a space, each looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from oneshot_hpo.search_spaces import Architecture, SearchSpace, TrainedCells, get_space, load_table
from oneshot_hpo.search_spaces.table import Best


class CellErrors:
    """A table's mean errors of the cells of a space, each looked up once."""

    def __init__(self, source: str, space: int) -> None:
        """`source` is the name or path of a table. TableError: it cannot be read."""
        self.table: TrainedCells = load_table(source)
        self.space: SearchSpace = get_space(space)
        self._found: dict[Architecture, tuple[float, float]] = {}

    @cached_property
    def best(self) -> Best:
        """The lowest mean errors of the complete space."""
        return self.table.best(self.space)

    def errors(self, architecture: Mapping[str, Any]) -> tuple[float, float]:
        """Mean validation and test error of an architecture after the largest budget."""
        key = Architecture.from_dict(architecture)
        if key not in self._found:
            entry = self.table.query(self.space.cell(key))
            self._found[key] = entry.valid_error, entry.test_error
        return self._found[key]
