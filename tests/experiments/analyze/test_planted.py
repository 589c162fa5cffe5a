"""Analyses of planted supernets: scores that are a known function of the table's errors."""

import numpy as np
import pytest

from oneshot_hpo.experiments.analyze import bias, correlation, pruning, quality
from oneshot_hpo.experiments.analyze.ranks import RESAMPLES, expected_best, resamples
from oneshot_hpo.experiments.analyze.sample import (
    cell_count,
    mean_test_errors,
    sample_cells,
    sample_of,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS

SPACE = get_space(1)


@pytest.fixture(scope="module")
def table():
    return load_table("digits")


@pytest.fixture(scope="module")
def sample(table):
    return sample_cells(table, SPACE, 400, np.random.default_rng(0))


def normal_scores(values):
    from scipy import stats

    return stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))


def planted(errors, rho, supernets=3):
    """Scores whose Pearson correlation with the normal scores of the errors is rho, exactly."""
    rng = np.random.default_rng(5)
    z = normal_scores(errors)
    z = (z - z.mean()) / z.std()
    scores = []
    for _ in range(supernets):
        noise = rng.normal(size=len(z))
        noise -= noise.mean() + (noise @ z) / len(z) * z
        scores.append(0.3 + 0.02 * (rho * z + np.sqrt(1 - rho**2) * noise / noise.std()))
    return scores


def test_samples_are_unique_cells_each_by_one_of_its_configurations(table, sample):
    cells = SPACE.unique.of_configuration[sample.configurations]
    assert len(np.unique(cells)) == len(sample) == 400
    architecture = SPACE.architecture(int(sample.configurations[7]))
    entry = table.query(SPACE.cell(architecture))
    assert sample.test_errors[7] == pytest.approx(entry.test_error)
    assert sample.parameters[7] == entry.parameters
    firsts = np.isin(sample.configurations, SPACE.unique.first)
    assert firsts.mean() < 0.9  # not always a cell's first one
    whole = sample_cells(table, SPACE, 10**6, np.random.default_rng(0))
    assert len(whole) == SPACE.num_cells
    again = sample_cells(table, SPACE, 400, np.random.default_rng(0))
    assert (again.configurations == sample.configurations).all()


@pytest.mark.parametrize("rho", [1.0, 0.5, 0.0, -0.7])
def test_the_correlation_is_the_planted_one(sample, rho):
    scores = planted(sample.test_errors, rho)
    weights = resamples(len(sample), np.random.default_rng(0))
    spearman, kendall = correlation.rank_correlations(scores, sample.test_errors, weights)
    wanted = 6 / np.pi * np.arcsin(rho / 2), 2 / np.pi * np.arcsin(rho)
    tolerance = 0.04  # 3 times 400 cells; the table's errors have ties
    assert spearman.value == pytest.approx(wanted[0], abs=tolerance)
    assert kendall.value == pytest.approx(wanted[1], abs=tolerance)
    assert spearman.sign == kendall.sign == np.sign(rho)
    one = correlation.Correlation(1, "darts", 5, 400, 3, spearman, kendall)
    (said,) = correlation.sentences([one])
    words = {1: "to this degree", 0: "not shown", -1: "the wrong way round"}
    assert words[int(np.sign(rho))] in said
    assert f"{spearman.value:.2f} ({spearman.low:.2f} to {spearman.high:.2f})" in said


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.8), (0.8, 0.2), (0.5, 0.5)])
def test_what_fine_tuning_gains_is_the_difference_of_two_planted_correlations(
    sample, before, after
):
    plain, tuned = (planted(sample.test_errors, rho) for rho in (before, after))
    weights = resamples(len(sample), np.random.default_rng(0))
    found = correlation.fine_tuned(3, plain, tuned, sample.test_errors, weights)
    rho = correlation.rank_correlations(plain, sample.test_errors, weights)
    assert found.gain.value == pytest.approx(found.spearman.value - rho[0].value)
    assert found.gain.low < found.gain.value < found.gain.high or before == after
    assert found.gain.sign == np.sign(after - before)
    one = correlation.Correlation(1, "darts", 5, 400, 3, *rho, found)
    (said,) = correlation.sentences([one])
    words = {1: "improves the ranks", 0: "is not shown", -1: "makes the ranks worse"}
    assert "After 3 batches of training" in said
    assert words[int(np.sign(after - before))] in said.partition("After 3 batches")[2]
    (row,) = correlation.rows([one])
    assert (row["finetune_batches"], row["finetuned_gain"]) == (3, found.gain.value)


def test_quality_of_a_perfect_a_blind_and_an_inverse_supernet(sample):
    errors = sample.test_errors
    weights = resamples(len(sample), np.random.default_rng(0))

    def of(scores):
        return quality.quality_of(7, scores, errors, weights, np.random.default_rng(1))

    perfect = of([errors + 0.1] * 3)
    assert perfect.best == {k: pytest.approx(errors.min()) for k in quality.FIRST}
    assert perfect.supernet_error == pytest.approx(errors.mean() + 0.1)
    assert perfect.table_error == pytest.approx(errors.mean())
    assert perfect.verdict(1) == perfect.verdict(10) == 1
    blind = of([np.ones(len(sample))] * 3)
    for k in quality.FIRST:
        assert blind.best[k] == pytest.approx(expected_best(errors, k))
        assert blind.random[k].value == pytest.approx(expected_best(errors, k))
        assert blind.verdict(k) == 0
    inverse = of([-errors] * 3)
    assert inverse.best[10] == pytest.approx(np.sort(errors)[-10])
    assert inverse.verdict(10) == -1
    said = " ".join(quality.sentences("T", [blind, perfect]))
    assert "better than by chance; better than by chance after 7 epochs" in said
    assert "worse than by chance" in " ".join(quality.sentences("T", [inverse]))


