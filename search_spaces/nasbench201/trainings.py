"""Collects the trainings of architectures from files of NAS-Bench-201 and NATS-Bench.

A file holds, for each architecture and schedule, the dictionary of an `ArchResults`: seeds by data
set, and by data set and seed the dictionary of a `ResultsCount`, one training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.nasbench201.metrics import (
    BUDGETS,
    DATASETS,
    ERROR_METRIC,
    LATENCY,
    LOSS_METRIC,
    MACS,
    NAME,
    PARAMETERS,
    SECONDS,
    TIME_NOTE,
)
from oneshot_hpo.search_spaces.nasbench201.space import NASBENCH201
from oneshot_hpo.search_spaces.pickles import PickleError
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.recording import Recording, errors
from oneshot_hpo.search_spaces.table import Metric, Origin, TableError

Splits = Mapping[str, tuple[str, str]]
_SPLITS: Mapping[str, Splits] = {
    "cifar10": {"valid": ("cifar10-valid", "x-valid"), "test": ("cifar10", "ori-test")},
    "cifar100": {"valid": ("cifar100", "x-valid"), "test": ("cifar100", "x-test")},
    "imagenet16": {
        "valid": ("ImageNet16-120", "x-valid"),
        "test": ("ImageNet16-120", "x-test"),
    },
}
"""By data set and split, the authors' names of the training and of the images, as in their API. On
CIFAR-10, validation uses networks trained on half of the training images."""
_MOST_REPEATS = 8
_SEED = "888"  # its parameters and multiply-accumulates are used if seeds differ
_TRAINING = object()
_REAL, _MEAN = Origin.REAL, Origin.MEAN

NOTES = (
    "valid and test are the authors' x-valid and x-test; on cifar10 validation is of networks "
    "trained on half of the training images, test of those trained on all of them",
    TIME_NOTE,
)


@dataclass(frozen=True)
class Training:
    """One training after its last epoch.

    accuracies, in percent, and losses by the authors' name of the images. seconds: of the whole
    training; latency: of one batch; NaN where they were not measured. macs, parameters: millions.
    """

    seed: str

    epochs: int
    accuracies: Mapping[str, float]
    losses: Mapping[str, float]
    seconds: float
    latency: float
    parameters: float
    macs: float


class Trainings:
    """Everything read so far, by configuration, and the table made of it."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, int], dict[int, list[Training]]] = {}
        self.configurations: dict[int, None] = {}
        """Configurations in the order in which they were read."""
        self.cell = ""
        """The cell that was read last."""

    def take(self, items: dict[Any, Any]) -> bool:
        """Read a dictionary of a file and empty it; returns whether it was an architecture.

        Raises PickleError for one that is not in the authors' form.
        """
        try:
            return self._take(items)
        except PickleError:
            raise
        except KeyError as error:
            raise PickleError(f"{error} is missing") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise PickleError(str(error)) from None

    def table(self, source: Mapping[str, Any]) -> RecordedTable:
        """The table. TableError: an architecture lacks values that others have."""
        recording = Recording(NAME, NASBENCH201, list(self.configurations), of_cells=False)
        for dataset in DATASETS:
            for split in ("valid", "test"):
                for budget in BUDGETS:
                    self._add_split(recording, dataset, split, budget)
            self._add_costs(recording, dataset)
        return recording.table(source, NOTES)

    def _take(self, items: dict[Any, Any]) -> bool:
        if "eval_acc1es" in items and "epochs" in items:
            training = _training(items)
            items.clear()
            items[_TRAINING] = training
        elif "all_results" in items and "dataset_seed" in items:
            self._add(items)
            items.clear()
            return True
        return False

    def _add(self, items: Mapping[Any, Any]) -> None:
        self.cell = _text(items["arch_str"])
        number = NASBENCH201.configuration(NASBENCH201.parse(self.cell))
        self.configurations[number] = None
        for dataset, seeds in items["dataset_seed"].items():
            runs = [items["all_results"][dataset, seed][_TRAINING] for seed in seeds]
            epochs = {run.epochs for run in runs}
            if not runs:
                continue
            if len(runs) > _MOST_REPEATS or len(epochs) > 1 or not epochs <= set(BUDGETS):
                raise ValueError(f"{len(runs)} trainings of {sorted(epochs)} epochs")
            (budget,) = epochs
            of_all = self._read.setdefault((dataset, budget), {})
            if number in of_all:
                raise ValueError(f"{self.cell} is given twice")
            of_all[number] = runs

    def _add_split(self, recording: Recording, dataset: str, split: str, budget: int) -> None:
        trained, images = _SPLITS[dataset][split]
        runs = self._runs(trained, budget)
        if runs is None:
            return
        accuracies = _repeats([[run.accuracies.get(images, math.nan) for run in r] for r in runs])
        losses = _repeats([[run.losses.get(images, math.nan) for run in r] for r in runs])
        if np.isnan(accuracies).all():
            return
        if np.isnan(accuracies).all(1).any():
            raise TableError(f"an architecture lacks its {split} accuracy on {dataset}")
        recording.add(dataset, f"{split}_error", ERROR_METRIC, errors(accuracies), budget)
        recording.add(dataset, f"{split}_loss", LOSS_METRIC, losses, budget)
        if split == "valid":
            seconds = _repeats([[run.seconds for run in r] for r in runs])
            recording.add(dataset, "seconds", SECONDS, seconds, budget, _MEAN)

    def _add_costs(self, recording: Recording, dataset: str) -> None:
        trained, _ = _SPLITS[dataset]["valid"]
        runs = next(
            (runs for b in reversed(BUDGETS) if (runs := self._runs(trained, b)) is not None), None
        )
        if runs is None:
            return
        columns: Sequence[tuple[str, Metric, list[float], Origin]] = (
            ("latency", LATENCY, [_mean([run.latency for run in r]) for r in runs], _MEAN),
            ("parameters", PARAMETERS, [round(1e6 * _sound(r).parameters) for r in runs], _REAL),
            ("macs", MACS, [_sound(r).macs for r in runs], _REAL),
        )
        for name, metric, values, origin in columns:
            recording.add(dataset, name, metric, np.array(values), origin=origin)

    def _runs(self, trained: str, budget: int) -> list[list[Training]] | None:
        """Runs of all architectures in order; None if there are none. Raises TableError."""
        of_all = self._read.get((trained, budget))
        if of_all is None:
            return None
        missing = [number for number in self.configurations if number not in of_all]
        if missing:
            text = NASBENCH201.text(NASBENCH201.architecture(missing[0]))
            raise TableError(f"{text} lacks its training for {budget} epochs on {trained}")
        return [of_all[number] for number in self.configurations]


