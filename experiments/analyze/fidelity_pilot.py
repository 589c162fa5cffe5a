"""The searches of `analyze fidelity`: each configuration at every budget, restarted and continued.

<dir>/searches/fidelity-<digest>/<budget>/    as a trial's folder in a study

A digest names what decides the results of a row of trials, so that a command that was stopped, or a
larger pilot, runs only what is missing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo import foreign
from oneshot_hpo.experiments.analyze.ranks import Array
from oneshot_hpo.experiments.analyze.running import SEARCHES, Tasks, run_tasks
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import TrialTask, finished_result, run_trial
from oneshot_hpo.experiments.wording import counted
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.searchers.checkpoint import read_metrics, remove_to_continue

if TYPE_CHECKING:
    from rich.console import Console

_OWN_SEED, _SHARED_SEED = 0, 1
"""What a seed is of: a search of one budget, or one that goes through all budgets."""


class Pilot:
    """Random configurations of a study, each searched in both ways."""

    def __init__(self, spec: StudySpec, folder: Path, configurations: int, seed: int) -> None:
        """spec: of a frozen study."""
        self._spec, self._folder, self._seed = spec, folder / SEARCHES, seed
        self._count = configurations
        self.budgets = rung_budgets(spec.optimizer_settings)

    @cached_property
    def configurations(self) -> list[dict[str, Any]]:
        """Drawn as BOHB's random picks are; the first ones of a larger pilot are those of this."""
        space = self._spec.configuration_space()
        found = []
        for number in range(self._count):
            draw = np.random.SeedSequence([self._seed, number, 5])
            space.seed(int(draw.generate_state(1)[0]))
            found.append(plain(dict(space.sample_configuration())))
        return found

    def run(self, console: Console, workers: int | None) -> None:
        """Run what is missing. UserError: a search cannot run here."""
        chains = self._restarts() + self._continuations()
        tasks: Tasks = {
            _name(chain): (run_chain, chain) for chain in chains if not _is_finished(chain)
        }
        by_name = {_name(chain): chain for chain in chains}

        def share(name: str) -> float:
            return _share_done(by_name[name])

        title = counted(len(chains), "pilot run")
        run_tasks(console, self._folder.parent, tasks, workers, title, len(chains), share)

    @property
    def restarted(self) -> dict[int | float, Array]:
        """By budget, the losses of searches of their own, (n,); infinite for a crash."""
        rows = self._restarts()
        return {
            budget: _losses([one for (one,) in rows if one.budget == budget])
            for budget in self.budgets
        }

    @property
    def continued(self) -> dict[int | float, Array]:
        """Likewise, of one search for each configuration that ended at each budget and went on."""
        rows = self._continuations()
        return {
            budget: _losses([chain[rung] for chain in rows])
            for rung, budget in enumerate(self.budgets)
        }

    def _restarts(self) -> list[list[TrialTask]]:
        """The longest ones first, so that the end does not wait for one of them."""
        return [
            [self._placed([self._task(config, budget, _OWN_SEED, number)])[0]]
            for budget in reversed(self.budgets)
            for number, config in enumerate(self.configurations)
        ]

    def _continuations(self) -> list[list[TrialTask]]:
        return [
            self._placed(
                [self._task(config, budget, _SHARED_SEED, number) for budget in self.budgets]
            )
            for number, config in enumerate(self.configurations)
        ]

    def _task(
        self, config: dict[str, Any], budget: int | float, kind: int, number: int
    ) -> TrialTask:
        spec, top = self._spec, self.budgets[-1]
        entropy = [self._seed, number, kind]
        if kind == _OWN_SEED:
            entropy += budget.as_integer_ratio()
        return TrialTask(
            searcher=spec.searcher,
            settings=spec.search,
            config=config,
            space=spec.space,
            dataset=spec.dataset,
            table=spec.table,
            budget=budget,
            seed=int(np.random.SeedSequence(entropy).generate_state(1)[0]),
            objective=spec.objective,
            transfer=bool(spec.transfer),
            folder=None,
            schedule=top if kind == _SHARED_SEED else budget,
            is_promotable=kind == _SHARED_SEED,
            code=foreign.allowed(),
        )

    def _placed(self, chain: list[TrialTask]) -> list[TrialTask]:
        """The chain in folders of its own, each trial going on where the one before ended."""
        decides = [
            {key: value for key, value in dataclasses.asdict(task).items() if key not in _PLACES}
            for task in chain
        ]
        content = json.dumps([self._spec.checksums, decides], sort_keys=True, default=str)
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        own = self._folder / f"fidelity-{digest}"

        folders = [own / str(task.budget) for task in chain]
        return [
            dataclasses.replace(task, folder=folder, start=start)
            for task, folder, start in zip(chain, folders, [None, *folders], strict=False)
        ]


_PLACES = ("dataset", "table", "folder", "start", "code", "keep")
"""Fields that decide no result: of data set and table the checksum does."""


def run_chain(chain: Sequence[TrialTask]) -> None:
    """Run trials one after the other, each of which may begin where the one before ended.

    UserError: one of them cannot run here.
    """
    from oneshot_hpo.cluster.task import TaskFailed, TaskLost

    for task in chain:
        try:
            run_trial(task)
        except (TaskFailed, TaskLost) as failure:
            raise UserError(f"a search of the pilot cannot run: {one_line(failure)}") from None
    for task in chain:
        assert task.folder is not None
        remove_to_continue(task.folder)


def _name(chain: Sequence[TrialTask]) -> str:
    folder = chain[0].folder
    assert folder is not None
    return str(folder.relative_to(folder.parents[1]))


def _is_finished(chain: Sequence[TrialTask]) -> bool:
    return all(_result(task) is not None for task in chain)


def _result(task: TrialTask) -> dict[str, Any] | None:
    assert task.folder is not None
    return finished_result(task.folder)


def _share_done(chain: Sequence[TrialTask]) -> float:
    """The share of the epochs that have finished, in [0, 1]."""
    folders = [task.folder for task in chain if task.folder is not None]
    done = max(len(read_metrics(folder)) for folder in folders)
    return min(1.0, done / chain[-1].epochs)


def _losses(tasks: Sequence[TrialTask]) -> Array:
    found = []
    for task in tasks:
        result = _result(task)
        assert result is not None  # every chain has run
        loss = result["loss"]
        found.append(math.inf if loss is None else float(loss))
    return np.array(found)
