"""One optimizer on one problem, on workers of a simulated clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.simulated import SimulatedPool
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.hpo.incumbent import beats


@dataclass(frozen=True, eq=False)
class Proposal:
    """A run that an optimizer wants."""

    key: str
    """Of its configuration: proposals with one key are one configuration, promoted."""
    config: dict[str, Any]
    budget: float
    token: Any = None
    """Whatever the optimizer wants to have back with the result."""


class Optimizer(Protocol):
    """What runs on the clock. Its decisions depend on the order of these calls alone."""

    evaluates_default: bool
    """Whether it runs the default configuration by itself, as this project's studies do. For the
    others the clock runs it first, and they do not hear of it."""

    def ask(self) -> Proposal | None:
        """The next run; None: a running one has to finish first, or there is nothing left. The work
        ends when there is no run and none is running."""

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        """A run finished; a loss of None is a crash."""

    def replicate(self) -> Proposal | None:
        """A run of a configuration with another seed, for a worker that has nothing to do."""

    def give_up(self, proposal: Proposal) -> None:
        """A replicate lost its worker to a run, and will have no result."""

    def close(self) -> None:
        """End what the optimizer started."""


class PlainOptimizer:
    """Base of optimizers without replicates."""

    evaluates_default = False

    def replicate(self) -> Proposal | None:
        """None."""
        return None

    def give_up(self, proposal: Proposal) -> None:
        """Never called."""

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class Trace:
    """What a run of an optimizer found. Costs are in trainings at the largest fidelity, as a mean
    of the table's rows: the time on the clock of all workers, busy or not."""

    curve: list[tuple[float, float]] = field(default_factory=list)
    """(cost, regret of the incumbent), whenever the incumbent changes."""
    evaluations: int = 0
    full_evaluations: int = 0
    """At the largest fidelity."""
    crashes: int = 0
    replicates: int = 0
    cost: float = 0.0
    """When the last evaluation within the limit finished."""
    idle: float = 0.0
    """Share of the time until then in which workers ran nothing."""


@dataclass(frozen=True, eq=False)
class _Job:
    proposal: Proposal
    row: int
    fidelity: int
    seconds: float
    seed: tuple[int, ...]
    replicate: bool = False
    told: bool = True


def simulate(problem: Problem, optimizer: Optimizer, workers: int, cost: float, seed: int) -> Trace:
    """Let an optimizer work until it has nothing more to do or its workers have spent the cost.

    cost: of all workers together, in trainings at the largest fidelity. seed: of the choice among
    a row's runs, which are the same for all optimizers.
    """
    return _Run(problem, optimizer, workers, cost, seed).trace


class _Run:
    def __init__(
        self, problem: Problem, optimizer: Optimizer, workers: int, cost: float, seed: int
    ) -> None:
        self._problem, self._optimizer, self._seed = problem, optimizer, seed
        self._workers = workers
        self._limit = cost * problem.full_cost / workers
        self._pool = SimulatedPool(workers, 0, self._loss, lambda job: job.seconds, sigma=0)
        self._jobs: dict[str, _Job] = {}
        self._trained: dict[str, float] = {}
        self._seen: Counter[tuple[int, int]] = Counter()
        self._submitted = 0
        self._best = (-1.0, float("inf"))
        self.trace = Trace()

        if not optimizer.evaluates_default:
            self._submit(Proposal("default", problem.default, problem.fidelities[-1]), told=False)
        self._fill()
        while self._runs:
            outcomes = self._pool.next_outcomes(0)
            if self._pool.now > self._limit:
                break
            for outcome in outcomes:
                self._settle(outcome)
            self._fill()
        self._finish()

    def _fill(self) -> None:
        """Give every worker a run, or else a replicate, while there are runs."""
        while self._runs < self._workers:
            proposal = self._optimizer.ask()
            if proposal is None:
                break
            if self._pool.running == self._workers:
                self._make_room()
            self._submit(proposal)
        while self._runs and self._pool.running < self._workers:
            replicate = self._optimizer.replicate()
            if replicate is None:
                break
            self._submit(replicate, replicate=True)

    @property
    def _runs(self) -> int:
        return sum(not job.replicate for job in self._jobs.values())

    def _make_room(self) -> None:
        """Give up the replicate that started last."""
        key = next(key for key in reversed(self._jobs) if self._jobs[key].replicate)
        self._optimizer.give_up(self._jobs.pop(key).proposal)
        self._pool.give_up(key, "a run needs its worker")

    def _submit(self, proposal: Proposal, *, replicate: bool = False, told: bool = True) -> None:
        problem = self._problem
        row, fidelity = problem.find_row(proposal.config), problem.fidelity(proposal.budget)
        seconds = float(problem.costs[row, fidelity])
        if problem.continues and not replicate:
            before = self._trained.get(proposal.key, 0.0)
            self._trained[proposal.key] = max(before, seconds)
            seconds = max(seconds - before, 0.0)
        number = self._seen[row, fidelity]
        self._seen[row, fidelity] += 1
        job = _Job(proposal, row, fidelity, seconds, (self._seed, number), replicate, told)

        self._submitted += 1
        self._jobs[str(self._submitted)] = job
        self._pool.submit(str(self._submitted), _nothing, job)

    def _loss(self, job: _Job) -> float:
        return self._problem.loss(job.row, job.fidelity, job.seed)

    def _settle(self, outcome: Outcome) -> None:
        job = self._jobs.pop(outcome.key, None)
        if job is None:  # a replicate that was given up
            return
        loss = float(outcome.value)
        crashed = loss == float("inf")
        self.trace.cost = self._cost
        self.trace.crashes += crashed
        if job.replicate:
            self.trace.replicates += 1
        else:
            self.trace.evaluations += 1
            self.trace.full_evaluations += job.fidelity == len(self._problem.fidelities) - 1
            if not crashed:
                self._note(job, loss)
        if job.told:
            self._optimizer.tell(job.proposal, None if crashed else loss)

    def _note(self, job: _Job, loss: float) -> None:
        """Make a run the incumbent if it is better."""
        if beats(job.fidelity, loss, *self._best):
            self._best = (job.fidelity, loss)
            self.trace.curve.append((self._cost, self._problem.regret(job.row)))

    @property
    def _cost(self) -> float:
        return self._pool.now * self._workers / self._problem.full_cost

    def _finish(self) -> None:
        """Note how much of the time until the limit, or the end, workers had nothing to do."""
        end = min(self._pool.now, self._limit)
        still = self._pool.busy_seconds
        # What runs beyond the limit was busy until then; what ended last may be beyond it.
        over = self._pool.now - end
        busy = sum(self._pool.worked.values()) + sum(max(0.0, one - over) for one in still.values())
        if over and self._pool.worked:
            busy -= over
        self.trace.idle = max(0.0, 1 - busy / (self._workers * end)) if end else 0.0


def _nothing() -> None:
    """The function that is submitted; the simulated pool evaluates a job by itself."""
