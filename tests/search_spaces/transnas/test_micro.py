"""TransNAS-Bench-101's cells."""

import pytest

from oneshot_hpo.search_spaces import get_space

SPACE = get_space("transnas-micro")


def test_it_has_the_published_number_of_cells() -> None:
    assert SPACE.num_configurations == 4_096


def test_the_example_of_the_authors_is_read() -> None:
    architecture = SPACE.parse("64-41414-1_02_333")
    assert SPACE.names(architecture) == (
        *("skip_connect", "none", "nor_conv_1x1"),
        *("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3"),
    )
    assert SPACE.parse("1_02_333") == architecture
    assert SPACE.to_document(architecture) == {"cell": "64-41414-1_02_333"}


def test_text_and_number_are_inverse() -> None:
    for number, architecture in enumerate(SPACE.architectures()):
        assert SPACE.configuration(SPACE.parse(SPACE.text(architecture))) == number


@pytest.mark.parametrize("text", ["", "64-1234-basic", "64-41414-1_02_334", "1_02_33", "102333\n"])
def test_another_text_is_refused_on_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="written as 64-41414-1_02_333") as refused:
        SPACE.parse(text)
    assert "\n" not in str(refused.value)
