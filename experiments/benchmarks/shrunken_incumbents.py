"""Is what a study says of its incumbent right? Whole studies, simulated, where the truth is known.

    python -m oneshot_hpo.experiments.benchmarks.shrunken_incumbents [--studies 200] [--known]
        [--space cs2]

BOHB is that of a study, its trials are a formula: a smooth function of the configuration with a
random optimum, and normal noise. How much configurations differ is drawn for each study, from much
less than the noise to ten times as much. `--known`: the noise is given, not estimated.

Printed are, by decile of the stated probability that the incumbent beats the default, how often it
does; and the mean error of the best value and of its posterior mean, in deviations of the noise.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo import BASELINE_ID, OptimizerSettings, configuration_space
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.master import BOHBMaster, Run
from oneshot_hpo.hpo.seed_noise import smooth_noise
from oneshot_hpo.hpo.shrinkage import SeedNoise, shrink

WORKERS = 16
NOISE = 0.01


class Statement(NamedTuple):
    """What was said of one study's incumbent, and what is true; losses in noise deviations."""

    probability: float
    beats: bool
    best_error: float
    posterior_error: float
    noise: float


class SmoothLoss:
    """True losses: a bowl around a random optimum, with dimensions of different importance."""

    def __init__(self, encoding: Encoding, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._encoding = encoding
        self._optimum = rng.random(encoding.dimensions)
        self._importance = rng.exponential(size=encoding.dimensions) ** 2
        self._scale = NOISE * 10 ** rng.uniform(-1, 1)

    def __call__(self, config: dict, budget: float) -> float:
        """The true loss of a configuration at a budget."""
        vector = np.nan_to_num(self._encoding.encode(config), nan=0.5)
        vector = vector / np.maximum(self._encoding.levels, 1)
        away = self._importance * np.abs(vector - self._optimum)
        return 0.05 + self._scale * float(away.sum()) + 0.3 / budget


def simulated(seed: int, space_name: str, *, known: bool) -> Statement | None:
    """One study; None where the default stayed the best."""
    space = configuration_space(space_name)
    settings = OptimizerSettings(min_budget=25, max_budget=100, eta=2, iterations=8, seed=seed)
    encoding = Encoding(space)
    truth, rng = SmoothLoss(encoding, seed), np.random.default_rng([seed, 2])

    seen: dict[tuple, float] = {}
    configs: dict[tuple, dict] = {}
    for run in _runs(BOHBMaster(space, settings), lambda run: truth(run.config, run.budget), rng):
        if run[0].budget == settings.max_budget:
            seen[run[0].id], configs[run[0].id] = run[1], run[0].config
    ids = list(seen)
    losses = np.array([seen[one] for one in ids])
    default, best = ids.index(BASELINE_ID), int(losses.argmin())
    if default == best:
        return None

    vectors = np.array([encoding.encode(configs[one]) for one in ids])
    noise = SeedNoise(NOISE) if known else smooth_noise(vectors, losses, encoding.levels)
    assert noise is not None
    shrunk = shrink(losses, np.ones(len(losses), np.int64), noise)
    true = np.array([truth(configs[one], settings.max_budget) for one in ids])
    return Statement(
        shrunk.probability_below(best, default),
        bool(true[best] < true[default]),
        float(losses[best] - true[best]) / NOISE,
        float(shrunk.posterior_means[best] - true[best]) / NOISE,
        noise.deviation / NOISE,
    )


def _runs(
    master: BOHBMaster, truth: Callable[[Run], float], rng: np.random.Generator
) -> list[tuple[Run, float]]:
    """Every run of a study with its loss; the oldest of WORKERS runs ends first."""
    ended: list[tuple[Run, float]] = []
    running, seq = deque[Run](), 0
    while True:
        while len(running) < WORKERS and (run := master.next_run(seq)) is not None:
            running.append(run)
            seq += 1
        if not running:
            return ended
        run = running.popleft()
        loss = truth(run) + NOISE * rng.standard_normal()
        master.tell(seq, run.id, run.config, run.budget, loss=loss, exception=None, timestamps={})
        seq += 1
        ended.append((run, loss))


def deciles(probabilities: NDArray[np.float64], beats: NDArray[np.bool_]) -> list[tuple]:
    """By decile of the probability: (number of studies, mean probability, share that beat)."""
    place = np.minimum((10 * probabilities).astype(int), 9)
    return [
        (int(own.sum()), float(probabilities[own].mean()), float(beats[own].mean()))
        for own in (place == k for k in range(10))
        if own.any()
    ]


def main() -> None:
    """Simulate studies, and print how right their statements were."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--space", default="cs2")
    parser.add_argument("--known", action="store_true")
    arguments = parser.parse_args()
    made = (
        simulated(seed, arguments.space, known=arguments.known) for seed in range(arguments.studies)
    )
    found = [one for one in made if one is not None]

    said, beats, best, posterior, noise = (np.array(column) for column in zip(*found, strict=True))
    print(f"{len(found)} of {arguments.studies} studies, where the default did not stay the best")
    for count, mean, share in deciles(said, beats):
        print(f"{count:4}  said {mean:.2f}  true {share:.2f}")
    print(f"all   said {said.mean():.3f}  true {beats.mean():.3f}")
    print(f"best value minus truth {best.mean():.2f}, posterior mean {posterior.mean():.2f}")
    print(f"estimated noise over the true one: quartiles {np.quantile(noise, (0.25, 0.5, 0.75))}")


if __name__ == "__main__":
    main()
