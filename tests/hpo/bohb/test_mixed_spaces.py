"""Mixed spaces against HpBandSter's generator: the same models, the same proposals.

HpBandSter refuses ordinals, and asks for integers in their place. With ConfigSpace 0.4, for which
it was written, the i-th of k integers lies at (i + 1/2) / k: so its space here has a number there.
It takes constants for dimensions, which ours are not, so its space has none.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import scipy.stats
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.util import deactivate_inactive_hyperparameters
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.config_generators.bohb import BOHB as CG_BOHB
from support.toy_study import toy_settings

from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator
from oneshot_hpo.hpo.bohb.kde import expected_improvement_order
from oneshot_hpo.hpo.bohb.kde_model import impute
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.randomness import Purpose, event_generator
from oneshot_hpo.hpo.space_document import hyperparameters, space_from_document

pytestmark = pytest.mark.filterwarnings("ignore")

OBSERVATIONS = 100
DOCUMENT: dict[str, Any] = {
    "rate": {"lower": 1e-4, "upper": 1.0, "log": True},
    "layers": {"lower": 1, "upper": 64, "log": True},
    "width": {"sequence": [8, 16, 32, 64]},
    "optimizer": {"choices": ["sgd", "adam", "lamb"]},
    "momentum": {"lower": 0.0, "upper": 1.0},
    "dampening": {"lower": 0.0, "upper": 1.0},
    "clip": {"constant": 5},
    "conditions": [
        {"child": "momentum", "parent": "optimizer", "equals": "sgd"},
        {"child": "dampening", "parent": "momentum", "greater_than": 0.5},
    ],
    "forbidden": [
        {"optimizer": {"equals": "adam"}, "layers": {"greater_than": 8}},
        {"rate": {"greater_than": 0.1}},
    ],
}
"""Nothing is forbidden by an ordinal, which the counterpart has as a number."""


def counterpart(document: Mapping[str, Any]) -> ConfigurationSpace:
    """The space for HpBandSter: ordinals as numbers, no constants."""
    entries = {
        name: {"lower": 0.0, "upper": 1.0} if "sequence" in entry else entry
        for name, entry in hyperparameters(document).items()
        if "constant" not in entry
    }
    clauses = {key: document[key] for key in ("conditions", "forbidden")}
    return space_from_document(entries | clauses)


def translated(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration in the counterpart."""
    found = {}
    for name, value in config.items():
        sequence = DOCUMENT[name].get("sequence")
        if "constant" not in DOCUMENT[name]:
            found[name] = (
                value if sequence is None else (sequence.index(value) + 0.5) / len(sequence)
            )
    return found


def history() -> list[Job]:
    """Observations in which one good and one bad configuration alone have all hyperparameters.

    What a model fills in for the others is then no matter of chance.
    """
    space = space_from_document(DOCUMENT)
    space.seed(2)
    drawn = [plain(dict(one)) for one in space.sample_configuration(1500)]
    whole = [config for config in drawn if "dampening" in config][:2]
    rest = [config for config in drawn if "momentum" not in config][: OBSERVATIONS - 2]
    jobs = []
    for place, config in enumerate([whole[0], *rest, whole[1]]):
        job = Job((0, 0, place), config=config, budget=9)
        job.result = {"loss": place / OBSERVATIONS}
        jobs.append(job)
    order = np.random.default_rng(0).permutation(OBSERVATIONS)
    return [jobs[place] for place in order]


def both() -> tuple[VectorisedKDEGenerator, CG_BOHB]:
    """Our generator and HpBandSter's, after the same history."""
    ours = VectorisedKDEGenerator(space_from_document(DOCUMENT), toy_settings(random_fraction=0.0))
    stock = CG_BOHB(counterpart(DOCUMENT))
    jobs = history()
    for job in jobs:
        ours.new_result(job)
        told = Job(job.id, config=translated(job.kwargs["config"]), budget=9)
        told.result = job.result
        stock.new_result(told, update_model=job is jobs[-1])
    return ours, stock


