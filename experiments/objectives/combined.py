"""An error and costs as one loss: error + weight × cost + …"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.objective import Found, Objective
from oneshot_hpo.experiments.objectives.table_outcome import opened_table
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import SearchSpace, Table
from oneshot_hpo.search_spaces.table import mean_of
from oneshot_hpo.searchers.data.images import ImageSplits

if TYPE_CHECKING:
    from oneshot_hpo.searchers.network.scratch import ScratchSettings

PARAMETERS, MULTIPLY_ACCUMULATES, LATENCY = "parameters", "multiply_accumulates", "latency"
OF_NETWORK = (PARAMETERS, MULTIPLY_ACCUMULATES, LATENCY)
"""Costs that can be had from the found architecture's network."""


@dataclass(frozen=True)
class Combined(Objective):
    """The loss of an objective plus weighted costs.

    A cost is the metric of this name in the study's table, its mean over the repeats. Multiply-
    accumulates and latency are of the architecture's network where the table lacks them, and
    parameters where there is no table; latency is measured on the worker. The network has the size
    that `train` says, else the channels, stacks and cells of the search's settings.
    """

    error: Objective
    plus: Mapping[str, float]
    words: str
    """How it is shown, and journaled as `Outcome.objective`."""

    def check(self, space: SearchSpace, table: Table | None) -> None:
        """UserError: a cost is neither in the table nor can be had from a network."""
        self.error.check(space, table)
        for name in self.plus:
            if _is_of_table(name, table):
                assert table is not None
                if table.metrics[name].higher_is_better:
                    raise UserError(
                        f"objective.plus.{name}: more of it is better, so that it is no cost"
                    )
            else:
                _check_network(name, space, table)

    def search_images(self, data: ImageSplits) -> ImageSplits:
        """Those of the error's objective."""
        return self.error.search_images(data)

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        """See `Objective.evaluate`."""
        outcome = self.error.evaluate(found, seed, stop_asked)
        assert outcome.loss is not None
        table = None if found.table is None else opened_table(found.table)
        of_table = [name for name in self.plus if _is_of_table(name, table)]
        costs = {name: _table_cost(name, found, table) for name in of_table if table is not None}
        others = [name for name in self.plus if name not in of_table]
        costs |= self._network_costs(others, found) if others else {}
        return dataclasses.replace(
            outcome,
            loss=outcome.loss + sum(weight * costs[name] for name, weight in self.plus.items()),
            objective=self.words,
            costs={name: costs[name] for name in self.plus},
            measured=tuple(name for name in others if name == LATENCY),
        )

    def _network_costs(self, names: list[str], found: Found) -> dict[str, float]:
        import torch

        from oneshot_hpo.searchers.network import costs
        from oneshot_hpo.searchers.network.scratch import scratch_networks_of

        data = found.images
        network = scratch_networks_of(
            found.space, [found.architecture], data.channels, data.classes, self._size(found)
        ).to(found.device)
        image = torch.zeros(1, data.channels, data.image_size, data.image_size).to(found.device)
        measures: dict[str, Callable[[], float]] = {
            PARAMETERS: lambda: costs.parameters(network),
            MULTIPLY_ACCUMULATES: lambda: costs.multiply_accumulates(network, image),
            LATENCY: lambda: costs.latency(network, image),
        }
        return {name: float(measures[name]()) for name in names}

    def _size(self, found: Found) -> ScratchSettings:
        from oneshot_hpo.experiments.objectives.train import FromScratch
        from oneshot_hpo.searchers.network.scratch import ScratchSettings

        if isinstance(self.error, FromScratch):
            return self.error.network
        if found.settings is None:
            return ScratchSettings()
        return ScratchSettings(
            channels=found.settings.channels,
            stacks=found.settings.stacks,
            cells_per_stack=found.settings.cells_per_stack,
        )


def _is_of_table(name: str, table: Table | None) -> bool:
    return table is not None and name in table.metrics


def _table_cost(name: str, found: Found, table: Table) -> float:
    row = table.row_of(found.space, found.architecture)
    return float(mean_of(table.values(name, row)))


def _check_network(name: str, space: SearchSpace, table: Table | None) -> None:
    """UserError: a cost that is not in the table cannot be had from a network."""
    from oneshot_hpo.searchers.network.scratch import check_trainable  # loads torch
    from oneshot_hpo.searchers.settings import SettingsError

    counted = OF_NETWORK if table is None else (MULTIPLY_ACCUMULATES, LATENCY)
    if name not in counted:
        if table is None:
            where = "the study has no table"
        else:
            has = ", ".join(key for key, one in table.metrics.items() if not one.higher_is_better)
            where = f"the table of {table.name} has {has}"
        raise UserError(
            f"objective.plus.{name}: {where}; of a network there are {', '.join(counted)}"
        )
    try:
        check_trainable(space)
    except SettingsError:
        raise UserError(
            f"objective.plus.{name}: there are no networks of {space.title} to count or time"
        ) from None
