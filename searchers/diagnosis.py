"""What a search did in an epoch: how decided its choices are, and how far they moved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class ChoiceState:
    """How decided one choice is.

    entropy: of its probabilities, as a share of the entropy of equal ones: 1 is undecided, 0 is
        certain.
    largest: the largest probability.
    picked: the sum of the k largest, where k candidates are picked.
    uniform: what `picked` would be if all candidates were equally probable.
    """

    entropy: float
    largest: float
    picked: float
    uniform: float

    @classmethod
    def of(cls, probabilities: Sequence[float], k: int = 1) -> ChoiceState:
        """The state of a choice of k among candidates with these probabilities, which sum to 1."""
        ordered = sorted(probabilities, reverse=True)
        entropy = -sum(p * math.log(p) for p in ordered if p > 0)
        return cls(
            entropy=entropy / math.log(len(ordered)) if len(ordered) > 1 else 0.0,
            largest=ordered[0],
            picked=sum(ordered[:k]),
            uniform=k / len(ordered),
        )


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A search after one epoch, beyond its losses and errors. None: it does not apply, or was not
    measured.

    choices: by name, those whose probabilities the searcher learns.
    cell: `SearchSpace.key` of the architecture that the search would end with.
    parameter_free: share of that architecture's operations that have no weights.
    distance: L2 distance of the architecture's weights from those that the search began with.
    moved: L2 distance by which this epoch moved them.
    weight_gradient: L2 norm of the gradient of all weights before clipping, mean over the steps.
    architecture_gradient: the same of the gradient by which the architecture's weights are updated,
        over the steps that updated them.
    eigenvalue: the largest eigenvalue of the Hessian of the validation loss in alpha.
    frozen: share of the operations with weights that operation-level early stopping has stopped.
    stopped_at: the epoch to whose architecture early stopping returned.
    peak_memory: most bytes that the search had allocated on its GPU so far; ignored in comparisons.
    """

    choices: Mapping[str, ChoiceState] = field(default_factory=dict)
    cell: str | None = None
    parameter_free: float | None = None
    distance: float | None = None
    moved: float | None = None
    weight_gradient: float | None = None
    architecture_gradient: float | None = None
    eigenvalue: float | None = None
    frozen: float | None = None
    stopped_at: int | None = None
    peak_memory: int | None = field(default=None, compare=False)

    @property
    def undecided(self) -> bool:
        """Whether the choices are within noise of uniform; False if there are none.

        Draw a cell from the searcher's probabilities and count the choices in which it agrees with
        the most probable cell: `picked` is the expected agreement in a choice. For a cell that is
        drawn uniformly the count has mean sum(u) and variance sum(u (1 - u)), u being `uniform`.
        The search is undecided if its expected count is within one standard deviation of that
        mean: one draw from what it learned is then like one draw from nothing learned, and the
        cell it ends with is the sign of a drift.
        """
        if not self.choices:
            return False
        states = self.choices.values()
        gain = sum(state.picked - state.uniform for state in states)
        variance = sum(state.uniform * (1 - state.uniform) for state in states)
        return gain <= math.sqrt(variance)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold, without what is None."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Diagnosis:
        """Read what `to_dict` wrote."""
        states = {name: ChoiceState(**state) for name, state in document["choices"].items()}
        return cls(**{**document, "choices": states})


NUMBERS = {
    "entropy": "mean entropy of the choices, as a share of that of equal probabilities",
    "largest_probability": "mean over the choices of the largest probability",
    "parameter_free": "share of the found operations that have no weights",
    "distance": "distance of the architecture's weights from the start",
    "moved": "distance by which the epoch moved them",
    "weight_gradient": "norm of the gradient of the weights, mean over the steps",
    "architecture_gradient": "norm of the gradient of the architecture, mean over the steps",
    "eigenvalue": "largest eigenvalue of the validation loss's Hessian in alpha",
    "frozen": "share of the operations with weights that were stopped",
    "stopped_at": "the epoch to whose architecture early stopping returned",
    "peak_memory": "most bytes allocated on the GPU so far",
}
"""The numbers of a diagnosis that tables and curves show, with what they mean."""


def numbers(record: Mapping[str, Any]) -> dict[str, float | None]:
    """The NUMBERS of an epoch's record (`EpochRecord.to_dict`); None where it has none.

    Records of earlier versions have no diagnosis.
    """
    found: Mapping[str, Any] = record.get("diagnosis") or {}
    states = list(found.get("choices", {}).values())
    means = {
        "entropy": _mean([state["entropy"] for state in states]),
        "largest_probability": _mean([state["largest"] for state in states]),
    }
    return {name: means[name] if name in means else found.get(name) for name in NUMBERS}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
