"""Properties of all methods."""

import numpy as np
import pytest
from scipy import stats
from support.extras import needs_smac
from support.planted import Planted, best_full_loss, run, seeds

from oneshot_hpo.hpo.baselines import (
    METHODS,
    InvalidBaseline,
    known_method,
    make_optimizer,
    settings_class,
)

LARGE, SMALL = Planted(dimensions=8, values=4), Planted(dimensions=6, values=4)
VECTORISED = sorted(set(METHODS) - {"smac"})
QUICK = {
    "weak": {"startup": 20, "width": 8, "layers": 1, "epochs": 5},
    "pnas": {"startup": 20, "batch": 10, "width": 4, "steps": 5},
}
"""Settings of methods whose own would take minutes here."""

# Method, table, full evaluations, and the margin by which random search has to be beaten. Its
# median loss is between 0.09 and 0.17 here.
MARGINS = [
    ("re", LARGE, 300, 0.05),
    ("reinforce", LARGE, 1000, 0.05),
    ("tpe", LARGE, 100, 0.02),
    ("hyperband", LARGE, 100, 0.01),
    ("bohb", LARGE, 100, 0.05),
    ("ls", LARGE, 300, 0.05),
    ("weak", SMALL, 60, 0.02),
    ("pnas", SMALL, 60, 0.02),
    ("zero_cost", LARGE, 20, 0.02),
    pytest.param("smac", SMALL, 28, 0.01, marks=[pytest.mark.slow, needs_smac]),
]


FEWER = {
    "weak": {"startup": 20, "width": 64, "layers": 2, "top": 20},
    "pnas": {"startup": 20, "batch": 10, "width": 16, "steps": 100},
}
"""Settings of methods whose own are made for 280 evaluations."""


@pytest.mark.slow
@pytest.mark.parametrize(("method", "planted", "evaluations", "margin"), MARGINS)
def test_a_planted_optimum_is_approached_faster_than_at_random(
    method: str, planted: Planted, evaluations: int, margin: float
) -> None:
    found = best_full_loss(method, planted, evaluations, 30, **FEWER.get(method, {}))
    at_random = best_full_loss("rs", planted, evaluations, 30)
    test = stats.wilcoxon(at_random - found - margin, alternative="greater")
    assert test.pvalue < 0.01, (np.median(found), np.median(at_random))


@pytest.mark.slow
@pytest.mark.parametrize("method", VECTORISED)
def test_a_repetition_is_the_same_alone_and_among_others(method: str) -> None:
    settings = QUICK.get(method, {})
    together, losses, budgets = run(method, LARGE, 40, seeds(5), **settings)
    for repetition in (0, 3):
        alone, own_losses, own_budgets = run(
            method, LARGE, 40, seeds(5)[repetition : repetition + 1], **settings
        )
        np.testing.assert_array_equal(alone[0], together[repetition])
        np.testing.assert_array_equal(own_losses[0], losses[repetition])
        np.testing.assert_array_equal(own_budgets, budgets)
    assert len({row.tobytes() for row in together[:, 0]}) == 5


@pytest.mark.slow
@needs_smac
def test_smac_is_determined_by_its_seed() -> None:
    first, *_ = run("smac", SMALL, 12, seeds(2))
    again, *_ = run("smac", SMALL, 12, seeds(2)[1:])
    np.testing.assert_array_equal(first[1], again[0])
    assert (first[0] != first[1]).any()


@pytest.mark.slow
@pytest.mark.parametrize("method", [*VECTORISED, pytest.param("smac", marks=needs_smac)])
def test_every_value_of_every_dimension_is_proposed_and_no_other(method: str) -> None:
    class Flat(Planted):
        def losses(self, configurations: np.ndarray, budget: float) -> np.ndarray:
            return np.full(len(configurations), 0.5)

    flat = Flat(2, 2)
    flat.choices = (2, 5)
    evaluations, repetitions = (8, 6) if method == "smac" else (40, 10)
    proposed, *_ = run(method, flat, evaluations, seeds(repetitions), **QUICK.get(method, {}))
    for dimension, values in enumerate(flat.choices):
        np.testing.assert_array_equal(np.unique(proposed[..., dimension]), np.arange(values))


@pytest.mark.parametrize(
    ("method", "settings", "words"),
    [
        ("re", {"population": 0}, "population must be a whole number from 1 to 10,000,000, not 0"),
        ("re", {"sample": 2.5}, "sample"),
        ("reinforce", {"momentum": 1}, r"momentum must be a number in \[0, 1\), not 1"),
        ("reinforce", {"learning_rate": "fast"}, "learning_rate must be a number above 0, not"),
        ("tpe", {"good_share": 1.0}, "good_share"),
        pytest.param("smac", {"random_fraction": 2}, "random_fraction", marks=needs_smac),
        ("hyperband", {"eta": 4}, "eta 4 needs budget 6.25"),
        ("hyperband", {"min_budget": "low"}, "min_budget must be a number above 0, not"),
        ("bohb", {"num_samples": 0}, "num_samples"),
        ("bohb", {"bracket_sizes": "many"}, "bracket_sizes"),
        ("ls", {"whole_neighbourhood": 1}, "whole_neighbourhood must be true or false, not 1"),
        ("weak", {"predictor": "tree"}, "predictor must be one of mlp, forest, not 'tree'"),
        ("pnas", {"steps": 0}, "steps"),
        ("zero_cost", {"score": "speed"}, "no score 'speed' here; there are: parameters"),
        ("re", {"warm_start": "speed"}, "no score 'speed' here; there are: parameters"),
    ],
)
def test_invalid_settings_are_named(method: str, settings: dict, words: str) -> None:
    with pytest.raises(InvalidBaseline, match=words):
        make_optimizer(method, LARGE.problem(100), settings_class(method)(**settings), [])


def test_an_unknown_method_gets_a_list_of_methods() -> None:
    with pytest.raises(InvalidBaseline, match=r"did you mean bohb\?.*reinforce"):
        known_method("bohv")
