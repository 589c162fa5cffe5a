"""What every space has from its choices alone."""

import numpy as np
import pytest
from support.grouped_space import GroupedSpace

from oneshot_hpo import plugins
from oneshot_hpo.search_spaces import UnknownSpace, get_space

SPACE = GroupedSpace()


def test_configurations_and_architectures_are_inverse_and_all_there() -> None:
    assert SPACE.num_configurations == 4 * 12 * 2 == len(set(SPACE.architectures()))
    for number, architecture in enumerate(SPACE.architectures()):
        assert SPACE.configuration(architecture) == number
        assert SPACE.from_document(SPACE.to_document(architecture)) == architecture
        assert SPACE.parse(SPACE.text(architecture)) == architecture
        digits = SPACE.digits(np.array([number]))[0]
        ways = [choice.ways[digit] for choice, digit in zip(SPACE.choices, digits, strict=True)]
        assert tuple(ways) == architecture.picks
    with pytest.raises(ValueError, match="the grouped space has configurations 0 to 95, not 96"):
        SPACE.architecture(96)


def test_unique_cells_are_counted_by_key() -> None:
    class Folded(GroupedSpace):
        """The last choice makes no difference."""

        def key(self, architecture):
            return str(architecture.picks[:-1])

    unique = Folded().unique
    assert Folded().num_cells == 48
    assert unique.first.tolist() == list(range(0, 96, 2))
    assert unique.of_configuration.tolist() == [number // 2 for number in range(96)]
    assert SPACE.num_cells == 96


def test_neighbours_differ_in_one_candidate_and_are_symmetric() -> None:
    for architecture in SPACE.architectures():
        near = SPACE.neighbours(architecture)
        assert architecture not in near
        assert len(set(near)) == len(near)
        for other in near:
            moved = [
                len(set(a) - set(b)) for a, b in zip(architecture.picks, other.picks, strict=True)
            ]
            assert sorted(moved) == [0, 0, 1]
            assert architecture in SPACE.neighbours(other)


def test_operations_are_those_of_choices_of_one_operation() -> None:
    class Named(GroupedSpace):
        operations = ("right", "left")

    space = Named()
    assert space.operation_choices == (2,)  # the others pick pairs
    assert space.used_operations(np.arange(4)).tolist() == [[1], [0], [1], [0]]
    assert space.drawing(space.architecture(0)) is None


def test_configurations_of_a_config_space_are_architectures() -> None:
    config_space = SPACE.configuration_space(seed=3)
    assert config_space.estimate_size() == SPACE.num_configurations
    found = {
        SPACE.from_configuration(dict(configuration))
        for configuration in config_space.sample_configuration(200)
    }
    assert 60 < len(found) <= 96


@pytest.mark.parametrize("text", ["", "|none~0|", "[1]", '{"picks": [[1, 4], [1, 4], [7]]}'])
def test_a_text_of_no_architecture_is_refused_on_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*the grouped space[^\n]*$"):
        SPACE.parse(text)


@pytest.mark.parametrize("name", plugins.names("space"))
def test_every_space_is_found_by_its_name(name: str) -> None:
    space = get_space(name)
    assert space.name == name
    assert get_space(space.id) is space


def test_an_unknown_space_says_what_it_may_have_been() -> None:
    with pytest.raises(UnknownSpace, match="did you mean nasbench101-1"):
        get_space("nasbench101_1")
