"""The search loop that all one-shot optimizers share: epochs, and the state that they change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.captured_step import CapturedSteps
from oneshot_hpo.searchers.checkpoint import OtherDevice
from oneshot_hpo.searchers.conclusion import Conclusion, OneShot
from oneshot_hpo.searchers.data.augment import Augmentation
from oneshot_hpo.searchers.data.batches import Batch, paired_batches
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.data.reduced import reduced
from oneshot_hpo.searchers.early_stop import early_stop
from oneshot_hpo.searchers.evaluation import OneShotEvaluation, wrong
from oneshot_hpo.searchers.fine_tuning import RATE_SHARE
from oneshot_hpo.searchers.fingerprint import fingerprint
from oneshot_hpo.searchers.measuring import Measuring
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork, supernet_of
from oneshot_hpo.searchers.records import EpochRecord, SearchDiverged, SearchStopped
from oneshot_hpo.searchers.registry import searcher_class
from oneshot_hpo.searchers.schedules import architecture_rate, cosine_learning_rate, warms_up
from oneshot_hpo.searchers.settings import SearchSettings
from oneshot_hpo.searchers.stopwatch import Stopwatch
from oneshot_hpo.searchers.weights_optimizer import WeightsOptimizer

_STEP = 5
"""Numbers of a step: `Search.step`."""


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
        until: int | None = None,
    ) -> None:
        """epochs: of its schedules. until: the epoch after which it ends; None: the last one."""
        self.fingerprint = fingerprint(searcher, settings, space, data, epochs, seed)
        # In the fingerprint the architecture's rate may be a rule; what follows has a number.
        rate = architecture_rate(settings, len(data.supernet_train), epochs)
        settings = replace(settings, arch_learning_rate=rate)
        self.settings = settings
        self._epochs = epochs
        self._until = epochs if until is None else until
        settings.check_image_size(data.image_size)
        # Independent streams: the draws of one part do not depend on another part.
        *streams, subset = np.random.SeedSequence(seed).spawn(5)
        used = reduced(data, settings.image_size, settings.train_share, subset)
        self._train = Batch.of(used.train, device)
        self._valid = Batch.of(used.valid, device)
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
        self._weights = WeightsOptimizer(space, self.supernet, settings)
        self._measuring = Measuring(space, self._searcher, device)
        self._conclusion = Conclusion(
            settings, space, self.supernet, self._searcher, self.evaluation, own
        )
        self.trajectory: list[EpochRecord] = []
        self.continued_from = 0
        """Epochs of the shorter search where this one went on."""
        # The current epoch: the results of its steps, and the time that it has taken.
        self._steps: list[Tensor] = []
        self._watch = Stopwatch(device)

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.trajectory)

    @property
    def finished(self) -> bool:
        """Whether its epochs are over, or it was stopped early."""
        return self._ends(self.trajectory)

    @property
    def has_begun(self) -> bool:
        """Whether it has made a step."""
        return bool(self.trajectory or self._steps)

    @property
    def is_to_be_continued(self) -> bool:
        """Whether it is in its last epoch, or over, and its schedules are not."""
        return self._until < self._epochs and (self.finished or self.epoch + 1 == self._until)

    def run_epoch(
        self,
        stop_asked: Callable[[], bool],
        *,
        concludes: bool = True,
        on_trained: Callable[[], None] = lambda: None,
    ) -> EpochRecord:
        """Train for one epoch, measure the one-shot validation error, append the record.

        concludes: after the epochs that the settings name, the last one above all, let the searcher
            decide on a cell; if it compares cells for it, the error measured is the found cell's.
        on_trained: called after the last step, before anything is measured.
        Raises SearchDiverged, and SearchStopped after a step if `stop_asked()`; the next call then
        continues the epoch.
        """
        self._watch.start()

        def check_stop() -> None:
            if stop_asked():
                self._watch.stop()
                raise SearchStopped(self.epoch + 1, len(self._steps))

        learning_rate = cosine_learning_rate(self.settings, self.epoch, self._epochs)
        self._searcher.begin_epoch(self.epoch, self._epochs)
        if not self._conclusion.is_begun:
            self._weights.set_learning_rate(learning_rate)
            for _ in self._train_epoch(on_trained):
                check_stop()

        steps = torch.stack(self._steps).double()
        train_loss, train_error, architecture_loss = steps[:, :3].mean(0).tolist()
        one_shot = self._conclusion.measured()
        for name, loss in (
            ("training loss of the weights", train_loss),
            ("validation loss of the architecture steps", architecture_loss),
            ("one-shot validation loss", one_shot.loss),
        ):
            self._check_finite(name, loss, learning_rate)
        one_shot = self._conclusion.named(one_shot)
        if concludes:
            one_shot = self._concluded(one_shot, check_stop)
            self._check_finite("one-shot validation loss", one_shot.loss, learning_rate)

        eigenvalue = self._eigenvalue()
        stopped_at = None
        if concludes and self.epoch + 1 < self._until:
            stopped_at = early_stop(self.settings, self.trajectory, eigenvalue)
        if stopped_at is not None:
            before = self.trajectory[stopped_at - 1].architecture
            one_shot = one_shot._replace(architecture=before)
        diagnosis = self._measuring.diagnosis(
            one_shot.architecture,
            steps[:, 3:],
            eigenvalue=eigenvalue,
            frozen=self._weights.frozen_share,
            stopped_at=stopped_at,
        )

        self._watch.stop()
        record = EpochRecord(
            epoch=self.epoch + 1,
            architecture=one_shot.architecture,
            train_loss=train_loss,
            train_error=train_error,
            valid_loss=one_shot.loss,
            valid_error=one_shot.error,
            learning_rate=learning_rate,
            time=self._watch.seconds,
            processor_time=self._watch.processor_seconds,
            measured=one_shot.of,
            compare_seconds=one_shot.compare_seconds,
            diagnosis=diagnosis,
        )

        self.trajectory.append(record)
        self._steps = []
        self._watch.reset()
        return record

    def step(self, train: Batch, valid: Batch, network: OneShotNetwork | None = None) -> Tensor:
        """One step of the architecture, then one of the weights, on batches before augmentation.

        network: None for the supernet; one with the supernet's weights.

        In the warm-up there is no step of the architecture. A step of the weights adds up the
        gradients of the searcher's encodings, nearly always of one.

        Returns training loss and error, means over these, the loss of the architecture step (0 for
        none), and the norms of the gradients of the weights and of the architecture (NaN for none),
        (5,), on the device without synchronisation.
        """
        network = self.supernet if network is None else network
        train, valid = self._augmented(train), self._augmented(valid)
        architecture_loss = None
        if not warms_up(self.settings, self.epoch, self._epochs):
            architecture_loss = self._searcher.architecture_step(
                network, train, valid, self._weights.sgd
            )

        self._weights.zero_grad()
        losses, errors = [], []
        for encoding in self._searcher.weights_encodings():
            logits = network(train.images, encoding)
            loss = F.cross_entropy(logits, train.labels)
            loss.backward()
            losses.append(loss.detach())
            errors.append(wrong(logits, train.labels) / len(train))
        norm = self._weights.step(self._searcher.valid_gradients)

        error = torch.stack(errors).mean()
        if architecture_loss is None:
            architecture_loss, own_norm = torch.zeros_like(error), torch.full_like(error, math.nan)
        else:
            own_norm = self._measuring.gradient_norm().to(error)
        loss = torch.stack(losses).mean()
        return torch.stack((loss, error, architecture_loss, norm, own_norm))

    def _eigenvalue(self) -> float | None:
        """Of the Hessian of the validation loss in alpha, where it is asked for."""
        if not self.settings.takes_eigenvalue:
            return None
        first = self._valid.first(self.settings.batch_size)
        batch = Batch(self._augment.normalise(first.images), first.labels)
        return self._measuring.eigenvalue(self.supernet, batch)

    def _concluded(self, measured: OneShot, check_stop: Callable[[], None]) -> OneShot:
        """What the search would end with now; before the last epoch where the settings ask for it.

        Raises what `check_stop` does.
        """
        if self.epoch + 1 == self._until:
            steps = self._until * len(self._steps)
            return self._conclusion.at_the_end(measured, steps, self._tune, check_stop)
        if self.settings.concludes_after(self.epoch + 1, self._epochs):
            return self._conclusion.before_the_end(measured)
        return measured

    def _tune(self, network: OneShotNetwork, done: int, steps: int) -> None:
        """A step on a network with the supernet's weights, after the search's own steps.

        On random images of both parts, so that training can be continued at any step.
        """
        if not done:
            self._weights.forget_momentum()
        self._weights.set_learning_rate(
            RATE_SHARE * cosine_learning_rate(self.settings, done, steps)
        )
        order, size = self._generators["order"], self.settings.batch_size
        self.step(self._train.drawn(size, order), self._valid.drawn(size, order), network)

    def _check_finite(self, name: str, loss: float, learning_rate: float) -> None:
        """Raise SearchDiverged for a loss that is not finite."""
        if not math.isfinite(loss):
            cause = f"the {name} is {loss} at a learning rate of {learning_rate:g}"
            raise SearchDiverged(self.epoch + 1, cause)

    def _train_epoch(self, on_trained: Callable[[], None]) -> Iterator[None]:
        """Run the remaining steps of the epoch, one at a time."""
        # The search's own generator advances only at the end of an epoch, so that an epoch can be
        # resumed at any step: its order is drawn again.
        order = torch.Generator()
        order.set_state(self._generators["order"].get_state())
        batches = paired_batches(self._train, self._valid, self.settings.batch_size, order)
        step = self._captured() or self.step
        for train, valid in itertools.islice(batches, len(self._steps), None):
            self._steps.append(step(train, valid))
            yield
        on_trained()
        self._generators["order"].set_state(order.get_state())

    def _captured(self) -> CapturedSteps | None:
        """The steps of this epoch as a CUDA graph, where the settings and the device have it."""
        images = self._generators["images"]
        is_warm_up = warms_up(self.settings, self.epoch, self._epochs)
        if not self.settings.cuda_graphs or images.device.type != "cuda" or is_warm_up:
            return None
        weights = [*self.supernet.parameters(), *self._searcher.architecture_weights()]
        return CapturedSteps(self.step, weights, images)

    def _ends(self, trajectory: Sequence[EpochRecord]) -> bool:
        stopped = bool(trajectory) and trajectory[-1].is_early_end
        return stopped or len(trajectory) == self._until

    def _augmented(self, batch: Batch) -> Batch:
        images = self._augment(batch.images, self.epoch, self._generators["images"])
        return Batch(images, batch.labels)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` continues exactly."""
        return {
            "fingerprint": self.fingerprint,
            "weights": self.supernet.state_dict(),
            **self._weights.state_dict(),
            "searcher": self._searcher.state_dict(),
            "generators": {name: g.get_state() for name, g in self._generators.items()},
            "trajectory": [record.to_dict(self.space) for record in self.trajectory],
            "epoch under way": {
                "steps": list(self._steps),
                **self._watch.state_dict(),
                "begun with": self._measuring.begun_with(),
            },
            "conclusion": self._conclusion.state_dict(),
            "continued from": self.continued_from,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a search with the same fingerprint.

        Raises OtherDevice, and changes nothing, for an unfinished search of another kind of device.
        """
        trajectory = [EpochRecord.from_dict(row, self.space) for row in state["trajectory"]]
        generators: dict[str, Tensor] = state["generators"]
        # A CPU's generator has another state than a GPU's.
        is_other = len(generators["images"]) != len(self._generators["images"].get_state())
        if is_other and not self._ends(trajectory):
            raise OtherDevice
        self.supernet.load_state_dict(state["weights"])
        self._weights.load_state_dict(state)
        self._searcher.load_state_dict(state["searcher"])
        for name, generator in self._generators.items():
            if name != "images" or not is_other:
                generator.set_state(generators[name])
        self.trajectory = trajectory
        under_way = state["epoch under way"]
        device = self._train.labels.device
        # A step of an earlier version has fewer numbers.
        missing = [torch.full((_STEP - len(step),), math.nan) for step in under_way["steps"]]
        steps = zip(under_way["steps"], missing, strict=True)
        self._steps = [torch.cat((step, nan.to(step))).to(device) for step, nan in steps]
        self._measuring.load(under_way.get("begun with"), is_under_way=bool(self._steps))
        self._watch.load_state_dict(under_way)
        self._conclusion.load_state_dict(state.get("conclusion", {}))
        self.continued_from = state.get("continued from", 0)

    def begin_at(self, state: dict[str, Any]) -> None:
        """Go on where a shorter search of the same fingerprint ended; raises like the above.

        Its epochs, and the seconds of their steps, are not this search's own.
        """
        self.load_state_dict(state)
        self.continued_from = self.epoch + bool(self._steps)
        self.trajectory = [replace(record, inherited=True) for record in self.trajectory]
        self._watch.reset()
