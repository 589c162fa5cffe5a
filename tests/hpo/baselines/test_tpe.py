"""TPE with Optuna's sampler as the oracle."""

import warnings

import numpy as np
import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.sampler import _split_trials, default_gamma
from scipy import stats
from support.planted import Planted, run, seeds

from oneshot_hpo.hpo.baselines.tpe import good_ones, level_probabilities

CHOICES = (2, 5, 3)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")


def history(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Observations of three repetitions, and losses with ties."""
    rng = np.random.default_rng(n)
    return rng.integers(CHOICES, size=(3, n, len(CHOICES))), rng.integers(n // 2, size=(3, n)) / n


@pytest.mark.parametrize("n", [10, 24, 27, 60, 280])
def test_densities_are_those_of_optuna(n: int) -> None:
    observed, losses = history(n)
    good = good_ones(losses, 0.1)
    sampler = TPESampler(multivariate=False, constant_liar=False)

    for repetition in range(len(losses)):
        study = optuna.create_study()
        spaces = {
            str(i): optuna.distributions.CategoricalDistribution(list(range(k)))
            for i, k in enumerate(CHOICES)
        }
        for values, loss in zip(observed[repetition], losses[repetition], strict=True):
            parameters = {str(i): int(value) for i, value in enumerate(values)}
            study.add_trial(
                optuna.trial.create_trial(
                    params=parameters, distributions=spaces, value=float(loss)
                )
            )

        below, above = _split_trials(study, study.get_trials(), default_gamma(n))
        assert [trial.number for trial in below] == np.flatnonzero(good[repetition]).tolist()

        for members, trials in ((good, below), (~good, above)):
            ours = level_probabilities(observed, members, np.array(CHOICES), 1.0)[repetition]
            for i, k in enumerate(CHOICES):
                theirs = _ParzenEstimator(
                    {str(i): np.array([trial.params[str(i)] for trial in trials])},
                    {str(i): spaces[str(i)]},
                    sampler._parzen_estimator_parameters,
                )
                density = np.exp(theirs.log_pdf({str(i): np.arange(k)}))
                np.testing.assert_allclose(ours[i, :k], density, rtol=1e-12)
                assert not ours[i, k:].any()


@pytest.mark.slow
def test_tpe_reaches_the_losses_of_optuna() -> None:
    planted, evaluations, repetitions = Planted(dimensions=6, values=4), 60, 40
    _, losses, _ = run("tpe", planted, evaluations, seeds(repetitions))
    theirs = []
    for seed in range(repetitions):
        study = optuna.create_study(
            sampler=TPESampler(multivariate=False, constant_liar=False, seed=seed)
        )

        def objective(trial: optuna.Trial) -> float:
            values = [
                trial.suggest_categorical(str(i), list(range(k)))
                for i, k in enumerate(planted.choices)
            ]
            return float(planted.losses(np.array([values]), 25)[0])

        study.optimize(objective, n_trials=evaluations)
        theirs.append(study.best_value)
    assert stats.ks_2samp(losses.min(axis=1), theirs).pvalue > 0.05
    _, random, _ = run("rs", planted, evaluations, seeds(repetitions))
    assert stats.ks_2samp(random.min(axis=1), theirs).pvalue < 0.001  # the test sees differences
