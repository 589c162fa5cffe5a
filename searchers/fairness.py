"""Strict fairness of sampled paths (FairNAS: Chu, Zhang and Xu, ICCV 2021, section 3.3)."""

from __future__ import annotations

import math

import torch

from oneshot_hpo.search_spaces import Architecture, Choice, SearchSpace
from oneshot_hpo.searchers.settings import SettingsError


def paths_a_step(space: SearchSpace) -> int:
    """m: the paths that use each candidate of every choice at least once."""
    return max(math.ceil(len(_allowed(choice)) / choice.k) for choice in space.choices)


def fair_paths(space: SearchSpace, generator: torch.Generator) -> list[Architecture]:
    """The m paths of one step of the weights (algorithm 1).

    Candidates of a choice are drawn without replacement, so that where k m is a multiple of their
    number each of them is in equally many paths: in one for operations, of which there are m.
    Elsewhere the numbers differ by one at most.
    """
    paths = paths_a_step(space)
    picks = [_deal(choice, paths, generator) for choice in space.choices]
    return [Architecture(one) for one in zip(*picks, strict=True)]


def check_fair(space: SearchSpace) -> None:
    """Raise SettingsError for a space that was pruned: its choices depend on each other."""
    if space.complete is not space:
        raise SettingsError(
            "search setting fairness must be expectation for a part of a search space: its "
            "choices cannot be drawn one by one"
        )


def _deal(choice: Choice, hands: int, generator: torch.Generator) -> list[tuple[int, ...]]:
    """Picks from a shuffled deck of the candidates; a new deck goes below what is left of it."""
    if choice.is_settled:
        return [choice.ways[0]] * hands

    deck: list[int] = []
    dealt = []
    for _ in range(hands):
        hand: list[int] = []
        while len(hand) < choice.k:
            card = _next_card(choice, deck, hand)
            if card is None:
                deck += _shuffled(_allowed(choice), generator)
            else:
                deck.remove(card)
                hand.append(card)
        dealt.append(tuple(sorted(hand)))
    return dealt


def _next_card(choice: Choice, deck: list[int], hand: list[int]) -> int | None:
    """The first card that may join the hand, of the group that has most left; None: there is none.

    Groups that are used up evenly leave no rest that cannot be picked together.
    """
    groups = range(len(choice.candidates)) if choice.groups is None else choice.groups
    held = {groups[card] for card in hand}
    left = [groups[card] for card in deck]
    fitting = [card for card in deck if groups[card] not in held]
    return max(fitting, key=lambda card: left.count(groups[card]), default=None)


def _allowed(choice: Choice) -> list[int]:
    return [place for place in range(len(choice.candidates)) if place not in choice.barred]


def _shuffled(items: list[int], generator: torch.Generator) -> list[int]:
    return [items[place] for place in torch.randperm(len(items), generator=generator).tolist()]
