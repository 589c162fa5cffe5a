"""A categorical distribution that learns from measurements, and is pruned (DDPNAS)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

_PRUNED = 1e-6  # factor of what was pruned: after all that was not


@dataclass
class Categorical:
    """The distribution of one choice among n options; all arrays are (n,).

    theta: probabilities. velocity: what theta moved by, averaged. alive: bool, what is not pruned.
    totals, counts: sums and numbers of the accuracies measured since the last pruning. queue: the
    options that are still to be drawn in this round.
    """

    theta: np.ndarray
    velocity: np.ndarray
    alive: np.ndarray
    totals: np.ndarray
    counts: np.ndarray
    queue: list[int] = field(default_factory=list)

    @classmethod
    def uniform(cls, size: int) -> Categorical:
        """All of `size` options equally likely."""
        return cls(
            theta=np.full(size, 1 / size),
            velocity=np.zeros(size),
            alive=np.ones(size, bool),
            totals=np.zeros(size),
            counts=np.zeros(size),
        )

    def next_option(self, generator: torch.Generator) -> int:
        """Draw without replacement: every option once in a round, in a random order."""
        if not self.queue:
            left = np.flatnonzero(self.alive)
            order = torch.randperm(len(left), generator=generator).numpy()
            self.queue = left[order].tolist()
        return self.queue.pop()

    def any_option(self, generator: torch.Generator) -> int:
        """Draw uniformly among what is not pruned."""
        left = np.flatnonzero(self.alive)
        return int(left[int(torch.randint(len(left), (), generator=generator))])

    def record(self, option: int, accuracy: float) -> None:
        """Count the accuracy of a cell that has an option."""
        self.totals[option] += accuracy
        self.counts[option] += 1

    def learned(self, sharpness: float, momentum: float) -> tuple[np.ndarray, np.ndarray]:
        """Theta and velocity by what was measured since the last pruning.

        Options are rewarded by the softmax of `sharpness` times their mean accuracy. One that was
        not measured counts as the mean of the others.
        """
        measured = self.counts > 0
        if not measured.any():
            return self.theta, self.velocity
        means = np.divide(self.totals, self.counts, where=measured, out=np.zeros_like(self.totals))
        means[~measured] = means[measured].mean()
        powers = np.where(self.alive, np.exp(sharpness * (means - means[self.alive].max())), 0.0)

        velocity = momentum * self.velocity + (1 - momentum) * powers / powers.sum()
        theta = self.theta + velocity
        return theta / theta.sum(), velocity

    def learn(self, sharpness: float, momentum: float) -> None:
        """Move by what was measured, and forget it."""
        self.theta, self.velocity = self.learned(sharpness, momentum)
        self.totals, self.counts = np.zeros_like(self.totals), np.zeros_like(self.counts)
        self.queue = []

    def prune(self, kept: int) -> None:
        """Keep so many options, the most likely ones; a new round begins."""
        while self.alive.sum() > kept:
            self.alive[int(np.argmin(np.where(self.alive, self.theta, np.inf)))] = False
        self.queue = []

    def probabilities(self) -> np.ndarray:
        """Theta of what is not pruned, as probabilities."""
        left = np.where(self.alive, self.theta, 0.0)
        probabilities: np.ndarray = left / left.sum()
        return probabilities

    def strengths(self, sharpness: float, momentum: float) -> np.ndarray:
        """Theta with all that was measured; what is pruned comes after all the rest."""
        theta, _ = self.learned(sharpness, momentum)
        strengths: np.ndarray = np.where(self.alive, theta, _PRUNED * theta)
        return strengths

    def state_dict(self) -> dict[str, Any]:
        """Plain values from which `load_state_dict` continues exactly."""
        return {
            "theta": self.theta.tolist(),
            "velocity": self.velocity.tolist(),
            "alive": self.alive.tolist(),
            "totals": self.totals.tolist(),
            "counts": self.counts.tolist(),
            "queue": list(self.queue),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a distribution of the same size."""
        for name in ("theta", "velocity", "alive", "totals", "counts"):
            setattr(self, name, np.array(state[name], getattr(self, name).dtype))
        self.queue = list(state["queue"])


def remaining(size: int, finished: int, periods: int) -> int:
    """How many of `size` options are left after some periods; one of them after all.

    Time with k options left is in proportion to k, as many as a round has cells.
    """
    rounds = size * (size + 1) // 2 - 1
    left, used = size, size
    while left > 1 and used * periods <= finished * rounds:
        left -= 1
        used += left
    return left
