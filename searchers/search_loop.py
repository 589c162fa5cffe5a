"""The search loop that all one-shot optimizers share: epochs, and the state that they change."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.data.augment import Augmentation
from oneshot_hpo.searchers.data.batches import Batch, paired_batches
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.data.reduced import reduced
from oneshot_hpo.searchers.early_stop import stop_epoch
from oneshot_hpo.searchers.evaluation import OneShotEvaluation, wrong
from oneshot_hpo.searchers.measuring import Measuring
from oneshot_hpo.searchers.network.one_shot import supernet_of
from oneshot_hpo.searchers.operation_stop import OperationStop
from oneshot_hpo.searchers.records import EpochRecord, SearchDiverged, SearchStopped
from oneshot_hpo.searchers.registry import searcher_class
from oneshot_hpo.searchers.settings import (
    EIGENVALUE,
    OPERATIONS,
    SearchSettings,
    SettingsError,
)

_LATER = {
    "image_size": None,
    "train_share": 1.0,
    "hessian_eigenvalue": False,
    "early_stop": None,
    "stop_growth": 4 / 3,
    "stop_start": 10,
    "stop_match": 0.4,
    "stop_steps": 20,
}
_STEP = 5
"""Numbers of a step: `Search.step`."""


def cosine_learning_rate(settings: SearchSettings, epoch: int, epochs: int) -> float:
    """SGD step in epoch 0 .. epochs - 1: half a cosine from learning_rate to learning_rate_min.

    It would reach the minimum in epoch `epochs` (Loshchilov and Hutter, 2017, equation 5).
    """
    lowest = min(settings.learning_rate_min, settings.learning_rate)
    share = (1 + math.cos(math.pi * epoch / epochs)) / 2
    return lowest + (settings.learning_rate - lowest) * share


def fingerprint(
    searcher: str,
    settings: SearchSettings,
    space: SearchSpace,
    data: ImageSplits,
    epochs: int,
    seed: int,
) -> dict[str, Any]:
    """The identity of a search, which its checkpoints record.

    Settings of later versions are left out at their defaults, as earlier checkpoints lack them.
    """
    values = asdict(settings)
    later = {name: values.pop(name) for name in _LATER}
    values |= {name: value for name, value in later.items() if value != _LATER[name]}
    return {
        "searcher": searcher,
        "space": space.id,
        "data set": data.name,
        "images": data.checksum,
        "epochs": epochs,
        "seed": seed,
        **values,
    }


class Search:
    """The state of a search, and how one epoch changes it."""

    def __init__(
        self,
        searcher: str,
        settings: SearchSettings,
        space: SearchSpace,
        data: ImageSplits,
        epochs: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self._settings = settings
        self._epochs = epochs
        settings.check_image_size(data.image_size)
        # Independent streams: the draws of one part do not depend on another part.
        *streams, subset = np.random.SeedSequence(seed).spawn(5)
        used = reduced(data, settings.image_size, settings.train_share, subset)
        self._train = Batch.of(used.supernet_train, device)
        self._valid = Batch.of(used.supernet_valid, device)
        self._augment = Augmentation(self._train.images, settings, epochs, used.shift)

        seeds = [
            int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)) for sequence in streams
        ]
        initial, order, own = (torch.Generator().manual_seed(value) for value in seeds[:3])
        images = torch.Generator(device).manual_seed(seeds[3])
        self._generators = {"order": order, "searcher": own, "images": images}

        self.space = space
        self.supernet = supernet_of(space, data, settings, initial).to(device)
        self.evaluation = OneShotEvaluation(
            self.supernet, self._train, self._valid, self._augment.normalise
        )
        self._searcher = searcher_class(searcher)(space, settings, device, own)
        self._optimizer = torch.optim.SGD(
            self.supernet.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        self._operation_stop = self._new_operation_stop()
        self._measuring = Measuring(space, self._searcher, device)
        self.trajectory: list[EpochRecord] = []
        # The current epoch: the results of its steps, and how long they took.
        self._steps: list[Tensor] = []
        self._seconds = 0.0
        self.fingerprint = fingerprint(searcher, settings, space, data, epochs, seed)

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.trajectory)

    @property
    def finished(self) -> bool:
        """Whether its epochs are over, or it was stopped early."""
        last = self.trajectory[-1].diagnosis if self.trajectory else None
        stopped = last is not None and last.stopped_at is not None
        return stopped or self.epoch == self._epochs

    def run_epoch(self, stop_asked: Callable[[], bool], *, concludes: bool = True) -> EpochRecord:
        """Train for one epoch, measure the one-shot validation error, append the record.

        concludes: after the last epoch, let the searcher compare the cells that it may end with.
        Raises SearchDiverged, and SearchStopped after a step if `stop_asked()`; the next call then
        continues the epoch.
        """
        started = time.perf_counter() - self._seconds
        learning_rate = cosine_learning_rate(self._settings, self.epoch, self._epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._searcher.begin_epoch(self.epoch, self._epochs)

        for _ in self._train_epoch():
            if stop_asked():
                self._seconds = time.perf_counter() - started
                raise SearchStopped(self.epoch + 1, len(self._steps))

        steps = torch.stack(self._steps).double()
        train_loss, train_error, architecture_loss = steps[:, :3].mean(0).tolist()
        encoding = self._searcher.evaluation_encoding()
        valid_loss, valid_error = self.evaluation.loss_and_error(encoding)
        for name, loss in (
            ("training loss of the weights", train_loss),
            ("validation loss of the architecture steps", architecture_loss),
            ("one-shot validation loss", valid_loss),
        ):
            if not math.isfinite(loss):
                cause = f"the {name} is {loss} at a learning rate of {learning_rate:g}"
                raise SearchDiverged(self.epoch + 1, cause)

        eigenvalue = self._eigenvalue()
        back = self._stop_epoch(eigenvalue) if concludes else None
        if back is not None:
            architecture = self.trajectory[back - 1].architecture
        elif concludes and self.epoch + 1 == self._epochs:
            architecture = self._searcher.conclude(self.evaluation)
        else:
            architecture = self._searcher.architecture()
        stopped = self._operation_stop
        diagnosis = self._measuring.diagnosis(
            architecture,
            steps[:, 3:],
            eigenvalue=eigenvalue,
            frozen=None if stopped is None else stopped.share,
            stopped_at=back,
        )

        record = EpochRecord(
            epoch=self.epoch + 1,
            architecture=architecture,
            train_loss=train_loss,
            train_error=train_error,
            valid_loss=valid_loss,
            valid_error=valid_error,
            learning_rate=learning_rate,
            time=time.perf_counter() - started,
            diagnosis=diagnosis,
        )

        self.trajectory.append(record)
        self._steps, self._seconds = [], 0.0
        return record

    def step(self, train: Batch, valid: Batch) -> Tensor:
        """One step of the architecture, then one of the weights, on batches before augmentation.

        Returns training loss, training error, loss of the architecture step (0 for none), and the
        norms of the gradients of the weights and of the architecture (NaN for none), (5,), on the
        device without synchronisation.
        """
        train, valid = self._augmented(train), self._augmented(valid)
        architecture_loss = self._searcher.architecture_step(
            self.supernet, train, valid, self._optimizer
        )
        logits = self.supernet(train.images, self._searcher.weights_encoding())
        loss = F.cross_entropy(logits, train.labels)
        self._optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(
            self.supernet.parameters(), self._settings.grad_clip, foreach=True
        )
        self._update_weights()

        error = wrong(logits, train.labels) / len(train)
        if architecture_loss is None:
            architecture_loss, own_norm = torch.zeros_like(error), torch.full_like(error, math.nan)
        else:
            own_norm = self._measuring.gradient_norm().to(error)
        return torch.stack((loss.detach(), error, architecture_loss, norm, own_norm))

    def _update_weights(self) -> None:
        """A step of SGD, of the operations that are still trained."""
        if self._operation_stop is None:
            self._optimizer.step()
            return
        gradients = self._searcher.valid_gradients()
        if gradients is not None:
            self._operation_stop.compare(gradients)
        self._operation_stop.step(self._optimizer)

    def _new_operation_stop(self) -> OperationStop | None:
        if self._settings.early_stop != OPERATIONS:
            return None
        if not self.supernet.operation_units():
            raise SettingsError(
                f"search setting early_stop: the supernet of {self.space.title} does not say which "
                f"weights belong to which operation, as {OPERATIONS} needs"
            )
        return OperationStop(self.supernet, self._settings.stop_match, self._settings.stop_steps)

    def _eigenvalue(self) -> float | None:
        """Of the Hessian of the validation loss in alpha, where it is asked for."""
        if not self._settings.takes_eigenvalue:
            return None
        first = self._valid.first(self._settings.batch_size)
        batch = Batch(self._augment.normalise(first.images), first.labels)
        return self._measuring.eigenvalue(self.supernet, batch)

    def _stop_epoch(self, eigenvalue: float | None) -> int | None:
        """The epoch to return to now, before the last one; None: the search goes on."""
        if self._settings.early_stop != EIGENVALUE or self.epoch + 1 == self._epochs:
            return None
        so_far = [record.diagnosis for record in self.trajectory]
        values = [math.nan if one is None else one.eigenvalue for one in so_far]
        found = [math.nan if value is None else value for value in (*values, eigenvalue)]
        return stop_epoch(found, self._settings.stop_growth, self._settings.stop_start)

    def _train_epoch(self) -> Iterator[None]:
        """Run the remaining steps of the epoch, one at a time."""
        # The search's own generator advances only at the end of an epoch, so that an epoch can be
        # resumed at any step: its order is drawn again.
        order = torch.Generator()
        order.set_state(self._generators["order"].get_state())
        batches = paired_batches(self._train, self._valid, self._settings.batch_size, order)
        for train, valid in itertools.islice(batches, len(self._steps), None):
            self._steps.append(self.step(train, valid))
            yield
        self._generators["order"].set_state(order.get_state())

    def _augmented(self, batch: Batch) -> Batch:
        images = self._augment(batch.images, self.epoch, self._generators["images"])
        return Batch(images, batch.labels)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` continues exactly."""
        stop = self._operation_stop
        return {
            "fingerprint": self.fingerprint,
            "weights": self.supernet.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "searcher": self._searcher.state_dict(),
            "generators": {name: g.get_state() for name, g in self._generators.items()},
            "trajectory": [record.to_dict(self.space) for record in self.trajectory],
            "epoch under way": {
                "steps": list(self._steps),
                "seconds": self._seconds,
                "begun with": self._measuring.begun_with(),
            },
        } | ({} if stop is None else {"operation stop": stop.state_dict()})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a search with the same fingerprint."""
        self.supernet.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._searcher.load_state_dict(state["searcher"])
        for name, generator in self._generators.items():
            generator.set_state(state["generators"][name])
        self.trajectory = [EpochRecord.from_dict(row, self.space) for row in state["trajectory"]]
        under_way = state["epoch under way"]
        device = self._train.labels.device
        # A step of an earlier version has fewer numbers.
        missing = [torch.full((_STEP - len(step),), math.nan) for step in under_way["steps"]]
        steps = zip(under_way["steps"], missing, strict=True)
        self._steps = [torch.cat((step, nan.to(step))).to(device) for step, nan in steps]
        self._measuring.load(under_way.get("begun with"), is_under_way=bool(self._steps))
        if self._operation_stop is not None:
            self._operation_stop.load_state_dict(state["operation stop"])
        self._seconds = under_way["seconds"]
