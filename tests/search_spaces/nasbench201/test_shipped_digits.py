"""The table of NAS-Bench-201 that ships: every cell, as the README says."""

import numpy as np
import pytest

from oneshot_hpo.search_spaces import Table, load_table
from oneshot_hpo.search_spaces.nasbench201.space import NASBENCH201
from oneshot_hpo.search_spaces.table import Origin
from oneshot_hpo.searchers.data.datasets import load_dataset


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table("digits-201")


def test_it_holds_every_cell_once(table: Table) -> None:
    assert len(table) == NASBENCH201.num_cells == 6_466
    assert table.part is None and table.budgets == (1, 2, 4)
    assert len(np.unique(table.entry_of(NASBENCH201))) == len(table)
    rows = table.entries(NASBENCH201)
    for split in ("valid", "test"):
        for budget in table.budgets:
            errors = table.errors(split, rows, budget)
            assert errors.shape == (len(table), 2)
            assert ((errors >= 0) & (errors < 1)).all()
    assert (table.seconds(rows) > 0).all()
    assert (table.origin("test_error", rows) == Origin.REAL).all()


def test_isomorphic_cells_share_a_row(table: Table) -> None:
    """Node 1 is the input, so that an edge from either is the same."""
    cells = (
        ("skip_connect", "none", "nor_conv_3x3", "none", "none", "nor_conv_1x1"),
        ("skip_connect", "nor_conv_3x3", "none", "none", "none", "nor_conv_1x1"),
    )
    one, two = map(NASBENCH201.of_names, cells)
    assert one != two
    assert table.row_of(NASBENCH201, one) == table.row_of(NASBENCH201, two)


def test_it_is_of_the_images_that_studies_search_on(table: Table) -> None:
    assert table.dataset == "digits"
    assert table.dataset_checksum == load_dataset("digits").scratch_checksum


def test_noise_between_seeds_is_below_the_spread_between_cells(table: Table) -> None:
    errors = table.errors("valid", np.arange(len(table)))
    between_seeds = np.sqrt(errors.var(1, ddof=1).mean())
    assert between_seeds < errors.mean(1).std(ddof=1)


def test_it_says_how_it_was_made(table: Table) -> None:
    provenance = table.provenance
    assert provenance["command"].startswith("oneshot-hpo table build --space nasbench201")
    assert provenance["settings"]["channels"] == 4 and provenance["seeds"] == [0, 1]
    assert provenance["versions"]["torch"] and provenance["training_hours"] > 0
