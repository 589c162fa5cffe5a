"""DDPNAS's dynamic distribution pruning (Zheng et al., IJCV 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.distribution import Categorical, remaining
from oneshot_hpo.searchers.evaluation import wrong
from oneshot_hpo.searchers.likely import most_likely
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import DdpNasSettings
from oneshot_hpo.searchers.records import FOUND
from oneshot_hpo.searchers.schedules import warms_up
from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import SearchSettings


class DdpNas(Searcher):
    """Draws cells from a distribution of each choice, which loses its least likely options.

    A cell trains the weights for a step; its accuracy on validation images is then that of all
    options in it. Where edges compete (DARTS's space) each edge has a distribution of its
    candidates, `none` among them, and a drawn cell has all edges; elsewhere a choice has one of its
    ways. All distributions have one option left when the epochs are over.
    """

    evaluated = FOUND

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, DdpNasSettings)
        self._own = settings
        self._distributions: list[list[Categorical]] = []  # by choice; none where it is settled
        for choice in space.choices:
            sizes = [len(choice.ways)] if choice.groups is None else map(len, choice.mixtures)
            found = [] if choice.is_settled else [Categorical.uniform(size) for size in sizes]
            self._distributions.append(found)
        self._cell: list[int] | None = None  # the options of the last step of the weights
        self._begun = -1  # the last epoch for which options were pruned
        self._warms_up = False

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Prune what the finished epochs have earned; the warm-up does not count."""
        self._warms_up = warms_up(self.settings, epoch, epochs)
        if self._warms_up or epoch <= self._begun:  # an epoch that is resumed begins twice
            return
        self._begun = epoch
        warm = sum(warms_up(self.settings, past, epochs) for past in range(epoch))
        for one in self._all():
            kept = remaining(len(one.theta), epoch - warm, epochs - warm)
            if kept < one.alive.sum():
                one.learn(self._own.sharpness, self._own.distribution_momentum)
                one.prune(kept)
                self._cell = None

    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """Measure the cell that trained the weights last; returns its loss."""
        if self._cell is None:
            return None
        supernet.eval()  # a supernet with running statistics uses them, and keeps them (authors)
        with torch.no_grad():
            logits = supernet(valid.images, self._encoding(self._cell))
        supernet.train()
        accuracy = 1 - float(wrong(logits, valid.labels)) / len(valid)
        for one, option in zip(self._all(), self._cell, strict=True):
            one.record(option, accuracy)
        return F.cross_entropy(logits, valid.labels)

    def weights_encoding(self) -> Encoding:
        """A drawn cell; in the warm-up, one that is not measured."""
        if self._warms_up:
            return self._encoding([one.any_option(self.generator) for one in self._all()])
        self._cell = [one.next_option(self.generator) for one in self._all()]
        return self._encoding(self._cell)

    def evaluation_encoding(self) -> Encoding:
        """The most likely options."""
        return Encoding.discrete(self.architecture())

    def architecture(self) -> Architecture:
        """The most likely options, by what was measured so far."""
        picks = []
        for choice, strengths in zip(self.space.choices, self._strengths(), strict=True):
            if choice.groups is None:
                picks.append(choice.ways[int(strengths.argmax())])
            else:
                picks.append(choice.strongest(strengths))
        return Architecture(tuple(picks))

    def likely(self, count: int) -> list[Architecture]:
        """The first is `architecture`."""
        scores = []
        for choice, strengths in zip(self.space.choices, self._strengths(), strict=True):
            logs = np.log(strengths)
            if choice.groups is not None:
                logs = np.array([logs[list(way)].sum() for way in choice.ways])
            scores.append(logs)
        return most_likely(self.space, scores, count)

    def selection_mixture(self) -> Encoding:
        """Every candidate with the probability of the options that have it."""
        found: list[dict[int, Weight]] = []
        for choice, strengths in zip(self.space.choices, self._strengths(), strict=True):
            total = np.zeros(len(choice.candidates))
            if choice.groups is None:
                for way, strength in zip(choice.ways, strengths / strengths.sum(), strict=True):
                    total[list(way)] += strength
            else:
                for places in map(list, choice.mixtures):
                    total[places] = strengths[places] / strengths[places].sum()
            shares = torch.tensor(total, dtype=torch.get_default_dtype(), device=self.device)
            used = [place for place, share in enumerate(total) if share]
            settled: dict[int, Weight] = dict.fromkeys(choice.ways[0])
            found.append(settled if choice.is_settled else {one: shares[one] for one in used})
        return Encoding(tuple(found))

    def choice_states(self) -> Mapping[str, ChoiceState]:
        """Of the options that are left; those of a choice with groups are named by group."""
        found = {}
        for choice, given in zip(self.space.choices, self._distributions, strict=True):
            for number, one in enumerate(given):
                name = choice.name if choice.groups is None else f"{choice.name}~{number}"
                found[name] = ChoiceState.of(one.probabilities().tolist())
        return found

    def state_dict(self) -> dict[str, Any]:
        """The distributions, what was measured, and the cell to measure next."""
        return {
            "distributions": [one.state_dict() for one in self._all()],
            "cell": self._cell,
            "begun": self._begun,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a searcher of the same space."""
        for one, saved in zip(self._all(), state["distributions"], strict=True):
            one.load_state_dict(saved)
        self._cell, self._begun = state["cell"], state["begun"]

    def _all(self) -> Iterator[Categorical]:
        for given in self._distributions:
            yield from given

    def _encoding(self, options: list[int]) -> Encoding:
        """The candidates of an option of each distribution."""
        left = iter(options)
        weights: list[dict[int, Weight]] = []
        for choice, given in zip(self.space.choices, self._distributions, strict=True):
            if not given:
                weights.append(dict.fromkeys(choice.ways[0]))
            elif choice.groups is None:
                weights.append(dict.fromkeys(choice.ways[next(left)]))
            else:
                weights.append({places[next(left)]: None for places in choice.mixtures})
        return Encoding(tuple(weights))

    def _strengths(self) -> list[np.ndarray]:
        """By choice, of each way, or where there are groups of each candidate; above 0."""
        found = []
        for choice, given in zip(self.space.choices, self._distributions, strict=True):
            learned = [
                one.strengths(self._own.sharpness, self._own.distribution_momentum) for one in given
            ]
            if choice.groups is None:
                found.append(learned[0] if learned else np.ones(1))
                continue
            values = np.ones(len(choice.candidates))
            for places, strengths in zip(choice.mixtures, learned, strict=False):
                values[list(places)] = strengths
            found.append(values)
        return found
