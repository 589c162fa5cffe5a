"""The objective that trains the found architecture from scratch."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from oneshot_hpo.checks import check_settings, setting, whole
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.objective import (
    Found,
    NoLoss,
    Objective,
    ObjectiveStopped,
)
from oneshot_hpo.experiments.objectives.section import TRAIN
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import SearchSpace, Table
from oneshot_hpo.searchers.data.held_out import held_out
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.records import SearchStopped
from oneshot_hpo.searchers.settings import COUNT, POSITIVE, SettingsError

if TYPE_CHECKING:
    from oneshot_hpo.searchers.network.scratch import ScratchSettings

_TRAIN = 2  # separates these seeds from the search, and from the draw of a repeat


@dataclass(frozen=True, kw_only=True)
class FromScratch(Objective):
    """Mean validation error of the found architecture, trained from scratch once a seed.

    Weights train on `scratch_train`, and the error is measured on `valid`, which neither the search
    nor the training sees (`searchers.data.held_out`); the test error on the test images. Adam with
    a cosine and no augmentation (`searchers.scratch`). With a table, the outcome's errors and
    regrets are the table's beside this loss; without one, its errors are those of the training, and
    it has no regrets.
    """

    epochs: int = setting(20, whole(1, bounds.EPOCHS))
    seeds: int = setting(1, whole(1, bounds.REPETITIONS))
    channels: int = setting(8, COUNT)
    """Channels of the stem and of the first stack."""
    stacks: int = setting(3, COUNT)
    cells_per_stack: int = setting(1, COUNT)
    learning_rate: float = setting(1e-2, POSITIVE)
    batch_size: int = setting(50, COUNT)

    def __post_init__(self) -> None:
        check_settings(self, lambda name, fault: UserError(f"{name} {fault}"))

    @property
    def network(self) -> ScratchSettings:
        """The settings of the network and its training."""
        from oneshot_hpo.searchers.network.scratch import ScratchSettings  # loads torch

        names = [one.name for one in dataclasses.fields(ScratchSettings)]
        return ScratchSettings(**{name: getattr(self, name) for name in names})

    def check(self, space: SearchSpace, table: Table | None) -> None:
        """UserError: the space's architectures cannot be trained here."""
        from oneshot_hpo.searchers.network.scratch import check_trainable  # loads torch

        try:
            check_trainable(space)
        except SettingsError as error:
            raise UserError(f"objective {TRAIN}: {error}") from None

    def search_images(self, data: ImageSplits) -> ImageSplits:
        """Without the images on which the architecture is measured."""
        return held_out(data)

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        """See `Objective.evaluate`."""
        from oneshot_hpo.searchers.scratch_run import TrainingDiverged, train_repeatedly

        try:
            rows = train_repeatedly(
                found.space,
                found.architecture,
                self.search_images(found.images),
                self.network,
                epochs=self.epochs,
                seeds=_seeds(seed, self.seeds),
                folder=found.folder,
                device=found.device,
                on_epoch=lambda row: found.say(self._progress(row["run"], row["epoch"])),
                stop_asked=stop_asked,
            )
        except TrainingDiverged as error:
            raise NoLoss(str(error)) from None
        except SearchStopped as stop:
            raise ObjectiveStopped(f"its training from scratch {stop}") from None

        ends = rows[self.epochs - 1 :: self.epochs]
        valid = [row["valid_error"] for row in ends]
        test = [row["test_error"] for row in ends]
        known = found.known()
        if found.table is None:
            own = statistics.fmean(valid), statistics.fmean(test)
            known = dataclasses.replace(known, valid=own[0], test=own[1])
        return dataclasses.replace(
            known,
            loss=statistics.fmean(valid),
            objective=TRAIN,
            trained={"valid_error": valid, "test_error": test},
        )

    def _progress(self, run: int, epoch: int) -> str:
        of = f", seed {run + 1}/{self.seeds}" if self.seeds > 1 else ""
        return f"training from scratch{of}, epoch {epoch}/{self.epochs}"


def _seeds(seed: int, count: int) -> list[int]:
    """The seeds of a trial's trainings; the first ones stay when there are more."""
    streams = np.random.SeedSequence((seed, _TRAIN)).spawn(count)
    return [int(stream.generate_state(1)[0]) for stream in streams]
