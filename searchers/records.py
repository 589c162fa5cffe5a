"""Records of a search: one per epoch, the result, and its exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.diagnosis import Diagnosis
from oneshot_hpo.searchers.errors import SearchError

MIXTURE, DRAWN, FOUND = "mixture", "drawn cell", "found cell"
"""What a one-shot error is of: the candidates as the searcher weighs them, a cell drawn for the
measurement, or the cell that the search would end with."""


@dataclass(frozen=True)
class EpochRecord:
    """The search after one epoch.

    epoch: 1 is the first.
    architecture: the one that the search would end with now; None if the searcher has not compared
        architectures after this epoch.
    train_loss, train_error: cross-entropy and share of wrong labels over the epoch's own steps.
    valid_loss, valid_error: loss and error of the supernet under one encoding, over all of
        supernet_valid at the end of the epoch: the one-shot validation error.
    learning_rate: SGD step of the weights in this epoch.
    time: wall-clock seconds of the epoch; ignored in comparisons.
    processor_time: processor seconds of the process in these, of all its threads, where the search
        is on a CPU: what a loaded machine does not change. None: on a GPU, or an earlier version
        wrote the record. Ignored in comparisons.
    measured: what valid_loss and valid_error are of: MIXTURE, DRAWN or FOUND; None: an earlier
        version wrote the record.
    compare_seconds: the part of `time` that comparing cells took; None: none were compared.
        Ignored in comparisons.
    diagnosis: what the search did in the epoch; None: a version wrote it that did not record it.
    inherited: True where a shorter search ran the epoch, and this one went on from its checkpoint;
        else None. Ignored in comparisons.
    """

    epoch: int
    architecture: Architecture | None
    train_loss: float
    train_error: float
    valid_loss: float
    valid_error: float
    learning_rate: float
    time: float = field(compare=False)
    processor_time: float | None = field(default=None, compare=False)
    measured: str | None = None
    compare_seconds: float | None = field(default=None, compare=False)
    diagnosis: Diagnosis | None = None
    inherited: bool | None = field(default=None, compare=False)

    @property
    def is_early_end(self) -> bool:
        """Whether the search was stopped early, after this epoch."""
        return self.diagnosis is not None and self.diagnosis.stopped_at is not None

    def to_dict(self, space: SearchSpace) -> dict[str, Any]:
        """Plain values that JSON can hold; the architecture as the space writes it."""
        found = self.architecture
        architecture = None if found is None else space.to_document(found)
        document = asdict(self) | {"architecture": architecture}
        if self.diagnosis is not None:
            document["diagnosis"] = self.diagnosis.to_dict()
        # Records of earlier versions lack these.
        for name in ("processor_time", "measured", "compare_seconds", "diagnosis", "inherited"):
            if document[name] is None:
                del document[name]
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], space: SearchSpace) -> EpochRecord:
        """Read what `to_dict` wrote."""
        found = document["architecture"]
        architecture = None if found is None else space.from_document(found)
        own = document.get("diagnosis")
        diagnosis = None if own is None else Diagnosis.from_dict(own)
        return cls(**{**document, "architecture": architecture, "diagnosis": diagnosis})


@dataclass(frozen=True)
class SearchResult:
    """The architecture found, and the record of every epoch, the first epoch first.

    arch_learning_rate: Adam step of the architecture, as set or as the rule gave it; None: unknown.
    continued_from: epochs of the shorter search where it went on; 0: it began from nothing.
    """

    architecture: Architecture
    trajectory: tuple[EpochRecord, ...]
    arch_learning_rate: float | None = None
    continued_from: int = 0

    @property
    def undecided(self) -> bool:
        """Whether its choices ended within noise of uniform (`Diagnosis.undecided`).

        A search that compares cells in the end is decided by that.
        """
        last = self.trajectory[-1]
        compared = last.measured == FOUND
        return last.diagnosis is not None and last.diagnosis.undecided and not compared

    @property
    def peak_memory(self) -> int | None:
        """Most bytes that it had allocated on its GPU; None without one."""
        diagnoses = [record.diagnosis for record in self.trajectory]
        peaks = [one.peak_memory for one in diagnoses if one is not None and one.peak_memory]
        return max(peaks, default=None)


class SearchDiverged(SearchError, ArithmeticError):
    """A loss was not finite: a fact about the hyperparameters, not about the program.

    epoch: the epoch in which it happened, 1 is the first.
    cause: which loss, and its value.
    """

    def __init__(self, epoch: int, cause: str) -> None:
        super().__init__(epoch, cause)
        self.epoch = epoch
        self.cause = cause

    def __str__(self) -> str:
        return f"the search diverged in epoch {self.epoch}: {self.cause}"


class SearchStopped(Exception):
    """A search stopped on request; its checkpoint resumes it with the next step.

    epoch: the current epoch, 1 is the first.
    step: number of its finished steps.
    """

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__(epoch, step)
        self.epoch = epoch
        self.step = step

    def __str__(self) -> str:
        return f"stopped after step {self.step} of epoch {self.epoch}"


class OutOfDeviceMemory(SearchError, RuntimeError):
    """A search needs more memory than its GPU has free; its own memory has been freed."""