def _training(items: Mapping[Any, Any]) -> Training:
    epochs = items["epochs"]
    if type(epochs) is not int:
        raise TypeError("epochs is not a number")
    last = f"@{epochs - 1}"
    accuracies = _last(items["eval_acc1es"], last)
    if any(not 0 <= value <= 100 for value in accuracies.values()):
        raise ValueError("an accuracy is not in 0 to 100")
    times, latencies = items["train_times"], items["latency"]
    return Training(
        seed=str(items["seed"]).lstrip("0"),
        epochs=epochs,
        accuracies=accuracies,
        losses=_last(items["eval_losses"], last),
        seconds=math.nan if not times else math.fsum(map(_number, times.values())),
        latency=math.nan if not latencies else _mean([_number(value) for value in latencies]),
        parameters=_number(items["params"]),
        macs=_number(items["flop"]),
    )


def _last(values: Mapping[Any, Any], last: str) -> dict[str, float]:
    """The values after the last epoch, by the images' name; keys are like `x-valid@199`."""
    return {
        key.removesuffix(last): _number(value)
        for key, value in values.items()
        if isinstance(key, str) and key.endswith(last) and key.count("@") == 1
    }


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{str(value)[:40]!r} is not a number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("arch_str is not text")
    return value


def _sound(runs: Sequence[Training]) -> Training:
    """The training with the right costs; some files have wrong ones, according to the API."""
    return next((run for run in runs if run.seed == _SEED), runs[0])


def _mean(values: Sequence[float]) -> float:
    """Mean of the measured values, which are positive; NaN if there are none."""
    measured = [value for value in values if value > 0]
    return math.fsum(measured) / len(measured) if measured else math.nan


def _repeats(values: Sequence[Sequence[float]]) -> np.ndarray:
    """Repeats of each architecture, float (N, R), padded with NaN."""
    most = max(map(len, values))
    return np.array([[*row, *[math.nan] * (most - len(row))] for row in values])
