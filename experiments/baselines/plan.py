"""The plan of a run of baselines: checked, cut into blocks, and written down."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.baselines.features import Features, features
from oneshot_hpo.experiments.baselines.methods import method_names, method_settings
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.section import DRAW, MEAN, TEST_MEAN
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.hpo.baselines import InvalidBaseline, Problem, known_method, make_optimizer
from oneshot_hpo.search_spaces import SpaceId, enumerable, get_space, load_table, space_ids
from oneshot_hpo.search_spaces.table import mean_of
from oneshot_hpo.search_spaces.table_file import table_checksum

OBJECTIVES = (MEAN, DRAW, TEST_MEAN)
EVALUATIONS = 280
"""Of a repetition, where no other limit is chosen."""

CONVENTIONS = {
    "evaluations": "an evaluation at a budget below the largest counts budget / largest budget",
    "incumbent": "lowest validation error at the largest budget evaluated so far, first of equals",
    "valid_error": "what the method was told: mean of the repeats, or a repeat drawn at each query",
    "test_error": "mean of the repeats after the largest budget",
    "simulated_seconds": "training times of all evaluations so far, one after the other",
}
_ON_TEST = {
    "incumbent": "lowest test error at the largest budget evaluated so far, first of equals",
    "valid_error": "what the method was told: mean test error of the repeats (selection on test)",
}

_PACKAGES = ("oneshot-hpo", "numpy", "scipy", "ConfigSpace", "smac", "scikit-learn", "pyarrow")
_BLOCK = 50  # repetitions that run side by side
_ONE_BY_ONE = ("smac", "weak", "pnas")  # methods that gain nothing from that


@dataclass(frozen=True)
class Block:
    """Some repetitions of a method in a space: the unit that is computed, kept and resumed."""

    method: str
    space: SpaceId
    first: int
    """Its first repetition."""
    count: int
    """The number of its repetitions."""

    @property
    def key(self) -> str:
        """A name for its file; blocks of a method and a space sort by it in their order."""
        space = str(self.space).rpartition(":")[2]  # of a plug-in, its name alone
        return f"{self.method}-{space}-{self.first:07}"


@dataclass(frozen=True, kw_only=True)
class BaselinePlan:
    """Everything that decides the results; equal plans have equal results.

    table: digits, nasbench101 or a file. objective: one of OBJECTIVES, see `conventions`.
    settings: by method, of its settings class.
    evaluations: of a repetition, in full ones; None where `seconds` of simulated training are its
    limit. budget: of every evaluation, in epochs; None: methods may use all budgets of the table.
    scores: a file of scores beside the table.
    """

    table: str
    spaces: tuple[SpaceId, ...]
    methods: tuple[str, ...]
    settings: Mapping[str, Any]
    evaluations: int | None
    repetitions: int
    seed: int
    objective: str
    seconds: float | None = None
    budget: int | None = None
    scores: Path | None = None

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets of evaluations, in epochs, ascending."""
        return load_table(self.table).budgets if self.budget is None else (self.budget,)

    def evaluations_in(self, space: SpaceId) -> int:
        """Full evaluations of a repetition: where seconds are its limit, what they buy on average.

        A method may know this number; the limit itself is held repetition by repetition.
        """
        if self.evaluations is not None:
            return self.evaluations
        assert self.seconds is not None
        return math.ceil(self.seconds / _full_seconds(self.table, space, self.budgets[-1]).mean())

    @property
    def limit(self) -> str:
        """The limit of a repetition, in words."""
        if self.seconds is None:
            return f"{self.evaluations} evaluations"
        return f"{self.seconds:,g} simulated seconds"

    def problem(self, space: SpaceId) -> Problem:
        """The problem in a space, as an optimizer may know it."""
        known = self.features(space)
        return Problem(
            choices=enumerable(get_space(space)).radices,
            budgets=self.budgets,
            evaluations=self.evaluations_in(space),
            noisy=self.objective == "draw",
            architecture_of=known.architecture_of,
            features=known.scores,
        )

    def features(self, space: SpaceId) -> Features:
        """What methods may know of the architectures of a space."""
        return features(self.table, space, self.scores)

    @property
    def blocks(self) -> list[Block]:
        """All blocks, sorted by method, space and repetition."""
        return [
            Block(method, space, first, min(size, repetitions - first))
            for method in self.methods
            for repetitions in [self.repetitions_of(method)]
            for size in [1 if method in _ONE_BY_ONE else _BLOCK]
            for space in self.spaces
            for first in range(0, repetitions, size)
        ]

    def repetitions_of(self, method: str) -> int:
        """The number of repetitions of a method; an expensive one may have fewer."""
        return min(
            self.repetitions, getattr(self.settings[method], "repetitions", self.repetitions)
        )

    @property
    def conventions(self) -> dict[str, str]:
        """What the numbers of the results mean."""
        return CONVENTIONS | (_ON_TEST if self.objective == TEST_MEAN else {})

    @cached_property
    def document(self) -> dict[str, Any]:
        """The plan for a JSON file: settings, conventions, versions, the table's checksum."""
        chosen: dict[str, Any] = {"seconds": self.seconds, "budget": self.budget, "scores": None}
        if self.scores is not None:
            checksum = hashlib.sha256(self.scores.read_bytes()).hexdigest()
            chosen["scores"] = {"sha256": checksum}
        return {
            "table": {"name": load_table(self.table).name, "sha256": table_checksum(self.table)},
            "spaces": list(self.spaces),
            "methods": {
                method: dataclasses.asdict(self.settings[method]) for method in self.methods
            },
            "evaluations": self.evaluations,
            "repetitions": self.repetitions,
            "seed": self.seed,
            "objective": self.objective,
            "conventions": self.conventions,
            "versions": machine.versions(filter(_is_installed, _PACKAGES)),
        } | {name: value for name, value in chosen.items() if value is not None}


