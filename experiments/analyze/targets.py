"""What ranks of supernets are compared with: an error of a table, after one of its budgets."""

from __future__ import annotations

from dataclasses import dataclass

from oneshot_hpo.experiments.analyze.inputs import words
from oneshot_hpo.experiments.analyze.ranks import Array
from oneshot_hpo.experiments.analyze.sample import Sample
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import EnumerableSpace, Table

_SPLITS = {"test": "test error", "valid": "validation error"}


@dataclass(frozen=True)
class Target:
    """Mean errors of a table on one set of images, after `budget` epochs; None: the most."""

    split: str
    budget: int | None = None

    @property
    def key(self) -> str:
        """As it is written on the command line: "test", "valid@12"."""
        return self.split if self.budget is None else f"{self.split}@{self.budget}"

    @property
    def words(self) -> str:
        """For sentences: "test error", "validation error after 12 epochs"."""
        error = _SPLITS[self.split]
        return error if self.budget is None else f"{error} after {self.budget} epochs"

    def errors(self, table: Table, space: EnumerableSpace, sample: Sample) -> Array:
        """Of the cells of a sample, (n,). MissingCell: the table does not have them."""
        rows = table.entries(space)[table.entry_of(space)[sample.configurations]]
        return table.mean_errors(self.split, rows, self.budget)


TEST = Target("test")


def read_targets(text: str) -> list[Target]:
    """Targets with commas, each "test", "valid", or one of these "@EPOCHS". UserError: others."""
    return [_target(word) for word in words(text, "--against")]


def _target(word: str) -> Target:
    split, at, budget = word.partition("@")
    if split not in _SPLITS or (at and not (budget.isdecimal() and len(budget) < 10)):
        raise UserError(
            f"--against {word}: give test or valid, or one of these after so many epochs: valid@12"
        )
    return Target(split, int(budget) if at else None)
