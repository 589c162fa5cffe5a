"""Mean ranks and critical differences, against published numbers."""

import numpy as np
import pytest
from scipy import stats

from oneshot_hpo.experiments.compare.method_ranks import critical_difference, method_ranks


@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_quantiles_are_those_of_the_table(k: int, q: float) -> None:
    """Demšar (2006, JMLR 7), table 5 (a)."""
    assert critical_difference(k, 30) == pytest.approx(q * (k * (k + 1) / 180) ** 0.5, abs=1e-3)


def test_the_published_example() -> None:
    """Demšar (2006), section 3.2.2: four classifiers, 14 data sets, ranks and test; lower is better
    here, so that areas under the curve are taken negative."""
    auc = """0.763 0.768 0.771 0.798  0.599 0.591 0.590 0.569  0.954 0.971 0.968 0.967
    0.628 0.661 0.654 0.657  0.882 0.888 0.886 0.898  0.936 0.931 0.916 0.931
    0.661 0.668 0.609 0.685  0.583 0.583 0.563 0.625  0.775 0.838 0.866 0.875
    1.000 1.000 1.000 1.000  0.940 0.962 0.965 0.962  0.619 0.666 0.614 0.669
    0.972 0.981 0.9751 0.975  0.957 0.978 0.946 0.970"""
    values = -np.array(auc.split(), float).reshape(14, 4)
    found = method_ranks(["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"], values)
    assert found.methods == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    assert found.ranks == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=2e-3)
    assert found.critical_difference == pytest.approx(1.25, abs=0.01)
    chi_square = 12 * 14 / 20 * (float((found.ranks**2).sum()) - 4 * 25 / 4)
    assert chi_square == pytest.approx(9.28, abs=0.01)
    # Corrected for ties, as the published number is not.
    assert found.p_value is not None
    assert 0.01 < found.p_value < stats.chi2.sf(chi_square, 3)
    assert found.conditions == 14


def test_rows_that_lack_a_method_are_left_out_and_crashes_are_worst() -> None:
    values = np.array([[1.0, 2.0, np.inf], [1.0, np.nan, 0.0], [2.0, 1.0, 3.0]])
    found = method_ranks(["a", "b", "c"], values)
    assert found.conditions == 2
    assert dict(zip(found.methods, found.ranks.tolist(), strict=True)) == {
        "a": 1.5,
        "b": 1.5,
        "c": 3.0,
    }
    alone = method_ranks(["a", "b"], values[:1, :2])
    assert alone.critical_difference is None
    assert alone.p_value is None
    for few in (values[1:2], values[:, :1]):
        with pytest.raises(ValueError, match="two methods"):
            method_ranks(["a", "b", "c"][: few.shape[1]], few)


@pytest.mark.slow
def test_the_level_is_kept_where_methods_are_equal() -> None:
    """Among four equal methods over ten conditions, some pair differs in 5 % of cases at most."""
    rng = np.random.default_rng(0)
    names = list("abcd")
    false = 0
    for _ in range(400):
        found = method_ranks(names, rng.random((10, 4)))
        assert found.critical_difference is not None
        false += bool(found.ranks[-1] - found.ranks[0] > found.critical_difference)
    assert false <= 400 * 0.05 + 3 * (400 * 0.05 * 0.95) ** 0.5
