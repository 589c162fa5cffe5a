import numpy as np
import pytest
from scipy import stats

from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.seed_noise import seed_noise


@pytest.fixture(scope="module")
def digits() -> SpaceMap:
    return SpaceMap(get_space(1), load_table("digits"))


def test_it_agrees_with_the_table(digits: SpaceMap) -> None:
    space, table = digits.space, digits.table
    for number in range(0, space.num_cells, 211):
        architecture = space.architecture(int(space.unique.first[number]))
        entry = table.query(space.cell(architecture))
        assert digits.hashes[number] == entry.hash
        assert digits.test[number] == entry.test_error
        assert digits.valid[number] == entry.valid_error
        assert digits.parameters[number] == entry.parameters
        percentile = table.percentile(space, architecture)
        assert digits.percentiles[number] == pytest.approx(percentile)
        assert digits.ranks[number] == 1 + (digits.test < entry.test_error).sum()
    assert digits.regrets.min() == 0
    assert digits.chances is not None
    assert digits.chances.sum() == pytest.approx(1)


def test_cells_with_as_many_hits_share_a_rank(digits: SpaceMap) -> None:
    hits = digits.table.final.hits["test"][digits.rows, -1].sum(1).astype(int)
    np.testing.assert_array_equal(digits.ranks, stats.rankdata(-hits, method="min"))


def test_a_cell_is_named_by_the_beginning_of_its_hash(digits: SpaceMap) -> None:
    known = digits.hashes[1234]
    assert digits.named(known) == digits.named(known[:10].upper()) == 1234
    with pytest.raises(UserError, match="give more digits"):
        digits.named(known[:1])
    with pytest.raises(UserError, match="give more digits"):
        digits.named(" ")
    with pytest.raises(UserError, match="no cell of space 1 has a hash with this beginning"):
        digits.named("conv3x3")


def test_dead_ends_have_no_better_neighbour(digits: SpaceMap) -> None:
    from oneshot_hpo.search_spaces.neighbourhood import neighbours_of

    order = np.argsort(digits.test)[:60].tolist()
    ends = [
        cell
        for cell in order
        if all(
            digits.test[near.cell] >= digits.test[cell]
            for near in neighbours_of(digits.space, digits.of_configuration, cell)
        )
    ]
    assert order[0] in ends
    assert len(ends) <= digits.dead_ends < len(digits.test)


def test_seed_noise_is_that_of_the_good_cells() -> None:
    rng = np.random.default_rng(0)
    level = np.where(np.arange(1000) < 100, 0, 50)[:, None]
    errors = level + rng.normal(0, np.where(level < 50, 0.2, 5.0), (1000, 3))
    assert seed_noise(errors, errors.mean(1)) == pytest.approx(0.2, rel=0.15)
    assert seed_noise(errors[:, :1], errors[:, 0]) is None