def make_plan(
    *,
    table: str,
    spaces: Sequence[str],
    methods: str,
    overrides: Sequence[str],
    evaluations: int | None,
    repetitions: int,
    seed: int,
    objective: str,
    seconds: float | None = None,
    budget: int | None = None,
    scores: Path | None = None,
) -> BaselinePlan:
    """The plan of a command line. Raises UserError, or another of this project's errors."""
    if evaluations is not None and seconds is not None:
        raise UserError("--evaluations and --seconds: choose one of them as the limit")
    if evaluations is None and seconds is None:
        evaluations = EVALUATIONS
    if (evaluations is not None and evaluations < 1) or repetitions < 1:
        raise UserError(
            f"--evaluations and --repetitions must be 1 or more, not {evaluations} and "
            f"{repetitions}"
        )
    if objective not in OBJECTIVES:
        known = f"{', '.join(OBJECTIVES[:-1])} or {OBJECTIVES[-1]}"
        raise UserError(f"--objective is {known}, not {objective!r}")

    names = method_names(methods)
    plan = BaselinePlan(
        table=table,
        spaces=space_ids(",".join(spaces)),
        methods=names,
        settings=method_settings(names, overrides),
        evaluations=evaluations,
        repetitions=repetitions,
        seed=seed,
        objective=objective,
        seconds=seconds,
        budget=budget,
        scores=scores,
    )

    opened = load_table(table)
    for space in plan.spaces:
        opened.best(get_space(space), budget)  # every entry of the space is there
        if objective == TEST_MEAN:
            for each in plan.budgets:  # the table has test errors after each of them
                opened.mean_errors("test", opened.entries(get_space(space)), each)
        if seconds is not None:
            _check_seconds(plan, space, seconds)
        for method in plan.methods:
            try:
                make_optimizer(method, plan.problem(space), plan.settings[method], [])
            except InvalidBaseline as error:
                one = table == "nasbench101" and len(opened.budgets) == 1 and budget is None
                hint = "; `oneshot-hpo data fetch nasbench_full` has all" if one else ""
                raise UserError(f"{method}, table of {opened.name}: {error}{hint}") from None
    return plan


def _check_seconds(plan: BaselinePlan, space: SpaceId, seconds: float) -> None:
    """UserError unless the table has times, and one training at least fits into the seconds."""
    times = _full_seconds(plan.table, space, plan.budgets[-1])
    name = load_table(plan.table).name
    if not np.isfinite(times).all() or times.min() <= 0:
        raise UserError(f"--seconds: the table of {name} has no training times; use --evaluations")
    if not times.max() <= seconds:  # nor a NaN
        raise UserError(
            f"--seconds {seconds:g}: the longest training of {name} takes {times.max():,.0f} "
            "seconds; a repetition needs one evaluation at least"
        )
    if seconds / times.mean() > bounds.EVALUATIONS:
        raise UserError(
            f"--seconds {seconds:g}: more than {bounds.EVALUATIONS:,} evaluations of a repetition"
        )


@lru_cache(maxsize=8)
def _full_seconds(table: str, space: SpaceId, budget: int) -> np.ndarray:
    """Mean training times of a space's entries at a budget, float (E,)."""
    opened = load_table(table)
    return mean_of(opened.seconds(opened.entries(get_space(space)), budget))


def _is_installed(package: str) -> bool:
    """Whether one of _PACKAGES is there; smac is an extra."""
    return package != "smac" or not known_method("smac").missing
