"""What the network of a found architecture costs, from its table or counted."""

import dataclasses

import pytest

from oneshot_hpo.experiments.study import cell_costs
from oneshot_hpo.experiments.study.cell_costs import cell_costs as costs_of
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers.network.costs import multiply_accumulates_of
from oneshot_hpo.searchers.network.scratch import ScratchSettings

SPACE = get_space(1)
ALL_3X3 = SPACE.from_document(
    {
        "parents": [[0], [0, 1], [0, 2], [0, 3], [0, 4]],
        "operations": ["conv3x3-bn-relu"] * 4,
    }
)


def test_the_digits_table_says_parameters_and_seconds_and_its_network_the_rest():
    found = costs_of("digits", "digits", SPACE, ALL_3X3)
    table = load_table("digits")
    entry = table.query(SPACE.cell(ALL_3X3))
    assert found["parameters"] == entry.parameters
    assert found["training_seconds"] == pytest.approx(entry.seconds)
    # Stem of 8 x 8 pixels; three stacks of one cell, in each five projections of the input and four
    # 3 x 3 convolutions, all of as many channels as the stack; 8, 16 and 32 of them, on 8 x 8,
    # 4 x 4 and 2 x 2 pixels; a linear layer.
    cells = [
        (5 * before * after + 4 * 9 * after * after) * pixels**2
        for before, after, pixels in ((8, 8, 8), (8, 16, 4), (16, 32, 2))
    ]
    assert found["macs"] == 9 * 8 * 64 + sum(cells) + 32 * 10


def test_multiply_accumulates_of_nasbench201_are_the_benchmarks():
    """The authors' API gives 184.73 M (it calls them FLOPs) for the best cell on CIFAR-10."""
    space = get_space("nasbench201")
    best = space.parse(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
        "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )
    settings = ScratchSettings(channels=16, stacks=3, cells_per_stack=5)
    assert multiply_accumulates_of(space, best, 3, 32, 10, settings) / 1e6 == pytest.approx(
        184.73, abs=0.01
    )


def test_without_a_table_nothing_is_known():
    assert costs_of(None, "digits", SPACE, ALL_3X3) == {}


def test_macs_are_left_out_where_the_network_is_not_the_tables(monkeypatch):
    table = load_table("digits")

    def with_sizes(changed):
        provenance = dict(table.provenance) | {"settings": changed}
        return dataclasses.replace(table, provenance=provenance)

    for changed in ({**table.provenance["settings"], "channels": 16}, None):
        other = with_sizes(changed)
        monkeypatch.setattr(cell_costs, "opened_table", lambda _, own=other: own)
        assert "macs" not in costs_of("digits", "digits", SPACE, ALL_3X3)
    monkeypatch.setattr(cell_costs, "opened_table", lambda _: table)
    assert "macs" not in costs_of("digits", "cifar10", SPACE, ALL_3X3)  # other images
    assert "parameters" in costs_of("digits", "cifar10", SPACE, ALL_3X3)
