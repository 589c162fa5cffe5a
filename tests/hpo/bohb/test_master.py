"""Our ask and tell against HpBandSter's loop."""

from collections import deque
from types import MethodType
from typing import Any

import pytest
from hpbandster.core.base_iteration import BaseIteration
from hpbandster.core.dispatcher import Job
from support.toy_study import mixed_space, toy_result, toy_settings

from oneshot_hpo.hpo import BASELINE_ID, Trial
from oneshot_hpo.hpo.bohb.master import BOHBMaster
from oneshot_hpo.hpo.plain import finite_loss
from oneshot_hpo.hpo.randomness import trial_seed


def loss_of(trial_id: tuple[int, int, int], config: dict[str, Any], budget: float) -> float | None:
    seed = trial_seed(0, trial_id, budget)
    return finite_loss(toy_result(Trial(trial_id, budget, config, 0, 0, seed)).loss)


def tell(master: BOHBMaster, seq: int, run: tuple, *_: Any) -> None:
    trial_id, config, budget = run
    loss = loss_of(trial_id, config, budget)
    master.tell(seq, trial_id, config, budget, loss=loss, exception=None, timestamps={})


class LoopMaster(BOHBMaster):
    """Runs HpBandSter's Master.run on simulated workers: runs end in the order of their start."""

    def simulate(self, workers: int) -> list[tuple]:
        self.workers, self.running, self.log = workers, deque[Job](), list[tuple]()
        baseline = self.next_run(0)
        assert baseline is not None
        tell(self, 1, (baseline.id, baseline.config, baseline.budget))
        self.seq = self.config_generator.seq = 2
        self._logged = None
        self.thread_cond = SimulatedCondition(self)
        self.result_logger = None
        self.run(n_iterations=self.settings.iterations, iteration_kwargs={})
        return self.log

    def get_next_iteration(self, iteration: int, iteration_kwargs: Any = None) -> Any:
        bracket = super().get_next_iteration(iteration, {})
        bracket.get_next_run = MethodType(BaseIteration.get_next_run, bracket)
        return bracket

    def wait_for_workers(self, min_n_workers: int = 1) -> None:
        pass

    def _queue_wait(self) -> None:
        while len(self.running) >= self.workers:
            self.finish_one()

    def _submit_job(self, config_id: Any, config: Any, budget: Any) -> None:
        self.log.append((config_id, config, budget))
        self.running.append(Job(config_id, config=config, budget=budget))
        self.advance()

    def finish_one(self) -> None:
        job = self.running.popleft()
        tell(self, self.seq, (job.id, job.kwargs["config"], job.kwargs["budget"]))
        self.advance()

    def advance(self) -> None:
        self.seq += 1
        self.config_generator.seq = self.seq


class SimulatedCondition:
    """Waiting lets a worker finish."""

    def __init__(self, master: LoopMaster) -> None:
        self.master = master

    def wait(self) -> None:
        self.master.finish_one()

    def acquire(self) -> None:
        pass

    def release(self) -> None:
        pass

    def notify(self) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_runs_come_in_the_order_of_hpbandsters_loop(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = toy_settings(iterations=7)
    monkeypatch.setattr("hpbandster.core.master.Result", lambda data, config: None)
    theirs = LoopMaster(mixed_space(), settings)
    theirs.time_ref, theirs.config, theirs.warmstart_iteration = 0, {}, []
    expected = theirs.simulate(workers)

    ours = BOHBMaster(mixed_space(), settings)
    running, started, seq = deque[tuple](), list[tuple](), 0
    while True:
        while len(running) < workers and (run := ours.next_run(seq)) is not None:
            running.append((run.id, run.config, run.budget))
            seq += 1
            if run.id == BASELINE_ID:
                tell(ours, seq, running.pop())
                seq += 1
            else:
                started.append(running[-1])
        if not running:
            break
        tell(ours, seq, running.popleft())
        seq += 1
    assert started == expected
    assert len(started) == sum(len(i.data) for i in ours.iterations) + promotions(ours)


def promotions(master: BOHBMaster) -> int:
    return sum(len(datum.time_stamps) - 1 for i in master.iterations for datum in i.data.values())


def finish_rung(losses: list[float | None]) -> list[tuple[tuple[int, int, int], int | float]]:
    """The second rung of a bracket of four whose first rung has these losses."""
    master = BOHBMaster(mixed_space(), toy_settings())
    seq = 0
    first = [master.next_run(seq := seq + 1) for _ in range(5)]
    for run, loss in zip(first[1:], losses, strict=True):
        assert run is not None
        seq += 1
        master.tell(seq, run.id, run.config, run.budget, loss=loss, exception=None, timestamps={})
    second = [master.next_run(seq := seq + 1) for _ in range(2)]
    return [(run.id, run.budget) for run in second if run is not None]


def test_ties_are_promoted_in_the_order_of_their_start() -> None:
    assert finish_rung([0.5, 0.5, 0.5, 0.5]) == [((0, 0, 0), 2), ((0, 0, 1), 2)]
    assert finish_rung([0.5, 0.4, 0.5, 0.5]) == [((0, 0, 0), 2), ((0, 0, 1), 2)]
    assert finish_rung([0.5, 0.5, 0.4, 0.3]) == [((0, 0, 2), 2), ((0, 0, 3), 2)]


def test_crashes_are_never_promoted_and_their_slots_are_filled_anew() -> None:
    assert finish_rung([None, 0.9, None, 0.8]) == [((0, 0, 1), 2), ((0, 0, 3), 2)]
    assert finish_rung([None, None, 0.9, None]) == [((0, 0, 2), 2), ((0, 1, 1), 2)]
    assert finish_rung([None] * 4) == [((0, 1, 0), 2), ((0, 1, 1), 2)]
