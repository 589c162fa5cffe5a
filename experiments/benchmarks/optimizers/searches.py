"""The problem that studies have: one-shot searches on the digits, from a table of real ones.

A line of the table is a search: its space (cs2 or cs3), the number of its configuration, the
configuration, the epochs, the seed, and the validation and test error of the cell found, null where
the search diverged, and its processor seconds. `make_searches` makes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.benchmarks.optimizers.problem import NearestRow, Problem
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo.bohb.encoding import Encoding

SHIPPED = Path(__file__).with_name("searches.jsonl")
"""The table, once it is made."""
EPOCHS = (12, 25, 50)
SPACES: dict[str, tuple[str, ...]] = {"cs2": (), "cs3": ("search.arch_learning_rate=0.003",)}
"""By configuration space, what differs from the shipped study `quickstart`: there the rate of the
architecture follows a rule, and cs3 is to tune it."""


class Search(NamedTuple):
    """One search of the table."""

    space: str
    number: int
    """Of its configuration; 0 is the default."""
    epochs: int
    seed: int


class Result(NamedTuple):
    """What it found."""

    config: dict[str, Any]
    valid_error: float | None
    """Of the cell found; None: the search diverged."""
    test_error: float | None
    seconds: float


def searches_study(space_name: str) -> StudySpec:
    """The study whose searches these are: the shipped `quickstart` with other budgets."""
    budgets = f"min_budget={EPOCHS[0]}", f"max_budget={EPOCHS[-1]}"
    return load_study("quickstart", [f"config_space={space_name}", *budgets, *SPACES[space_name]])


def read_searches(path: Path) -> dict[Search, Result]:
    """The searches that a file has."""
    return read_rows(path, lambda row: (Search(*row["search"]), Result(*row["result"])))


def append_search(path: Path, search: Search, result: Result) -> None:
    """Add a finished search to a file."""
    append_row(path, {"search": search, "result": result})


def searches_problem(path: Path, space_name: str) -> Problem:
    """The problem of a configuration space. UserError: the file has no whole configuration."""
    found = {one: result for one, result in read_searches(path).items() if one.space == space_name}
    numbers = sorted(_whole(found))
    if not numbers:
        raise UserError(
            f"{path}: no configuration of {space_name} was searched with every number of epochs; "
            "make the table with python -m "
            "oneshot_hpo.experiments.benchmarks.optimizers.make_searches"
        )
    seeds = sorted({one.seed for one in found})
    shape = len(numbers), len(EPOCHS), len(seeds)
    losses, seconds = np.full(shape, np.nan), np.full(shape, np.nan)
    rows: dict[int, dict[str, Any]] = {}
    for one, result in found.items():
        if one.number not in numbers:
            continue
        place = numbers.index(one.number), EPOCHS.index(one.epochs), seeds.index(one.seed)
        losses[place] = np.inf if result.valid_error is None else result.valid_error
        seconds[place] = result.seconds
        rows[one.number] = result.config

    space = searches_study(space_name).configuration_space()
    return Problem(
        name=f"searches:{space_name}",
        space=space,
        fidelities=EPOCHS,
        eta=2,
        find_row=NearestRow(Encoding(space), [rows[number] for number in numbers]),
        losses=losses,
        costs=np.nanmean(seconds, axis=2),
    )


def _whole(searches: Iterable[Search]) -> set[int]:
    """The numbers of configurations that were searched with every number of epochs."""
    epochs: dict[int, set[int]] = defaultdict(set)
    for one in searches:
        epochs[one.number].add(one.epochs)
    return {number for number, seen in epochs.items() if seen >= set(EPOCHS)}
