"""The interface of black-box optimizers: problem, proposal, ask and tell."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.errors import InvalidSettings

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class InvalidBaseline(InvalidSettings):
    """A method, setting or problem is invalid; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The problem to be minimised, as far as an optimizer may know it."""

    choices: tuple[int, ...]
    """(d,) number of values of each dimension, at least 2; values are 0, …, number - 1."""
    budgets: tuple[int, ...]
    """Possible budgets of an evaluation, ascending; the last is a full evaluation."""
    evaluations: int
    """Total budget, in full evaluations."""
    noisy: bool
    """Whether repeating an evaluation may give another loss."""
    architecture_of: Integers | None = field(default=None, compare=False)
    """(C,) the architecture that each configuration makes, 0 to U - 1; None: each its own.

    The digits of a configuration's number are its values, the first dimension's first."""
    features: Mapping[str, Floats] = field(default_factory=dict, compare=False)
    """Scores of the architectures that need no training, float (U,), by name; larger is better."""

    def feature(self, name: str) -> Floats:
        """The scores of this name, (U,). Raises InvalidBaseline for one that there is not."""
        if name not in self.features:
            known = ", ".join(sorted(self.features)) or "none"
            raise InvalidBaseline(f"there is no score {name!r} here; there are: {known}")
        return self.features[name]

    @property
    def full(self) -> int:
        """The budget of a full evaluation."""
        return self.budgets[-1]


@dataclass(frozen=True)
class Proposal:
    """The next evaluation in each of R repetitions."""

    configurations: Integers
    """(R, d)."""
    budget: int | float
    """Shared by all repetitions."""


class Draws:
    """Uniform numbers for R repetitions at once, with one generator per repetition.

    A repetition's numbers depend only on its seed and on the count drawn before.
    """

    _AT_ONCE = 1 << 12  # numbers drawn ahead per repetition: one call of a generator costs as much

    def __init__(self, seeds: Sequence[np.random.SeedSequence]) -> None:
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        self._ahead = np.empty((len(seeds), 0))

    def uniform(self, *shape: int) -> Floats:
        """Numbers in [0, 1), float (R, *shape)."""
        count = int(np.prod(shape))
        if self._ahead.shape[1] < count:
            more = [generator.random(max(count, self._AT_ONCE)) for generator in self._generators]
            self._ahead = np.hstack([self._ahead, np.stack(more)])
        drawn, self._ahead = self._ahead[:, :count], self._ahead[:, count:]
        return drawn.reshape(-1, *shape)

    def below(self, bounds: int | Integers, *shape: int) -> Integers:
        """Integers in [0, bounds), int (R, *shape); `bounds` is broadcast to that."""
        integers: Integers = (self.uniform(*shape) * bounds).astype(np.int64)
        return integers


def draw_levels(probabilities: Floats, uniform: Floats) -> Integers:
    """Draw values by inverting distribution functions: (…, L) and (…,) in [0, 1) to int (…,).

    A value of probability 0 is never drawn.
    """
    cumulative = np.cumsum(probabilities, axis=-1)
    # The sum is 1 but for rounding: scaled by it, no draw falls beyond the last value.
    drawn: Integers = (cumulative <= (uniform * cumulative[..., -1])[..., None]).sum(axis=-1)
    return drawn


class Optimizer(abc.ABC):
    """R repetitions of one method, side by side: `ask`, evaluate, `tell`, repeat.

    - The state of a repetition depends only on its seed and on its losses.
    - Losses are finite; smaller is better.
    """

    def __init__(self, problem: Problem, seeds: Sequence[np.random.SeedSequence]) -> None:
        self.problem = problem
        self.repetitions = len(seeds)
        self.choices: Integers = np.array(problem.choices)

    @abc.abstractmethod
    def ask(self) -> Proposal:
        """The next configuration of each repetition, and the budget to evaluate it with."""

    @abc.abstractmethod
    def tell(self, losses: Floats) -> None:
        """Learn the losses, (R,), of the last proposal."""
