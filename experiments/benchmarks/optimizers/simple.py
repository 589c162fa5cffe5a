"""The optimizers that need no library: random search, ASHA, and one rung for all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from oneshot_hpo.experiments.benchmarks.optimizers.clock import Optimizer, PlainOptimizer, Proposal
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem


class RandomSearch(PlainOptimizer):
    """Random configurations at the largest fidelity."""

    def __init__(self, problem: Problem, seed: int, cost: float) -> None:
        self._problem, self._rng = problem, np.random.default_rng(seed)
        self._asked = 0

    def ask(self) -> Proposal:
        """A new configuration."""
        self._asked += 1
        config = self._problem.random_configuration(self._rng)
        return Proposal(str(self._asked), config, self._problem.budgets[-1])

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        """Nothing depends on the results."""


class ASHA(PlainOptimizer):
    """Asynchronous successive halving (Li et al. 2020, Algorithm 2), without a bracket of its own
    for each lowest rung.

    A configuration is promoted as soon as it is among the best 1/eta of its rung; if none is, a new
    random one starts on the lowest rung. A crash is the worst of losses.
    """

    def __init__(self, problem: Problem, seed: int, cost: float) -> None:
        self._problem, self._rng = problem, np.random.default_rng(seed)
        self._started = 0
        self._rungs: list[list[tuple[float, int, Proposal]]] = [[] for _ in problem.budgets]
        self._promoted: list[set[str]] = [set() for _ in problem.budgets]

    def ask(self) -> Proposal:
        """A promotion to the highest rung possible, or a new configuration."""
        for rung in reversed(range(len(self._rungs) - 1)):
            promotable = self._promotable(rung)
            if promotable is not None:
                self._promoted[rung].add(promotable.key)
                return self._on(rung + 1, promotable.key, promotable.config)
        self._started += 1
        return self._on(0, str(self._started), self._problem.random_configuration(self._rng))

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        """Note the loss on its rung."""
        finished = self._rungs[proposal.token]
        finished.append((np.inf if loss is None else loss, len(finished), proposal))

    def _promotable(self, rung: int) -> Proposal | None:
        """The best of the best 1/eta of a rung that is not promoted; never a crash."""
        finished = self._rungs[rung]
        best = sorted(finished)[: len(finished) // self._problem.eta]
        for loss, _, proposal in best:
            if np.isfinite(loss) and proposal.key not in self._promoted[rung]:
                return proposal
        return None

    def _on(self, rung: int, key: str, config: dict) -> Proposal:
        return Proposal(key, config, self._problem.budgets[rung], token=rung)


class OneRungForAll(PlainOptimizer):
    """Random configurations at the lowest fidelity, then the best k at the largest.

    "Is one epoch all you need for multi-fidelity hyperparameter optimization?" (Egele et al. 2023,
    arXiv 2307.15422). Both steps get half of the cost, by the mean costs of the table; ties go to
    the older configuration, and a crash is trained no further.
    """

    def __init__(self, problem: Problem, seed: int, cost: float) -> None:
        self._problem = problem
        rng = np.random.default_rng(seed)
        low = float(problem.costs[:, 0].mean()) / problem.full_cost
        count = max(1, round(cost / 2 / low))
        self._k = max(1, int(cost / 2))
        self._new = [problem.random_configuration(rng) for _ in range(count)]
        self._seen: list[tuple[float, int]] = []
        self._waiting: list[int] | None = None
        self._started = self._finished = 0

    def ask(self) -> Proposal | None:
        """The next of all, or of the best once all have finished; None when the best have run."""
        if self._started < len(self._new):
            self._started += 1
            return self._at(self._started - 1, 0)
        if self._waiting is None and self._finished == len(self._new):
            self._waiting = [number for _, number in sorted(self._seen)[: self._k]]
        return self._at(self._waiting.pop(0), -1) if self._waiting else None

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        """Note a loss at the lowest fidelity."""
        number, rung = proposal.token
        if rung == 0:
            self._finished += 1
            if loss is not None:
                self._seen.append((loss, number))

    def _at(self, number: int, rung: int) -> Proposal:
        budget = self._problem.budgets[rung]
        return Proposal(str(number), self._new[number], budget, token=(number, rung))


SIMPLE: dict[str, Callable[[Problem, int, float], Optimizer]] = {
    "random": RandomSearch,
    "asha": ASHA,
    "one-rung-for-all": OneRungForAll,
}
"""By name, how to make an optimizer from a problem, a seed, and the cost of the run."""
