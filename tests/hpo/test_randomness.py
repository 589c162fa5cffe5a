"""Seeds and generators are those of numpy's SeedSequence, in every study that was ever started."""

import numpy as np
import pytest

from oneshot_hpo.hpo.randomness import (
    Purpose,
    confirmation_seed,
    event_generator,
    study_trial_seed,
    trial_seed,
)

SEEDS = [0, 3, 2**32 - 1, 2**32, 2**70 + 5]


def first_word(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_are_those_of_a_sequence_of_numbers(seed: int) -> None:
    assert trial_seed(seed, (4, 1, 7), 27) == first_word(seed, 2, 5, 1, 7, 27, 1)
    assert trial_seed(seed, (-1, 0, 0), 0.1) == first_word(
        seed, 2, 0, 0, 0, *(0.1).as_integer_ratio()
    )
    assert trial_seed(seed, (0, 0, 0), 50.0) == trial_seed(seed, (0, 0, 0), 50)
    assert confirmation_seed(seed, 6) == first_word(seed, 3, 6)
    assert study_trial_seed(seed) == first_word(seed, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_generators_are_those_of_a_sequence_of_numbers(seed: int) -> None:
    expected = np.random.default_rng(np.random.SeedSequence([seed, 1, 99]))
    mine = event_generator(seed, Purpose.MODEL, 99)
    np.testing.assert_array_equal(mine.random(8), expected.random(8))