@pytest.mark.slow
def test_bias_towards_size_is_the_planted_one(sample):
    weights = resamples(len(sample), np.random.default_rng(0))
    z = normal_scores(-sample.parameters)

    def of(scores):
        return bias.size_bias(
            [scores] * 3,
            sample.test_errors,
            sample.parameters,
            weights,
        )

    by_size = of(z)
    assert by_size.parameters_supernet.value == pytest.approx(1)
    assert by_size.supernet_table.value == pytest.approx(by_size.parameters_table.value)
    assert by_size.excess.sign == 1
    honest = of(sample.test_errors)
    assert honest.excess.value == pytest.approx(0)
    assert honest.supernet_table.value == pytest.approx(1)
    (said,) = bias.sentences("T", honest, [])
    assert "is not shown" in said
    assert of(-z).excess.sign == -1


def test_bias_towards_an_operation_is_found_where_it_was_planted(table):
    groups = bias.grouped_configurations(SPACE, 60, np.random.default_rng(0))
    assert {len(members) for members in groups.values()} == {60}
    for (block, name), members in groups.items():
        assert (SPACE.used_operations(members)[:, block - 1] == OPERATIONS.index(name)).all()
        architecture = SPACE.architecture(int(members[0]))
        assert SPACE.operation_names(architecture)[block - 1] == name
    grouped = sample_of(table, SPACE, np.concatenate(list(groups.values())))
    places = {
        key: np.searchsorted(grouped.configurations, members) for key, members in groups.items()
    }
    having = SPACE.used_operations(grouped.configurations)[:, 3] == 2
    errors = grouped.test_errors
    scores = [errors - 0.2 * having] * 2  # a pooling in block 4 looks better than it is
    found = {
        (one.block, one.operation): one
        for one in bias.operation_bias(scores, errors, places, np.random.default_rng(0))
    }
    pooling = found[4, OPERATIONS[2]]
    assert pooling.excess.sign == 1
    assert pooling.excess.value == max(one.excess.value for one in found.values())
    assert pooling.supernet - pooling.table == pytest.approx(pooling.excess.value)
    assert found[4, OPERATIONS[0]].excess.sign == -1  # what it displaces
    honest = bias.operation_bias([errors] * 2, errors, places, np.random.default_rng(0))
    assert all(one.excess.value == 0 and one.excess.sign == 0 for one in honest)


def test_loose_ends_are_no_operations(sample):
    operations = SPACE.used_operations(sample.configurations)
    for configuration, codes in zip(sample.configurations[:50], operations, strict=False):
        cell = SPACE.cell(SPACE.architecture(int(configuration)))
        kept = [OPERATIONS[code] for code in codes if code >= 0]
        assert tuple(kept) == cell.operations[1:-1]


def test_pruning_leaves_the_best_or_any_cells(table):
    errors = mean_test_errors(table, SPACE)
    left = pruning.remaining(errors, 0.9, pruning.WORST, np.random.default_rng(0))
    assert len(left) == len(errors) - round(0.9 * len(errors))
    assert errors[left].max() <= np.delete(errors, left).min()
    some = pruning.remaining(errors, 0.9, pruning.RANDOM, np.random.default_rng(0))
    assert len(some) == len(left)
    assert errors[some].mean() == pytest.approx(errors.mean(), rel=0.1)


def test_a_planted_supernet_of_a_pruned_space(sample):
    errors = sample.test_errors
    best = np.sort(errors)[:40]

    def of(share, own, rho):
        scores = planted(own, rho)
        rng = np.random.default_rng(0)
        return pruning.pruning_of(pruning.WORST, share, len(own), scores, [own] * 3, rng)

    whole, pruned = of(0.0, errors, 0.9), of(0.9, best, 0.0)
    assert pruned.spearman.sign == 0
    assert whole.spearman.value == pytest.approx(6 / np.pi * np.arcsin(0.45), abs=0.05)
    assert pruned.random.value == pytest.approx(expected_best(best, 10))
    (said,) = pruning.sentences("T", [whole, pruned])
    assert "0 % left out: lower" in said
    assert "highest" not in said  # true at only one of the two ends that are reported
    (said,) = pruning.sentences("T", [whole, of(0.5, np.sort(errors)[:200], 0.99), pruned])
    assert "Of these shares, it is highest with 50 %: 0.9" in said


@pytest.mark.parametrize("text", ["9", "5001", "-3", "many", "10.5"])
def test_a_number_of_cells_that_cannot_be(text):
    with pytest.raises(UserError, match="--cells"):
        cell_count(text, 2685)


def test_numbers_of_cells():
    assert cell_count("all", 2685) == 2685
    assert cell_count("1000", 300) == 300
    with pytest.raises(UserError, match="too many"):
        cell_count("all", 55854)


def test_resamples_have_the_samples_size():
    assert (resamples(30, np.random.default_rng(0)).sum(1) == 30).all()
    assert RESAMPLES >= 1000