def test_models_are_those_of_the_stock_generator() -> None:
    ours, stock = both()
    model = ours.model(9)
    candidates = model.good.draw(64, 3, np.random.default_rng(0))
    assert ours.encoding.dimensions == len(stock.vartypes) == 6
    for mine, theirs in ((model.good, "good"), (model.bad, "bad")):
        density = stock.kde_models[9][theirs]
        np.testing.assert_array_equal(mine.data, density.data)
        np.testing.assert_allclose(mine.bandwidths, density.bw, rtol=1e-12)
        np.testing.assert_allclose(
            mine.density(candidates), density.pdf(candidates), rtol=1e-12, atol=0
        )


@pytest.mark.slow
def test_proposals_are_those_of_the_stock_generator() -> None:
    """The same candidates: the same choice by its densities, decoded by its own steps.

    Where the space forbids its choice, HpBandSter takes a random configuration, ours its next best.
    """
    ours, stock = both()
    refused = 0
    for seq in range(60):
        ours.seq = seq
        config, info = ours.get_config(9)
        assert info["model_based_pick"]

        rng = event_generator(ours.settings.seed, Purpose.PROPOSAL, seq)
        rng.random()  # whether a proposal is random
        drawn = ours.model(9).good.draw(ours.settings.num_samples, 3, rng)
        good, bad = (stock.kde_models[9][name].pdf(drawn) for name in ("good", "bad"))
        ranked = drawn[expected_improvement_order(good, bad)]
        place, expected = next(
            (place, found)
            for place, vector in enumerate(ranked)
            if (found := decoded_by_the_stock_generator(stock, vector)) is not None
        )
        refused += place > 0

        mine = translated(config)
        assert mine.keys() == expected.keys()
        for name, value in mine.items():
            if "sequence" in DOCUMENT[name]:
                assert value == pytest.approx(expected[name], abs=0.125 + 1e-12)  # the nearest
            elif isinstance(value, float):
                assert value == pytest.approx(expected[name], rel=1e-9, abs=1e-12)
            else:
                assert value == expected[name]
    assert 0 < refused < 60


def decoded_by_the_stock_generator(stock: CG_BOHB, vector: np.ndarray) -> dict[str, Any] | None:
    """What its get_config makes of its best vector; None: the space forbids it."""
    space = stock.configspace
    values = dict(Configuration(space, vector=vector))
    try:
        return plain(dict(deactivate_inactive_hyperparameters(values, space)))
    except ValueError:
        return None


@pytest.mark.slow
def test_imputation_draws_as_the_stock_generator_does() -> None:
    """From the same rows, as often, and from one row for all columns of the next one."""
    stock = CG_BOHB(counterpart(DOCUMENT))
    nan = np.nan
    rows = np.array(
        [
            [0.1, 0.1, 0.0, 0.1, 0.5, nan],
            [0.2, 0.2, 0.0, 0.2, 0.6, 0.25],
            [0.3, 0.3, 0.0, 0.3, 0.7, 0.75],
            [0.4, 0.4, 1.0, 0.4, nan, nan],
        ]
    )
    levels = np.zeros(6, dtype=np.int64)
    rng = np.random.default_rng(0)
    np.random.seed(0)  # noqa: NPY002 - the stock generator draws from it
    mine = [tuple(impute(rows, levels, rng)[:, 4:].ravel()) for _ in range(4000)]
    theirs = [tuple(stock.impute_conditional_data(rows)[:, 4:].ravel()) for _ in range(4000)]
    patterns = sorted({*mine, *theirs})
    counts = np.array([[one.count(pattern) for pattern in patterns] for one in (mine, theirs)])
    assert len(patterns) == 2 * 4
    assert (counts > 0).all()
    assert scipy.stats.chi2_contingency(counts).pvalue > 0.01
