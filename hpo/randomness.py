"""Generators that depend on the study's seed and an event alone, so that none has to be stored.

The n-th decision of a study draws from SeedSequence([seed, purpose, n]); a trial's seed comes from
the study's seed and the trial's key, or from the study's seed alone. A resumed study therefore
draws the same numbers as one that never stopped.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_WORD = 2**32 - 1


class Purpose(IntEnum):
    """The use of a generator; its number is part of the seed and never changes."""

    PROPOSAL = 0
    MODEL = 1
    TRIAL = 2
    CONFIRMATION = 3
    STUDY_TRIALS = 4


def event_generator(seed: int, purpose: Purpose, seq: int) -> np.random.Generator:
    """The generator of decision `seq` of the study with this seed."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, purpose, seq)))


def trial_seed(seed: int, trial_id: tuple[int, int, int], budget: float) -> int:
    """The seed of a trial, in [0, 2**32): a function of the study's seed, the id and the budget.

    All attempts at a trial share its seed, whichever worker runs them.
    """
    iteration, rung, index = trial_id
    numerator, denominator = budget.as_integer_ratio()  # the same for 50 and 50.0
    # The baseline's iteration is -1, and entropy must not be negative.
    return _seed(seed, Purpose.TRIAL, iteration + 1, rung, index, numerator, denominator)


def study_trial_seed(seed: int) -> int:
    """The seed that all trials of a study share, in [0, 2**32); `seed` is the study's."""
    return _seed(seed, Purpose.STUDY_TRIALS)


def confirmation_seed(seed: int, number: int) -> int:
    """Seed `number` of a confirmation, in [0, 2**32): shared by its settings, unlike any trial's.

    `seed` is the study's.
    """
    return _seed(seed, Purpose.CONFIRMATION, number)


def _seed(*entropy: int) -> int:
    return int(_sequence(*entropy).generate_state(1)[0])


def _sequence(*entropy: int) -> np.random.SeedSequence:
    """SeedSequence(entropy), whose own conversion of a list takes longer than all the rest."""
    words = list(entropy)
    if max(words) > _WORD:
        words = [word for number in entropy for word in _words(number)]
    return np.random.SeedSequence(np.array(words, dtype=np.uint32))


def _words(number: int) -> list[int]:
    """The 32-bit words of a number, the lowest first."""
    return [number & _WORD, *(_words(number >> 32) if number > _WORD else [])]
