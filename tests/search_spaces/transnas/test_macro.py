"""TransNAS-Bench-101's skeletons: 3,256 behind six free choices."""

from itertools import product

import numpy as np
import pytest

from oneshot_hpo.search_spaces import Architecture, get_space

SPACE = get_space("transnas-macro")


def allowed() -> set[str]:
    """Every skeleton of the paper's rules: modules, doublings of channels, halvings."""
    return {
        "".join(digits)
        for length in (4, 5, 6)
        for digits in product("1234", repeat=length)
        if 1 <= sum(digit in "24" for digit in digits) <= 3
        and 1 <= sum(digit in "34" for digit in digits) <= 4
    }


def test_its_unique_cells_are_the_published_skeletons() -> None:
    assert SPACE.num_cells == 3_256
    skeletons = {SPACE.skeleton(architecture) for architecture in SPACE.architectures()}
    assert skeletons == allowed()


def test_a_skeleton_is_its_own_configuration() -> None:
    for digits in allowed():
        architecture = SPACE.parse(digits)
        assert SPACE.key(architecture) == digits
        assert SPACE.from_document(SPACE.to_document(architecture)) == architecture


def test_the_example_of_the_authors_is_read() -> None:
    architecture = SPACE.parse("64-1234-basic")
    assert architecture == Architecture(((0,), (1,), (2,), (3,), (4,), (4,)))
    assert SPACE.text(architecture) == "64-1234-basic"


@pytest.mark.parametrize(
    ("modules", "skeleton"),
    [
        ((1, 2, 3, 4, 5, 2), "12342"),  # the sixth moves up
        ((2, 2, 2, 2, 3, 5), "22213"),  # a fourth doubling is left out
        ((3, 3, 3, 3, 4, 2), "333322"),  # a fifth halving is left out
        ((1, 1, 1, 3, 5, 5), "1114"),  # the last one doubles where none does
        ((1, 1, 2, 1, 5, 5), "1123"),  # and halves
        ((1, 1, 1, 1, 1, 1), "111114"),
    ],
)
def test_a_configuration_outside_is_mapped_to_the_nearest(
    modules: tuple[int, ...], skeleton: str
) -> None:
    architecture = Architecture(tuple((kind - 1,) for kind in modules))
    assert SPACE.skeleton(architecture) == skeleton
    assert SPACE.cell_index(architecture) == SPACE.cell_index(SPACE.parse(skeleton))


def test_unique_cells_are_those_of_the_key() -> None:
    unique = SPACE.unique
    keys = [SPACE.key(architecture) for architecture in SPACE.architectures()]
    assert [keys[number] for number in unique.first[unique.of_configuration]] == keys
    assert np.all(np.diff(unique.first) > 0)


@pytest.mark.parametrize("text", ["", "123", "64-1111-basic", "22221113", "64-222233-basic"])
def test_another_text_is_refused_on_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="written as 64-1234-basic") as refused:
        SPACE.parse(text)
    assert "\n" not in str(refused.value)


def test_used_operations_are_those_of_the_skeleton() -> None:
    texts = ["1234", "12342", "111114"]
    numbers = np.array([SPACE.configuration(SPACE.parse(text)) for text in texts])
    assert SPACE.used_operations(numbers).tolist() == [
        [0, 1, 2, 3, -1, -1],
        [0, 1, 2, 3, 1, -1],
        [0, 0, 0, 0, 0, 3],
    ]
