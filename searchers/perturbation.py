"""Selection by perturbation, DARTS-PT (Wang et al., ICLR 2021, algorithm 1).

The strength of a candidate is what the supernet loses without it. One choice after another, in a
random order, keeps the candidates without which the validation error is highest; the supernet is
trained a little in between. Where edges compete (DARTS's space), each edge first keeps an
operation, then each node its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.search_spaces.choices import OPERATION
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.settings import SearchSettings

Evaluate = Callable[[Encoding], Sequence[float]]
"""Loss and error of the supernet under an encoding, on all validation images."""

_TUNED_SHARE = 1 / 20
"""Of the search's steps: the training between two decisions (authors' code: 5 of 100 epochs)."""


class Contest(NamedTuple):
    """One decision: between all candidates of a choice, or the operations of one of its groups.

    place: of the choice in the space. group: None for all.
    """

    place: int
    group: int | None


class Perturbation:
    """The decisions on a space's choices, one after another.

    contests: in the order in which they are decided. kept: places of the candidates that were kept,
    for the contests decided so far. tuned: steps of training since the last decision.
    seconds: that stopped attempts at the rest took.
    """

    def __init__(self, space: SearchSpace, generator: torch.Generator) -> None:
        """generator: draws the order."""
        self._space = space
        edges, topology = _contests(space)
        self.contests = [*_shuffled(edges, generator), *_shuffled(topology, generator)]
        self.kept: list[tuple[int, ...]] = []
        self.tuned = 0
        self.seconds = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether all contests are decided."""
        return len(self.kept) == len(self.contests)

    def run(
        self,
        between: int,
        tune: Callable[[int, int], None],
        mixture: Callable[[], Encoding],
        loss_and_error: Evaluate,
    ) -> Iterator[None]:
        """Decide all that is left; yields after each decision and each step of training.

        between: steps of training between two decisions. tune: makes the step of a number, of so
        many. mixture: all candidates, weighted, as the searcher sees them by then.
        """
        steps = between * (len(self.contests) - 1)
        while not self.is_finished:
            if not self.kept or self.tuned == between:
                self.decide(mixture(), loss_and_error)
            else:
                tune((len(self.kept) - 1) * between + self.tuned, steps)
                self.tuned += 1
            yield

    def decide(self, mixture: Encoding, loss_and_error: Evaluate) -> None:
        """Keep the candidates of the next contest without which the supernet is worst.

        Of equal errors the higher loss counts. mixture: all candidates, weighted.
        """
        place, _ = contest = self.contests[len(self.kept)]
        candidates, k = self._candidates(contest)
        mixture = self.overlay(mixture)
        present = [one for one in candidates if one in mixture.weights[place]]

        if len(present) > k:
            without = {one: loss_and_error(_without(mixture, place, one)) for one in present}
            present.sort(key=lambda one: (-without[one][1], -without[one][0]))
        # An edge that the mixture lacks is weak, whatever its operation.
        self.kept.append(tuple(sorted(present[:k] or candidates[:k])))
        self.tuned = 0

    def overlay(self, encoding: Encoding) -> Encoding:
        """An encoding in which what was decided replaces what it says.

        An edge whose operation is decided keeps its weight.
        """
        weights = list(encoding.weights)
        for (place, group), kept in zip(self.contests, self.kept, strict=False):
            if group is None:
                weights[place] = dict.fromkeys(kept)
            else:
                weights[place] = _moved(weights[place], self._of_group(place, group), kept[0])
        return Encoding(tuple(weights), encoding.positive)

    def architecture(self) -> Architecture:
        """The architecture, when all is decided."""
        picks = [choice.ways[0] for choice in self._space.choices]
        for (place, group), kept in zip(self.contests, self.kept, strict=True):
            if group is None:
                picks[place] = kept
        return Architecture(tuple(picks))

    def state_dict(self) -> dict[str, Any]:
        """Plain values from which `load_state_dict` continues exactly."""
        return {
            "contests": [list(contest) for contest in self.contests],
            "kept": [list(kept) for kept in self.kept],
            "tuned": self.tuned,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state of a selection in the same space."""
        self.contests = [Contest(*contest) for contest in state["contests"]]
        self.kept = [tuple(kept) for kept in state["kept"]]
        self.tuned, self.seconds = state["tuned"], state["seconds"]

    def _candidates(self, contest: Contest) -> tuple[list[int], int]:
        """Places of the candidates that compete, and how many are kept."""
        choice = self._space.choices[contest.place]
        if contest.group is not None:
            allowed = self._of_group(contest.place, contest.group)
            return [place for place in allowed if place not in choice.barred], 1
        if choice.groups is None:
            every = range(len(choice.candidates))
            return [place for place in every if place not in choice.barred], choice.k
        decided = zip(self.contests, self.kept, strict=False)
        return sorted(kept[0] for (place, _), kept in decided if place == contest.place), choice.k

    def _of_group(self, place: int, group: int) -> list[int]:
        groups = self._space.choices[place].groups
        assert groups is not None
        return [candidate for candidate, of in enumerate(groups) if of == group]


def steps_between_decisions(settings: SearchSettings, search_steps: int) -> int:
    """As set, or as published, for a search of so many steps."""
    if settings.finetune_batches is not None:
        return settings.finetune_batches
    return max(1, round(_TUNED_SHARE * search_steps))


class DecidedNetwork(OneShotNetwork):
    """A supernet in which choices are decided, whatever an encoding says of them."""

    def __init__(self, supernet: OneShotNetwork, perturbation: Perturbation) -> None:
        super().__init__()
        self.supernet = supernet
        self._overlay = perturbation.overlay

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        """As the supernet does, with what was decided."""
        logits: Tensor = self.supernet(images, self._overlay(encoding))
        return logits


def _contests(space: SearchSpace) -> tuple[list[Contest], list[Contest]]:
    """The contests of operations, and those of edges and parents."""
    operations, topology = [], []
    for place, choice in enumerate(space.choices):
        if choice.is_settled:
            continue
        if choice.groups is not None:
            operations += [Contest(place, group) for group in dict.fromkeys(choice.groups)]
            topology.append(Contest(place, None))
        elif choice.kind == OPERATION:
            operations.append(Contest(place, None))
        else:
            topology.append(Contest(place, None))
    return operations, topology


def _shuffled(contests: Sequence[Contest], generator: torch.Generator) -> list[Contest]:
    order: list[int] = torch.randperm(len(contests), generator=generator).tolist()
    return [contests[place] for place in order]


def _without(encoding: Encoding, place: int, candidate: int) -> Encoding:
    """An encoding that lacks one candidate; the others' weights stay."""
    weights = list(encoding.weights)
    weights[place] = {key: weight for key, weight in weights[place].items() if key != candidate}
    return Encoding(tuple(weights), encoding.positive)


def _moved(weights: Mapping[int, Weight], group: Iterable[int], kept: int) -> dict[int, Weight]:
    """The weights with all that a group has on one of it; the group stays absent if it is."""
    members = set(group)
    moved = {key: weight for key, weight in weights.items() if key not in members}
    present = [weight for key, weight in weights.items() if key in members]
    if present:
        moved[kept] = _total(present)
    return dict(sorted(moved.items()))


def _total(weights: Sequence[Weight]) -> Weight:
    """Their sum; None for exactly 1."""
    if len(weights) == 1:
        return weights[0]
    tensors = [weight for weight in weights if weight is not None]
    assert tensors  # a group of which more than one candidate is computed has weights
    ones = len(weights) - len(tensors)
    return torch.stack(tensors).sum() + ones
