"""NAS-Bench-201's cells: their text, their counts, and which are isomorphic."""

from itertools import product

import numpy as np
import pytest

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.nasbench201.space import EDGES, OPERATIONS, expression

SPACE = get_space("nasbench201")
TEXT = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|none~2|"


def test_it_has_the_published_numbers_of_cells() -> None:
    assert SPACE.num_configurations == 5**6 == 15_625
    assert SPACE.num_cells == 6_466


def test_unique_cells_are_those_of_the_key() -> None:
    unique = SPACE.unique
    keys = [SPACE.key(architecture) for architecture in SPACE.architectures()]
    assert len(set(keys)) == SPACE.num_cells
    assert [keys[number] for number in unique.first[unique.of_configuration]] == keys
    assert np.all(np.diff(unique.first) > 0)


def test_a_cell_is_read_from_its_text_and_its_document() -> None:
    architecture = SPACE.parse(TEXT)
    assert SPACE.names(architecture) == (
        *("avg_pool_3x3", "nor_conv_1x1", "skip_connect"),
        *("nor_conv_1x1", "skip_connect", "none"),
    )
    assert SPACE.to_document(architecture) == {"cell": TEXT}
    texts = {SPACE.text(each) for each in SPACE.architectures()}
    assert len(texts) == 15_625
    for number in range(0, 15_625, 97):
        each = SPACE.architecture(number)
        assert SPACE.parse(SPACE.text(each)) == each
        assert SPACE.from_document(SPACE.to_document(each)) == each


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a cell of NAS-Bench-201: ''"),
        (TEXT[1:], "not a cell of NAS-Bench-201"),
        (TEXT.replace("~2", "~1"), "not a cell of NAS-Bench-201"),
        (TEXT + "\n", "not a cell of NAS-Bench-201"),
        (TEXT.replace("none", "nor_conv_5x5"), "operations none, .*, not 'nor_conv_5x5'"),
        ("|none~0|+" * 1000, "not a cell of NAS-Bench-201"),
    ],
)
def test_another_text_is_refused_on_one_line(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        SPACE.parse(text)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


@pytest.mark.parametrize("document", [{}, {"cell": 3}, {"cell": [TEXT]}, {"cell": "none"}])
def test_another_document_is_refused(document: dict) -> None:
    with pytest.raises(ValueError, match="NAS-Bench-201"):
        SPACE.from_document(document)


def test_cells_that_the_paper_calls_isomorphic_share_a_key() -> None:
    # through node 1 or through node 2: one convolution of the input
    one = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|")
    # what reaches node 1 does not matter when nothing leaves it
    other = SPACE.parse("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    another = SPACE.parse("|avg_pool_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    assert SPACE.key(one) != SPACE.key(SPACE.parse(TEXT))
    assert SPACE.key(other) == SPACE.key(another)
    assert SPACE.cell_index(other) == SPACE.cell_index(another)


def authors_unique_string(names: tuple[str, ...]) -> str:
    """`Structure.to_unique_str(consider_zero=True)` of the authors' genotypes.py, by its rules."""
    nodes = {0: "0"}
    for node in (1, 2, 3):
        terms = []
        for (source, target), name in zip(EDGES, names, strict=True):
            if target == node:
                if name == "none" or nodes[source] == "#":
                    terms.append("#")
                elif name == "skip_connect":
                    terms.append(nodes[source])
                else:
                    terms.append("(" + nodes[source] + ")" + f"@{name}")
        nodes[node] = "+".join(sorted(terms))
    return nodes[3]


def test_the_expression_is_the_authors_unique_string() -> None:
    every = list(product(OPERATIONS, repeat=6))[::23]
    assert [expression(names) for names in every] == [authors_unique_string(n) for n in every]


def test_neighbours_differ_in_one_operation() -> None:
    near = SPACE.neighbours(SPACE.parse(TEXT))
    assert len(set(near)) == 6 * 4
    for other in near:
        differing = sum(
            a != b for a, b in zip(SPACE.names(other), SPACE.names(SPACE.parse(TEXT)), strict=True)
        )
        assert differing == 1


def test_the_strongest_operation_of_each_edge_is_picked() -> None:
    rng = np.random.default_rng(0)
    strengths = [rng.random(5) for _ in EDGES]
    architecture = SPACE.decode(strengths)
    assert SPACE.places(architecture) == tuple(int(values.argmax()) for values in strengths)


def test_loose_ends_are_no_used_operations() -> None:
    cells = {
        # nothing leaves node 1, nothing reaches node 2
        "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|": [
            *(-1, 0, 0, 1, 0, -1),
        ],
        "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|avg_pool_3x3~1|none~2|": [3, -1, -1, 0, 4, -1],
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|": [-1, -1, -1, 0, -1, -1],
        TEXT: [4, -1, -1, 2, 1, 0],
    }
    numbers = np.array([SPACE.configuration(SPACE.parse(text)) for text in cells])
    assert SPACE.used_operations(numbers).tolist() == list(cells.values())


def test_a_drawing_has_the_edges_on_a_path() -> None:
    drawing = SPACE.drawing(
        SPACE.parse(
            "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
        )
    )
    assert drawing.labels == (
        *("input", "nor_conv_3x3", "avg_pool_3x3", "skip_connect", "nor_conv_1x1", "output"),
    )
    assert drawing.edges == ((0, 1), (0, 3), (1, 2), (2, 4), (3, 5), (4, 5))
    nothing = SPACE.drawing(SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"))
    assert nothing.labels == ("input", "output") and nothing.edges == ()


def test_a_drawing_s_vertices_come_after_what_feeds_them() -> None:
    for number in range(0, 15_625, 61):
        drawing = SPACE.drawing(SPACE.architecture(number))
        assert all(a < b < len(drawing.labels) for a, b in drawing.edges)
