"""HpBandSter's BOHB with ask and tell, without its network layer.

Importing this module imports hpbandster, which takes seconds: do it only to make proposals.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np
from ConfigSpace import ConfigurationSpace
from hpbandster.core.base_iteration import Datum
from hpbandster.core.dispatcher import Job
from hpbandster.core.master import Master
from hpbandster.optimizers.bohb import BOHB
from hpbandster.optimizers.iterations import SuccessiveHalving
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.encoding import Encoding, check_configuration
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator
from oneshot_hpo.hpo.bohb.stock_generator import SeededStockGenerator
from oneshot_hpo.hpo.brackets import Rung, bracket_of
from oneshot_hpo.hpo.errors import InvalidEvent, StudyError
from oneshot_hpo.hpo.extension import ADDED
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.plan import Plan
from oneshot_hpo.hpo.settings import CONTINUE, OptimizerSettings
from oneshot_hpo.hpo.trial import BASELINE_ID, CONTINUES, Observation, TrialId

# HpBandSter would print a warning of each crash, which the journal records anyway.
logging.getLogger("hpbandster").addHandler(logging.NullHandler())


class Run(NamedTuple):
    """A run that the optimizer starts."""

    id: TrialId
    config: dict[str, Any]
    budget: int | float
    info: dict[str, Any]


class StableSuccessiveHalving(SuccessiveHalving):
    """Successive halving in which ties go to the configuration that started first.

    A crashed configuration is not promoted. If that leaves a slot empty, HpBandSter fills it with a
    new configuration, whose id names the rung it starts on.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._queued: deque[TrialId] = deque()

    def begin_with_default(self, config: dict[str, Any]) -> None:
        """Make the default, under its own id, the first configuration of a new bracket."""
        self.data[BASELINE_ID] = Datum(
            config=config, config_info={"model_based_pick": False}, budget=self.budgets[0]
        )
        self.actual_num_configs[0] = 1
        self._queued.append(BASELINE_ID)

    def add_configuration(self, *arguments: Any, **more: Any) -> TrialId:
        """Queue a new configuration."""
        trial_id: TrialId = super().add_configuration(*arguments, **more)
        self._queued.append(trial_id)
        return trial_id

    def process_results(self) -> None:
        """Finish a rung: queue the promoted configurations, in the order of their first start."""
        super().process_results()
        self._queued.extend(key for key, datum in self.data.items() if datum.status == "QUEUED")

    def finish_up(self) -> None:
        """End the bracket; unlike in HpBandSter statuses stay, for a rung that is added later."""
        self.is_finished = True

    def add_rungs(self, rungs: Sequence[Rung]) -> None:
        """Add the rungs above those that the bracket has; a finished one resumes."""
        for rung in rungs[len(self.budgets) :]:
            self.budgets.append(rung.budget)
            self.num_configs.append(rung.size)
            self.actual_num_configs.append(0)
            if self.is_finished:
                self.is_finished = False
                self.stage -= 1  # back on its top rung, which has finished

    def run_again(self, trial_id: TrialId, budget: int | float) -> None:
        """Mark a crashed run as running if its rung has not finished; else do nothing."""
        datum = self.data[trial_id]
        is_open = not self.is_finished and self.budgets[self.stage] == budget
        if is_open and datum.status == "CRASHED":
            datum.status = "RUNNING"
            self.num_running += 1

    def budget_below(self, trial_id: TrialId) -> int | float | None:
        """The budget from which the current rung has promoted a run; None: it began here."""
        _, first_rung, _ = trial_id
        budget: int | float | None = (
            self.budgets[self.stage - 1] if self.stage > first_rung else None
        )
        return budget

    def awaits(self, trial_id: TrialId, budget: int | float) -> bool:
        """Whether the current rung of this bracket waits for the result of a run."""
        datum = self.data[trial_id]
        return bool(datum.status == "RUNNING" and datum.budget == budget)

    def get_next_run(self) -> tuple[TrialId, dict[str, Any], int | float] | None:
        """HpBandSter's method, with a queue instead of a scan of all configurations."""
        if self.is_finished:
            return None
        if self._queued:
            trial_id = self._queued.popleft()
            datum = self.data[trial_id]
            datum.status = "RUNNING"
            self.num_running += 1
            return trial_id, datum.config, datum.budget
        if self.actual_num_configs[self.stage] < self.num_configs[self.stage]:
            self.add_configuration()
            return self.get_next_run()
        if self.num_running == 0:
            self.process_results()
            return self.get_next_run()
        return None

    def _advance_to_next_stage(
        self, config_ids: list[TrialId], losses: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        advance = np.zeros(len(losses), dtype=bool)
        advance[np.argsort(losses, kind="stable")[: self.num_configs[self.stage]]] = True
        return advance


class DispatcherlessMaster(Master):
    """HpBandSter's master with its bookkeeping, without Pyro dispatcher and threads."""

    def __init__(self, config_generator: Any) -> None:
        # Master.__init__ would start the dispatcher; these are the attributes that its methods use.
        self.config_generator = config_generator
        self.logger = logging.getLogger("hpbandster")
        self.result_logger = None
        self.iterations: list[StableSuccessiveHalving] = []
        self.num_running_jobs = 0
        self.job_queue_sizes = (-1, 0)
        self.thread_cond = threading.Condition()


class BOHBMaster(BOHB, DispatcherlessMaster):
    """BOHB of one study: the next run, given the results so far.

    The state depends only on the order of the calls and their `seq`.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        settings: OptimizerSettings,
        prior: Sequence[Observation] = (),
    ) -> None:
        """Raises InvalidEvent when a configuration of `prior` is not in the space."""
        # Not BOHB.__init__: it always builds the stock generator, which refuses ordinals.
        DispatcherlessMaster.__init__(self, self._new_generator(space, settings))
        self.settings = settings
        self.space = space
        self._encoding = Encoding(space)
        self._plan = Plan.of(settings)
        self._defaults_started = 0
        self._added: deque[dict[str, Any]] = deque()
        self._ready: list[int] = []  # a heap of brackets that may have a run
        self._logged: tuple[dict[str, Any], dict[str, Any]] | None = None
        for observation in prior:
            self._check_config(observation.config)
            # Without an id: as in HpBandSter's WarmStartIteration, only the model gets the job.
            job = Job(None, config=observation.config, budget=observation.budget)
            job.result = None if observation.loss is None else {"loss": observation.loss}
            self.config_generator.new_result(job)

    def _new_generator(self, space: ConfigurationSpace, settings: OptimizerSettings) -> Any:
        """The source of new configurations."""
        generators = {"vectorised": VectorisedKDEGenerator, "hpbandster": SeededStockGenerator}
        return generators[settings.generator](space, settings)

    def get_next_iteration(
        self, iteration: int, iteration_kwargs: dict[str, Any] | None = None
    ) -> StableSuccessiveHalving:
        """A new bracket for this iteration."""
        rungs = self._plan.rungs(iteration)
        found = StableSuccessiveHalving(
            HPB_iter=iteration,
            num_configs=[rung.size for rung in rungs],
            budgets=[rung.budget for rung in rungs],
            config_sampler=self._sample,
        )
        if iteration == 0 and self.settings.default_budget == "min":
            found.begin_with_default(self._default)
        for _ in range(min(len(self._added), self._plan.room(iteration))):
            found.add_configuration(self._added.popleft(), ADDED)
        return found

    def extend(self, plan: Plan, added: Sequence[dict[str, Any]]) -> None:
        """Continue with a longer plan, and start the next brackets with the configurations added.

        Raises InvalidEvent when one of these is not in the space.
        """
        for config in added:
            self._check_config(config)
        self._added.extend(added)
        self._plan = plan
        for number, iteration in enumerate(self.iterations):
            iteration.add_rungs(plan.rungs(number))
            heappush(self._ready, number)

    @property
    def _default(self) -> dict[str, Any]:
        config: dict[str, Any] = plain(dict(self.space.get_default_configuration()))
        return config

    def next_run(
        self, seq: int, logged: tuple[dict[str, Any], dict[str, Any]] | None = None
    ) -> Run | None:
        """Decision `seq`: the next run in the order of HpBandSter's Master.run, or None.

        The default configuration comes first, on its own or in the first bracket, then runs of the
        brackets that are active, in order, then the first run of the next bracket. On its own it
        is evaluated again, at the new largest budget, after an extension by a rung. None: a rung
        has to finish first, or all runs have started. A new configuration is `logged`
        (configuration, info) if given, else a proposal.

        Raises InvalidEvent when the logged configuration is not in the space.
        """
        if self._defaults_started < len(self._plan.default_budgets):
            budget = self._plan.default_budgets[self._defaults_started]
            self._defaults_started += 1
            return Run(BASELINE_ID, self._default, budget, {"model_based_pick": False})

        self.config_generator.seq = seq
        self._logged = logged
        while self._ready:
            i = self._ready[0]
            if run := self.iterations[i].get_next_run():
                return self._run(i, run)
            heappop(self._ready)  # it has no run until one of its runs finishes

        i = len(self.iterations)
        if i == self._plan.settings.iterations:
            return None

        self.iterations.append(self.get_next_iteration(i))
        heappush(self._ready, i)
        first = self.iterations[i].get_next_run()
        assert first is not None  # every bracket has a run
        return self._run(i, first)

    def tell(
        self,
        seq: int,
        trial_id: TrialId,
        config: dict[str, Any],
        budget: int | float,
        *,
        loss: float | None,
        exception: str | None,
        timestamps: dict[str, float],
    ) -> None:
        """Decision `seq`: finish a run; loss None is a crash, else a finite number."""
        job = Job(trial_id, config=config, budget=budget)
        job.result = None if loss is None else {"loss": loss, "info": {}}
        job.exception = exception
        job.timestamps = timestamps
        self.config_generator.seq = seq
        number = bracket_of(self.settings, trial_id)
        if number < 0 or not self.iterations[number].awaits(trial_id, budget):
            self.config_generator.new_result(job)
        else:
            # What Master.job_callback does, which takes the bracket from the id.
            self.iterations[number].register_result(job)
            self.config_generator.new_result(job)
            heappush(self._ready, number)

    def replace_loss(
        self, seq: int, config: dict[str, Any], budget: int | float, losses: Sequence[float]
    ) -> None:
        """Make the mean of its losses the loss of a configuration in the model.

        losses: that of its run, then those of its replicates, of which the last one is new.
        """
        self.config_generator.seq = seq
        self.config_generator.replace_loss(
            config, budget, float(np.mean(losses[:-1])), float(np.mean(losses))
        )

    def retry_crash(
        self, seq: int, trial_id: TrialId, config: dict[str, Any], budget: int | float
    ) -> None:
        """Decision `seq`: run a crashed run again, and remove its crash from the model.

        If its rung has finished, only the model will get the new result: promotions do not change.
        """
        self.config_generator.seq = seq
        self.config_generator.forget_crash(config, budget)
        number = bracket_of(self.settings, trial_id)
        if number >= 0:
            self.iterations[number].run_again(trial_id, budget)

    def _run(self, iteration: int, run: tuple[TrialId, dict[str, Any], int | float]) -> Run:
        trial_id, config, budget = run
        info = self.iterations[iteration].data[trial_id].config_info
        below = self.iterations[iteration].budget_below(trial_id)
        if self.settings.promotion == CONTINUE and below is not None:
            info = {**info, CONTINUES: below}
        return Run(trial_id, config, budget, info)

    def _sample(self, budget: int | float) -> tuple[dict[str, Any], dict[str, Any]]:
        """A new configuration for a bracket, which calls this."""
        if self._logged is None:
            config, info = self.config_generator.get_config(budget)
            return plain(config), plain(info)
        config, info = self._logged
        self._check_config(config)
        return config, info

    def _check_config(self, config: dict[str, Any]) -> None:
        if self._encoding.contains(config):
            return
        try:
            check_configuration(self.space, config)
        except StudyError as error:
            raise InvalidEvent(f"config is not in the study's space: {error}") from None
