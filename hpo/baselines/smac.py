"""SMAC (Hutter et al. 2011; Lindauer et al. 2022) by its authors' library, smac."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace

from oneshot_hpo.checks import number, setting
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import (
    Floats,
    Integers,
    InvalidBaseline,
    Optimizer,
    Problem,
    Proposal,
)


@dataclass(frozen=True, kw_only=True)
class SMACSettings:
    """Settings of SMAC; the first three defaults are those of NAS-Bench-1Shot1.

    Everything else is as in the library's facade for hyperparameter optimization.
    """

    trees: int = setting(10, COUNT)
    """Trees of the random forest."""
    random_fraction: float = setting(1 / 3, number(low=0, high=1))
    """Share of configurations that are random instead of proposed by the forest."""
    max_repeats: int = setting(4, COUNT)
    """Most evaluations of one configuration; 1 where evaluations are not noisy."""
    repetitions: int = setting(20, COUNT)
    """Most repetitions, since one takes about a minute."""

    def __post_init__(self) -> None:
        check_settings(self)


class SMAC(Optimizer):
    """SMAC, with one optimizer of the library per repetition."""

    def __init__(
        self,
        problem: Problem,
        settings: SMACSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, seeds)
        configurations = math.prod(problem.choices)
        if not problem.noisy and problem.evaluations > configurations:
            raise InvalidBaseline(
                f"{problem.evaluations} evaluations are too many for {configurations} "
                "configurations: SMAC evaluates each once where losses have no noise"
            )
        # The library always writes its state to disk.
        self._scratch = tempfile.TemporaryDirectory(prefix="oneshot-hpo-smac-")
        self._names = [f"x{dimension}" for dimension in range(len(self.choices))]
        numbers = [int(seed.generate_state(1)[0]) >> 1 for seed in seeds]  # below 2^31
        self._optimizers = [self._optimizer(settings, number) for number in numbers]

    def ask(self) -> Proposal:
        """The library's next trial in each repetition."""
        self._trials = [optimizer.ask() for optimizer in self._optimizers]
        values: Integers = np.array(
            [[trial.config[name] for name in self._names] for trial in self._trials], np.int64
        )
        return Proposal(values, self.problem.full)

    def tell(self, losses: Floats) -> None:
        """Report each loss to the optimizer of its repetition."""
        from smac.runhistory.dataclasses import TrialValue

        for optimizer, trial, loss in zip(self._optimizers, self._trials, losses, strict=True):
            optimizer.tell(trial, TrialValue(cost=float(loss)))

    def _optimizer(self, settings: SMACSettings, seed: int) -> Any:
        from smac import HyperparameterOptimizationFacade as Facade
        from smac import Scenario
        from smac.model.random_forest.random_forest import RandomForest

        space = ConfigurationSpace(seed=seed)
        space.add(
            [
                Categorical(name, list(range(choices)))
                for name, choices in zip(self._names, self.problem.choices, strict=True)
            ]
        )
        scenario = Scenario(
            space,
            deterministic=not self.problem.noisy,
            n_trials=self.problem.evaluations,
            seed=seed,
            output_directory=Path(self._scratch.name),
        )
        # The facade's forest, with two changes that alter no tree: its limit of a million leaves
        # would reserve memory for them at each fit, and threads cost more than ten small trees.
        forest = RandomForest(
            space,
            log_y=True,
            n_trees=settings.trees,
            ratio_features=1.0,
            min_samples_split=2,
            min_samples_leaf=1,
            max_leaf_nodes=max(self.problem.evaluations, 2),
            n_jobs=1,
            seed=seed,
        )
        return Facade(
            scenario,
            _never_called,
            model=forest,
            random_design=Facade.get_random_design(scenario, probability=settings.random_fraction),
            intensifier=Facade.get_intensifier(scenario, max_config_calls=settings.max_repeats),
            overwrite=True,
            logging_level=False,
        )


def _never_called(config: Any, seed: int = 0) -> float:
    """SMAC requires a function, even when it is used through ask and tell."""
    raise NotImplementedError
