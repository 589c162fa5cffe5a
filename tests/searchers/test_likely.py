import itertools

import numpy as np
import pytest
from support.grouped_space import SPACE as GROUPED
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.likely import most_likely
from oneshot_hpo.searchers.registry import SEARCHERS


def scores_of(space):
    rng = np.random.default_rng(0)
    return [rng.normal(size=len(choice.ways)) for choice in space.choices]


@pytest.mark.slow
@pytest.mark.parametrize("space", [get_space(1), GROUPED], ids=["space 1", "grouped"])
def test_they_are_those_of_a_full_ranking(space):
    """Isomorphic architectures count once, at the place of the likeliest."""
    scores = scores_of(space)
    ways = itertools.product(*(range(len(choice.ways)) for choice in space.choices))
    total = {way: sum(s[n] for s, n in zip(scores, way, strict=True)) for way in ways}
    ranked: dict[str, object] = {}
    for number in sorted(total, key=total.__getitem__, reverse=True):
        picks = zip(space.choices, number, strict=True)
        architecture = type(space.architecture(0))(tuple(c.ways[n] for c, n in picks))
        ranked.setdefault(space.key(architecture), architecture)
    wanted = list(ranked.values())[:30]
    assert most_likely(space, scores, 30) == wanted
    assert most_likely(space, scores, 1) == wanted[:1]


def test_no_more_are_found_than_there_are():
    wanted = {GROUPED.key(one) for one in GROUPED.architectures()}
    found = most_likely(GROUPED, scores_of(GROUPED), 10_000)
    assert {GROUPED.key(one) for one in found} == wanted
    assert len(found) == len(wanted)


@pytest.mark.slow
@pytest.mark.parametrize("space", [1, "nasbench201", "darts"])
@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_names_likely_architectures(name, space):
    """The first is the one that it would end with, where it has one."""
    space = get_space(space)
    steps = Steps(name, space, channels=8, stacks=2)
    found = steps.searcher.likely(5)
    assert len({space.key(one) for one in found}) == len(found) == 5
    for one in found:
        space.check(one)
    architecture = steps.searcher.architecture()
    assert architecture is None or found[0] == architecture


@pytest.mark.slow
@pytest.mark.parametrize("space", [1, "nasbench201", "darts"])
@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_weighs_all_candidates(name, space):
    """As much in all as a single architecture, where nothing is none's or an edge's."""
    space = get_space(space)
    mixture = Steps(name, space, channels=8, stacks=2).searcher.selection_mixture()
    for choice, weights in zip(space.choices, mixture.weights, strict=True):
        assert weights.keys() >= {place for way in choice.ways for place in way}
        if choice.groups is None:
            total = sum(1.0 if weight is None else float(weight) for weight in weights.values())
            assert total == pytest.approx(choice.k, rel=1e-5)
