"""The incumbent: the lowest loss at the largest budget evaluated so far, the first of equals."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", float, NDArray[np.float64])


def beats(
    budget: float | NDArray, loss: Value, best_budget: float | NDArray, best_loss: Value
) -> bool | NDArray:
    """Whether an evaluation takes the incumbent's place.

    Budgets and losses are numbers, or arrays of one shape, which are compared element by element.
    """
    return (budget > best_budget) | ((budget == best_budget) & (loss < best_loss))


def incumbent_places(losses: NDArray, budgets: NDArray) -> NDArray[np.int64]:
    """Which evaluation is the incumbent after each one, int (R, T).

    losses (R, T): R repetitions of T evaluations; budgets (T,), the same in every
    repetition, or (R, T).
    """
    budgets = np.broadcast_to(budgets, losses.shape)
    repetitions = np.arange(len(losses))
    places = np.zeros(losses.shape, np.int64)
    best = places[:, 0]

    for place in range(losses.shape[1]):
        earlier = budgets[repetitions, best], losses[repetitions, best]
        best = np.where(beats(budgets[:, place], losses[:, place], *earlier), place, best)
        places[:, place] = best

    return places
