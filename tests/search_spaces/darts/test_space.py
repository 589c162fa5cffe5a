"""DARTS's space: what strengths decode to, its genotypes, and its keys."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from oneshot_hpo.search_spaces import Architecture, get_space
from oneshot_hpo.search_spaces.darts.space import INPUTS, NODES, OPERATIONS
from oneshot_hpo.search_spaces.space import enumerable

SPACE = get_space("darts")
# The authors' genotypes.py: what their first- and second-order searches found.
DARTS_V1 = """Genotype(
    normal=[
        ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1),
        ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)],
    normal_concat=[2, 3, 4, 5],
    reduce=[
        ('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0),
        ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)],
    reduce_concat=[2, 3, 4, 5])"""
DARTS_V2 = """Genotype(
    normal=[
        ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
        ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
    normal_concat=[2, 3, 4, 5],
    reduce=[
        ('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1),
        ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
    reduce_concat=[2, 3, 4, 5])"""


def drawn(seed: int) -> Architecture:
    return SPACE.sample(np.random.default_rng(seed))


def test_a_cell_has_fourteen_edges_of_eight_operations() -> None:
    assert len(SPACE.choices) == 8 and len(OPERATIONS) == 8
    normal = SPACE.choices[:4]
    assert sum(len(choice.candidates) for choice in normal) == 14 * 8
    assert [len(choice.mixtures) for choice in normal] == [2, 3, 4, 5]
    for choice in SPACE.choices:
        barred = {choice.candidates[place].partition("~")[0] for place in choice.barred}
        assert barred == {"none"}


@pytest.mark.parametrize("text", [DARTS_V1, DARTS_V2], ids=["DARTS_V1", "DARTS_V2"])
def test_the_published_genotypes_come_back(text: str) -> None:
    architecture = SPACE.parse(text)
    assert SPACE.parse(SPACE.text(architecture)) == architecture
    document = SPACE.to_document(architecture)
    assert SPACE.from_document(json.loads(json.dumps(document))) == architecture
    assert SPACE.parse(json.dumps(document)) == architecture
    for cell in ("normal", "reduce"):
        written = SPACE.parse(text.replace("[2, 3, 4, 5]", "range(2, 6)"))
        assert written == architecture
        assert document[f"{cell}_concat"] == [2, 3, 4, 5]


def test_the_document_keeps_each_node_s_two_edges() -> None:
    document = SPACE.to_document(SPACE.parse(DARTS_V1))
    assert document["normal"][:4] == [
        *(["sep_conv_3x3", 0], ["sep_conv_3x3", 1]),
        *(["skip_connect", 0], ["sep_conv_3x3", 1]),
    ]
    assert document["reduce"][6:] == [["avg_pool_3x3", 0], ["skip_connect", 2]]


def authors_decoding(weights: Sequence[np.ndarray]) -> list[list[tuple[str, int]]]:
    """`Network.genotype` of the authors' model_search.py: per node, the two strongest edges.

    weights: for each node, float (sources, 8).
    """
    none = OPERATIONS.index("none")
    genotype = []
    for of_node in weights:
        kept = [[k for k in range(8) if k != none] for _ in of_node]
        strength = [max(of_node[j][k] for k in kept[j]) for j in range(len(of_node))]
        edges = sorted(range(len(of_node)), key=lambda j: -strength[j])[:2]
        best = [max(kept[j], key=lambda k: of_node[j][k]) for j in edges]
        genotype.append(sorted((OPERATIONS[k], j) for k, j in zip(best, edges, strict=True)))
    return genotype


def test_decoding_is_the_rule_of_the_two_strongest_edges() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        strengths = [rng.random(len(choice.candidates)) for choice in SPACE.choices]
        document = SPACE.to_document(SPACE.decode(strengths))
        for begin, cell in ((0, "normal"), (4, "reduce")):
            weights = [values.reshape(-1, 8) for values in strengths[begin : begin + 4]]
            edges = [(name, source) for name, source in document[cell]]
            pairs = [sorted(edges[2 * node : 2 * node + 2]) for node in range(4)]
            assert pairs == authors_decoding(weights)


def test_a_strong_none_is_never_kept() -> None:
    strengths = []
    for choice in SPACE.choices:
        values = np.full(len(choice.candidates), 0.1)
        values[sorted(choice.barred)] = 0.9
        strengths.append(values)
    text = SPACE.text(SPACE.decode(strengths))
    assert "none" not in text


def reordered(architecture: Architecture, order: Sequence[int]) -> Architecture | None:
    """The architecture with the nodes of its normal cell in another order; None if none allows it.

    order: the new number of nodes 2 to 5.
    """
    number = {**dict(enumerate(range(INPUTS))), **dict(zip(NODES, order, strict=True))}
    picks: dict[int, tuple[int, ...]] = {}
    for node, edges in SPACE.cell(architecture, "normal"):
        moved = [(number[source], operation) for source, operation in edges]
        if any(source >= number[node] for source, _ in moved):
            return None
        picks[number[node]] = tuple(sorted(source * 8 + operation for source, operation in moved))
    return Architecture((*(picks[node] for node in NODES), *architecture.picks[4:]))


def test_another_order_of_the_nodes_has_the_same_key() -> None:
    tried = 0
    for seed in range(60):
        architecture = drawn(seed)
        for order in ((3, 2, 4, 5), (2, 4, 3, 5), (2, 3, 5, 4), (4, 5, 2, 3)):
            other = reordered(architecture, order)
            if other is not None and other != architecture:
                SPACE.check(other)
                assert SPACE.key(other) == SPACE.key(architecture)
                tried += 1
    assert tried > 20


def test_other_cells_have_other_keys() -> None:
    keys = {SPACE.key(drawn(seed)) for seed in range(300)}
    assert len(keys) == 300
    assert SPACE.key(SPACE.parse(DARTS_V1)) != SPACE.key(SPACE.parse(DARTS_V2))
    swapped = DARTS_V1.replace("normal", "X").replace("reduce", "normal").replace("X", "reduce")
    assert SPACE.key(SPACE.parse(swapped)) != SPACE.key(SPACE.parse(DARTS_V1))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "('sep_conv_3x3', 1), ('sep_conv_3x3', 0)",
            "('sep_conv_3x3', 0)",
            "normal has 6 edges, not 8",
        ),
        ("[2, 3, 4, 5]", "[2, 3, 4]", r"normal_concat is not \[2, 3, 4, 5\]"),
        ("skip_connect", "none", "'none' is none of the operations that are kept"),
        ("skip_connect", "sep_conv_7x7", "'sep_conv_7x7' is none of the operations"),
        ("('skip_connect', 2)", "('skip_connect', 5)", "5 is not a node that an edge begins at"),
        ("('skip_connect', 2)", "('skip_connect', 9)", "9 is not a node"),
        ("('skip_connect', 2)", "('skip_connect', 2.0)", "2.0 is not a node"),
        ("('skip_connect', 2)", "('skip_connect', 0)", "normal_5: .* cannot be picked"),
        ("('skip_connect', 2)", "'skip'", "not a genotype of DARTS"),
    ],
)
def test_a_genotype_of_another_space_is_refused_on_one_line(
    old: str, new: str, problem: str
) -> None:
    assert old in DARTS_V1
    with pytest.raises(ValueError, match=problem) as refused:
        SPACE.parse(DARTS_V1.replace(old, new))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["{}", '{"normal": 3}', "[]", "{"])
def test_json_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="DARTS"):
        SPACE.parse(text)


def test_it_is_not_enumerable() -> None:
    with pytest.raises(ValueError, match="the space of DARTS is too large"):
        enumerable(SPACE)
