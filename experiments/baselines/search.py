"""Some repetitions of a method in a space: ask, look up in a table, tell."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from oneshot_hpo.experiments.baselines.plan import BaselinePlan, Block
from oneshot_hpo.experiments.objectives.section import DRAW, TEST_MEAN
from oneshot_hpo.hpo.baselines import Problem, make_optimizer
from oneshot_hpo.search_spaces import (
    EnumerableSpace,
    SpaceId,
    Table,
    enumerable,
    get_space,
    load_table,
)
from oneshot_hpo.search_spaces.table import MissingCell, mean_of


class Answers(NamedTuple):
    """A table's values for a configuration of each of R repetitions: arrays (R,)."""

    losses: np.ndarray
    """The errors that a method sees, of validation images unless it selects on test."""
    seconds: np.ndarray
    """Training times."""


@dataclass(frozen=True, eq=False)
class TableObjective:
    """A table's entries of one space, its cells, as a function to be minimised.

    rows: int (U,), the cells' rows in the table. of_configuration: int (C,), the cell of every
    configuration. valid_errors, seconds: by budget,
    float (U, repeats), NaN where one is absent. mean_valid_errors, mean_seconds: by budget, float
    (U,), means of the repeats; test_errors: float (U,), likewise, after the largest budget.
    mean_test_errors: by budget, where the table has them.
    """

    space: EnumerableSpace
    rows: np.ndarray
    of_configuration: np.ndarray
    valid_errors: dict[int, np.ndarray]
    mean_valid_errors: dict[int, np.ndarray]
    mean_test_errors: dict[int, np.ndarray]
    seconds: dict[int, np.ndarray]
    mean_seconds: dict[int, np.ndarray]
    test_errors: np.ndarray

    @classmethod
    def of_table(cls, table: str, space: SpaceId) -> TableObjective:
        """The objective from a table's name or file."""
        trained, searched = load_table(table), enumerable(get_space(space))
        rows = trained.entries(searched)
        seconds = {budget: trained.seconds(rows, budget) for budget in trained.budgets}
        return cls(
            space=searched,
            rows=rows,
            of_configuration=trained.entry_of(searched),
            valid_errors={b: trained.errors("valid", rows, b) for b in trained.budgets},
            mean_valid_errors={b: trained.mean_errors("valid", rows, b) for b in trained.budgets},
            mean_test_errors=mean_test_errors(trained, rows),
            seconds=seconds,
            mean_seconds={budget: mean_of(times) for budget, times in seconds.items()},
            test_errors=trained.mean_errors("test", rows),
        )

    def ask_mean(self, cells: np.ndarray, budget: int) -> Answers:
        """Means over the repeats of R cells."""
        return Answers(self.mean_valid_errors[budget][cells], self.mean_seconds[budget][cells])

    def ask_test_mean(self, cells: np.ndarray, budget: int) -> Answers:
        """Means over the repeats of R cells, with test errors in place of validation errors."""
        return Answers(self.mean_test_errors[budget][cells], self.mean_seconds[budget][cells])

    def ask_repeat(self, cells: np.ndarray, budget: int, uniform: np.ndarray) -> Answers:
        """One repeat of each of R cells, drawn by (R,) numbers in [0, 1)."""
        errors, seconds = self.valid_errors[budget][cells], self.seconds[budget][cells]
        return Answers(_drawn(errors, uniform), _drawn(seconds, uniform))


@dataclass(frozen=True, eq=False)
class Trace:
    """All evaluations of a block: T of each of R repetitions, in their order.

    budgets (T,); configurations, cells, losses, seconds (R, T). within: bool (R, T), whether an
    evaluation ended within the plan; of each repetition the first ones did.
    """

    budgets: np.ndarray
    configurations: np.ndarray
    cells: np.ndarray
    losses: np.ndarray
    seconds: np.ndarray
    within: np.ndarray


def search(plan: BaselinePlan, block: Block, objective: TableObjective) -> Trace:
    """Ask, look up, tell, until the next evaluation would exceed the plan.

    Where seconds are its limit, repetitions differ in their numbers of evaluations: all continue
    until the last one has spent them.
    """
    problem: Problem = plan.problem(block.space)
    seeds = [
        repetition_seed(plan.seed, block.method, block.space, block.first + i).spawn(2)
        for i in range(block.count)
    ]
    optimizer = make_optimizer(
        block.method, problem, plan.settings[block.method], [own for own, _ in seeds]
    )
    noise = [np.random.default_rng(drawn) for _, drawn in seeds]

    left = math.inf if plan.evaluations is None else plan.evaluations * problem.full
    limit = math.inf if plan.seconds is None else plan.seconds
    elapsed = np.zeros(block.count)
    steps: list[tuple[Any, ...]] = []
    while left >= problem.budgets[0] and elapsed.min() <= limit:
        proposal = optimizer.ask()
        budget = int(proposal.budget)
        left -= budget
        if left < 0:
            break

        numbers = objective.space.configurations(proposal.configurations)
        cells = objective.of_configuration[numbers]
        if plan.objective == DRAW:
            uniform = np.array([generator.random() for generator in noise])
            answers = objective.ask_repeat(cells, budget, uniform)
        elif plan.objective == TEST_MEAN:
            answers = objective.ask_test_mean(cells, budget)
        else:
            answers = objective.ask_mean(cells, budget)
        optimizer.tell(answers.losses)
        steps.append((budget, numbers, cells, *answers))
        if plan.seconds is not None:
            elapsed += answers.seconds

    budgets, *columns = zip(*steps, strict=True)
    numbers, cells, losses, seconds = (np.stack(column, axis=1) for column in columns)
    within = np.ones(losses.shape, bool)
    if plan.seconds is not None:
        within = np.cumsum(seconds, axis=1) <= plan.seconds
    return Trace(np.array(budgets), numbers, cells, losses, seconds, within)


def mean_test_errors(table: Table, rows: np.ndarray) -> dict[int, np.ndarray]:
    """Mean test errors of rows, float (U,), by budget; budgets without them are left out."""
    found = {}
    for budget in table.budgets:
        with suppress(MissingCell):
            found[budget] = table.mean_errors("test", rows, budget)
    return found


def repetition_seed(
    seed: int, method: str, space: SpaceId, repetition: int
) -> np.random.SeedSequence:
    """The seed of a repetition, independent of others and of how the run is cut into blocks."""
    return np.random.SeedSequence(
        [seed, int.from_bytes(method.encode()), get_space(space).entropy, repetition]
    )


def _drawn(repeats: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One of the repeats that there are in each row (N, R), by numbers (N,) in [0, 1)."""
    absent = np.isnan(repeats)
    place = (uniform * (~absent).sum(1)).astype(np.int64)
    order = np.argsort(absent, axis=1, kind="stable")  # those that there are come first
    rows = np.arange(len(repeats))
    drawn: np.ndarray = repeats[rows, order[rows, place]]
    return drawn
