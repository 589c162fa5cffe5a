"""Hyperband and BOHB with the study's own master as the oracle."""

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace
from support.planted import Planted, run, seeds

from oneshot_hpo.hpo import OptimizerSettings
from oneshot_hpo.hpo.baselines import InvalidBaseline, make_optimizer, settings_class
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator
from oneshot_hpo.hpo.bohb.master import BOHBMaster

PLANTED = Planted(dimensions=4, values=3)


def space() -> ConfigurationSpace:
    made = ConfigurationSpace()
    made.add([Categorical(str(i), list(range(k))) for i, k in enumerate(PLANTED.choices)])
    return made


@pytest.mark.parametrize("method", ["hyperband", "bohb"])
@pytest.mark.parametrize("sizes", ["paper", "hpbandster"])
def test_runs_are_those_of_a_study(method: str, sizes: str) -> None:
    runs, losses, budgets = run(method, PLANTED, 60, seeds(2), bracket_sizes=sizes)
    for repetition in range(2):
        settings = OptimizerSettings(
            min_budget=1, max_budget=25, eta=5, iterations=40, bracket_sizes=sizes
        )
        master = BOHBMaster(space(), settings)
        assert master.next_run(0) is not None  # the default configuration, which the baseline omits
        for i, (values, loss) in enumerate(zip(runs[repetition], losses[repetition], strict=True)):
            config = {str(j): int(value) for j, value in enumerate(values)}
            # The master gets our new configurations, and chooses the promotions itself.
            chosen = master.next_run(i + 1, logged=(config, {}))
            assert chosen is not None
            assert (chosen.config, chosen.budget) == (config, budgets[i])
            master.tell(
                i + 1,
                chosen.id,
                chosen.config,
                chosen.budget,
                loss=float(loss),
                exception=None,
                timestamps={},
            )


def test_the_model_of_bohb_is_that_of_a_study() -> None:
    settings = settings_class("bohb")()
    optimizer = make_optimizer("bohb", PLANTED.problem(60), settings, seeds(2))
    generators = []
    for repetition in range(2):
        generators.append(VectorisedKDEGenerator(space(), optimizer._settings))
        generators[repetition].seq = repetition

    fitted = 0
    for _ in range(80):
        proposal = optimizer.ask()
        losses = PLANTED.losses(proposal.configurations, proposal.budget)
        optimizer.tell(losses)
        optimizer._fit_models()
        for generator, values, loss in zip(
            generators, proposal.configurations, losses, strict=True
        ):
            job = _Job(proposal.budget, {str(i): int(v) for i, v in enumerate(values)}, loss)
            generator.new_result(job)

        budget = generators[0].largest_budget_with_model()
        if budget is None:
            assert not optimizer._models
            continue

        fitted += 1
        for generator, mine in zip(generators, optimizer._models, strict=True):
            theirs = generator.model(budget)
            for ours, study in ((mine.good, theirs.good), (mine.bad, theirs.bad)):
                np.testing.assert_array_equal(ours.data, study.data)
                np.testing.assert_array_equal(ours.bandwidths, study.bandwidths)
    assert fitted > 40


class _Job:
    """The attributes of HpBandSter's Job that the generator reads."""

    def __init__(self, budget: float, config: dict, loss: float) -> None:
        self.kwargs = {"budget": budget, "config": config}
        self.result = {"loss": float(loss)}


def test_problems_without_brackets_are_refused() -> None:
    one = Planted(dimensions=4, values=3)
    one.budgets = (25,)
    with pytest.raises(InvalidBaseline, match="several budgets, and there is only 25"):
        make_optimizer("hyperband", one.problem(60), settings_class("hyperband")(), [])
    with pytest.raises(InvalidBaseline, match="takes 3 evaluations, but only 2 are planned"):
        make_optimizer("bohb", PLANTED.problem(2), settings_class("bohb")(), [])
    make_optimizer("bohb", PLANTED.problem(3), settings_class("bohb")(), seeds(1))
