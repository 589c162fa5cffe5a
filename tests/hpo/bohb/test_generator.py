"""The vectorised generator; HpBandSter's generator is the oracle where no fix matters."""

from typing import Any

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    ForbiddenEqualsClause,
)
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.config_generators.bohb import BOHB as CG_BOHB
from support.toy_study import mixed_space, toy_settings

from oneshot_hpo.hpo import InvalidSettings, configuration_space
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator
from oneshot_hpo.hpo.bohb.kde import expected_improvement_order
from oneshot_hpo.hpo.bohb.kde_model import KDEModel, impute
from oneshot_hpo.hpo.randomness import Purpose, event_generator

pytestmark = pytest.mark.filterwarnings("ignore")


def continuous_and_categorical() -> ConfigurationSpace:
    space = configuration_space("cs2")
    # Two levels: with more, the bandwidth often reaches its upper limit.
    space.add(CategoricalHyperparameter("optimizer", ["sgd", "adam"]))
    return space


def job(config: dict[str, Any], loss: float | None, budget: float = 9) -> Job:
    finished = Job((0, 0, 0), config=config, budget=budget)
    finished.result = None if loss is None else {"loss": loss}
    return finished


def observe(space: ConfigurationSpace, n: int, seed: int) -> list[Job]:
    """Finished jobs with distinct losses."""
    space.seed(seed)
    rng = np.random.default_rng(seed)
    configs = [dict(c) for c in space.sample_configuration(n)]
    return [job(config, loss) for config, loss in zip(configs, rng.permutation(n) / n, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("space", [configuration_space("cs3"), continuous_and_categorical()])
@pytest.mark.parametrize("n", [30, 100, 1000])
def test_models_and_choice_are_those_of_the_stock_generator(
    space: ConfigurationSpace, n: int
) -> None:
    ours = VectorisedKDEGenerator(space, toy_settings())
    stock = CG_BOHB(space)
    for i, finished in enumerate(observe(space, n, seed=n)):
        ours.new_result(finished)
        stock.new_result(finished, update_model=i == n - 1)
    good, bad = ours.model(9).good, ours.model(9).bad
    candidates = good.draw(64, 3, np.random.default_rng(0))
    for mine, theirs in ((good, stock.kde_models[9]["good"]), (bad, stock.kde_models[9]["bad"])):
        np.testing.assert_array_equal(mine.data, theirs.data)
        np.testing.assert_allclose(mine.bandwidths, theirs.bw, rtol=1e-12)
        np.testing.assert_allclose(
            mine.density(candidates), theirs.pdf(candidates), rtol=1e-12, atol=0
        )
    densities = zip(
        stock.kde_models[9]["bad"].pdf(candidates),
        stock.kde_models[9]["good"].pdf(candidates),
        strict=True,
    )
    stock_choice = np.argmin([max(1e-32, g) / max(lo, 1e-32) for g, lo in densities])
    order = expected_improvement_order(good.density(candidates), bad.density(candidates))
    assert order[0] == stock_choice


def test_model_appears_with_the_same_observation_as_the_stock_one() -> None:
    space = configuration_space("cs2")
    ours, stock = VectorisedKDEGenerator(space, toy_settings()), CG_BOHB(space)
    for budget in (3, 9):
        for finished in observe(space, 30, seed=1):
            finished.kwargs["budget"] = budget
            ours.new_result(finished)
            stock.new_result(finished)
            largest = ours.largest_budget_with_model()
            assert (-np.inf if largest is None else largest) == stock.largest_budget_with_model()


def proposals(space: ConfigurationSpace, n: int, **changes: Any) -> list[tuple[dict, dict]]:
    generator = VectorisedKDEGenerator(space, toy_settings(**changes))
    for finished in observe(space, 40, seed=5):
        generator.new_result(finished)
    results = []
    for generator.seq in range(n):
        results.append(generator.get_config(1))
    return results


def test_proposals_depend_on_seed_and_decision_alone() -> None:
    space = configuration_space("cs3")
    first = proposals(space, 20)
    assert proposals(space, 20) == first
    assert proposals(space, 20, seed=4) != first
    assert len({str(config) for config, _ in first}) == 20


def test_random_fraction_of_the_proposals_comes_from_the_prior() -> None:
    picks = [info["model_based_pick"] for _, info in proposals(mixed_space(), 300)]
    assert 0.05 < 1 - np.mean(picks) < 0.16  # 0.1 in the settings
    for fraction, expected in ((0.0, True), (1.0, False)):
        picked = proposals(mixed_space(), 20, random_fraction=fraction)
        assert {info["model_based_pick"] for _, info in picked} == {expected}


def test_proposals_follow_the_good_configurations() -> None:
    space = mixed_space()
    generator = VectorisedKDEGenerator(space, toy_settings(random_fraction=0.0))
    space.seed(0)
    for configuration in space.sample_configuration(200):
        config = dict(configuration)
        loss = abs(np.log10(config["rate"]) + 2) + (config["optimizer"] != "adam")
        generator.new_result(job(config, loss + abs(config["width"] - 16) / 64))
    picked = []
    for generator.seq in range(50):
        picked.append(generator.get_config(9)[0])
    assert np.mean([config["optimizer"] == "adam" for config in picked]) > 0.8
    assert np.mean([config["width"] in (8, 16, 32) for config in picked]) > 0.8
    assert abs(np.median([np.log10(config["rate"]) for config in picked]) + 2) < 0.5


def test_crashes_are_bad_and_ties_are_split_by_age() -> None:
    space = configuration_space("cs1")
    generator = VectorisedKDEGenerator(space, toy_settings())
    space.seed(0)
    configs = [dict(c) for c in space.sample_configuration(8)]
    for config, loss in zip(configs, [None, 0.5, 0.5, 0.5, 0.5, 0.5, None, 0.5], strict=True):
        generator.new_result(job(config, loss))
    good, bad = generator.model(9).good, generator.model(9).bad
    encode = generator.encoding.encode
    np.testing.assert_array_equal(good.data, [encode(configs[i]) for i in (1, 2, 3)])
    np.testing.assert_array_equal(bad.data, [encode(configs[i]) for i in (4, 5, 7, 0, 6)])


def test_an_incremental_model_equals_the_model_of_all_results() -> None:
    space = mixed_space()
    generator = VectorisedKDEGenerator(space, toy_settings())
    space.seed(0)
    rng = np.random.default_rng(0)
    finished = []

    for number, config in enumerate(space.sample_configuration(60)):
        loss = None if number % 7 == 0 else float(rng.integers(8))  # ties and crashes
        finished.append(job(dict(config), loss))
        generator.seq = number
        generator.new_result(finished[-1])
        if number < 10 or rng.random() < 0.5:
            continue

        vectors = np.array([generator.encoding.encode(j.kwargs["config"]) for j in finished])
        losses = np.array([np.inf if j.result is None else j.result["loss"] for j in finished])
        whole = KDEModel.fit(
            vectors,
            losses,
            generator.encoding.levels,
            generator.settings,
            event_generator(generator.settings.seed, Purpose.MODEL, number),
        )

        grown = generator.model(9)
        for mine, expected in ((grown.good, whole.good), (grown.bad, whole.bad)):
            np.testing.assert_array_equal(mine.data, expected.data)
            np.testing.assert_array_equal(mine.bandwidths, expected.bandwidths)


def test_forbidden_candidates_are_skipped() -> None:
    space = continuous_and_categorical()
    space.add(ForbiddenEqualsClause(space["optimizer"], "adam"))
    for config, info in proposals(space, 40, random_fraction=0.0):
        assert config["optimizer"] != "adam"
        assert info["model_based_pick"]


def test_conditional_spaces_are_imputed_in_every_column() -> None:
    space = ConfigurationSpace()
    space.add(Float("a", (0, 1)), CategoricalHyperparameter("z", ["x", "y"]))
    space.add(EqualsCondition(space["a"], space["z"], "x"))
    picked = proposals(space, 30, random_fraction=0.0)
    assert all(info["model_based_pick"] for _, info in picked)
    assert {("a" in config, config["z"]) for config, _ in picked} <= {(True, "x"), (False, "y")}


def test_imputation_fills_from_rows_where_the_value_is_active() -> None:
    nan = np.nan
    vectors = np.array([[nan, 0.0, nan], [0.25, 1.0, nan], [nan, 1.0, nan]])
    filled = impute(vectors, np.array([0, 2, 3]), np.random.default_rng(0))
    np.testing.assert_array_equal(filled[:, :2], [[0.25, 0], [0.25, 1], [0.25, 1]])
    assert set(filled[:, 2]) <= {0, 1, 2}
    alone = np.array([[nan, 0.5], [0.25, 0.5]])
    assert impute(alone, np.array([0, 0]), np.random.default_rng(0))[0, 0] == 0.25
    stock = CG_BOHB(ConfigurationSpace(space={"a": (0.0, 1.0), "b": (0.0, 1.0)}))
    assert np.isnan(stock.impute_conditional_data(alone)[0, 0])  # the defect


def test_too_few_points_for_the_space_are_refused() -> None:
    with pytest.raises(InvalidSettings, match="at least 10 in a space of 9"):
        VectorisedKDEGenerator(configuration_space("cs3"), toy_settings(min_points_in_model=9))
