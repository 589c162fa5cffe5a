import numpy as np
import pytest
from support.grouped_space import GroupedSpace

from oneshot_hpo.search_spaces import Architecture, Choice, get_space
from oneshot_hpo.search_spaces.choices import PARENTS


def test_ways_are_all_picks_in_lexicographic_order() -> None:
    choice = Choice("parents", ("0", "1", "2"), k=2, kind=PARENTS)
    assert choice.ways == ((0, 1), (0, 2), (1, 2))
    assert [choice.number(way) for way in choice.ways] == [0, 1, 2]
    assert [choice.text(way) for way in choice.ways] == ["0,1", "0,2", "1,2"]
    assert all(choice.pick(choice.text(way)) == way for way in choice.ways)
    assert choice.mixtures == ((0, 1, 2),)


def test_a_choice_of_all_its_candidates_is_settled() -> None:
    assert Choice("parents", ("0", "1"), k=2).is_settled
    assert not Choice("operation", ("a", "b")).is_settled


def test_at_most_one_of_a_group_is_picked_and_nothing_that_is_barred() -> None:
    node = GroupedSpace().choices[1]  # three sources, none, skip and conv of each
    assert len(node.ways) == 3 * 2 * 2
    for way in node.ways:
        assert len({node.groups[place] for place in way}) == 2
        assert not set(way) & node.barred
    assert node.mixtures == ((0, 1, 2), (3, 4, 5), (6, 7, 8))


@pytest.mark.parametrize("pick", [(0,), (1, 2), (1, 3), (4, 1), (1, 4, 7), (9,)])
def test_what_cannot_be_picked_is_refused_by_name(pick: tuple[int, ...]) -> None:
    space = GroupedSpace()
    with pytest.raises(ValueError, match="not an architecture of the grouped space: node_1"):
        space.check(Architecture((pick, (1, 4), (0,))))


def test_the_strongest_are_the_best_of_the_best_groups() -> None:
    node = GroupedSpace().choices[1]
    # none is strongest everywhere; source 1 has the best operation, source 0 the second best
    strengths = np.array([9.0, 0.1, 0.3, 9.0, 0.5, 0.4, 9.0, 0.2, 0.2])
    assert node.strongest(strengths) == (2, 4)
    # two strong operations of one source take one place
    assert node.strongest(np.array([0, 8, 9, 0, 1, 2, 0, 0, 0.0])) == (2, 5)


def test_of_equals_the_first_is_strongest() -> None:
    assert Choice("parents", ("0", "1", "2"), k=2).strongest(np.array([1.0, 1.0, 1.0])) == (0, 1)
    assert Choice("parents", ("0", "1", "2"), k=2).strongest(np.array([0.0, 1.0, 1.0])) == (1, 2)


@pytest.mark.parametrize("space", [get_space(1), GroupedSpace()], ids=["nasbench101", "grouped"])
def test_strengths_that_favour_an_architecture_are_decoded_to_it(space) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        wanted = space.sample(rng)
        strengths = [rng.random(len(choice.candidates)) for choice in space.choices]
        for values, pick in zip(strengths, wanted.picks, strict=True):
            values[list(pick)] += 1
        assert space.decode(strengths) == wanted
