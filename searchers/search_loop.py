"""The search loop that all one-shot optimizers share: epochs, and the state that they change."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.foreign import InvalidResult
from oneshot_hpo.search_spaces import Architecture, InvalidArchitecture, SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.augment import Augmentation
from oneshot_hpo.searchers.data.batches import Batch, paired_batches
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.data.reduced import reduced
from oneshot_hpo.searchers.evaluation import OneShotEvaluation, wrong
from oneshot_hpo.searchers.gdas import Gdas
from oneshot_hpo.searchers.network.one_shot import supernet_of
from oneshot_hpo.searchers.records import FOUND, EpochRecord, SearchDiverged, SearchStopped
from oneshot_hpo.searchers.registry import searcher_class
from oneshot_hpo.searchers.settings import SearchSettings


def cosine_learning_rate(settings: SearchSettings, epoch: int, epochs: int) -> float:
    """SGD step in epoch 0 .. epochs - 1: half a cosine from learning_rate to learning_rate_min.

    It would reach the minimum in epoch `epochs` (Loshchilov and Hutter, 2017, equation 5).
    """
    lowest = min(settings.learning_rate_min, settings.learning_rate)
    share = (1 + math.cos(math.pi * epoch / epochs)) / 2
    return lowest + (settings.learning_rate - lowest) * share


def warms_up(settings: SearchSettings, epoch: int, epochs: int) -> bool:
    """Whether epoch 0 .. epochs - 1 trains the weights alone; the last one never does."""
    return epoch < min(settings.warmup_share * epochs, epochs - 1)


def fingerprint(
    searcher: str,
    settings: SearchSettings,
    space: SearchSpace,
    data: ImageSplits,
    epochs: int,
    seed: int,
) -> dict[str, Any]:
    """The identity of a search, which its checkpoints record."""
    # Earlier versions left statistics and weights of operations that a step did not draw as they
    # were: such a search cannot be continued.
    found = searcher_class(searcher)
    draws = not issubclass(found, Darts) or issubclass(found, Gdas)
    is_paper = settings.supernet == "paper"
    return {
        **({"operations not drawn": "as in the paper's code"} if draws and is_paper else {}),
        "searcher": searcher,
        "space": space.id,
        "data set": data.name,
        "images": data.checksum,
        "epochs": epochs,
        "seed": seed,
        **settings.to_record(),
    }


class _OneShot(NamedTuple):
    """The fields of an epoch's record that the one-shot network gives."""

    architecture: Architecture | None
    loss: float
    error: float
    of: str
    compare_seconds: float | None = None


def check_architecture(
    architecture: Any, space: SearchSpace, *, may_be_absent: bool = False
) -> None:
    """Raise InvalidResult unless a searcher has returned an architecture of the space."""
    if architecture is None and may_be_absent:
        return
    if not isinstance(architecture, Architecture):
        kind = "None" if architecture is None else f"a {type(architecture).__name__}"
        raise InvalidResult(f"the searcher returned {kind}, not an architecture of {space.title}")
    try:
        space.check(architecture)
    except InvalidArchitecture as error:
        raise InvalidResult(f"the searcher returned what is {error}") from None


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
        self.settings = settings
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
        self.trajectory: list[EpochRecord] = []
        # The current epoch: the results of its steps, and how long they took.
        self._steps: list[Tensor] = []
        self._seconds = 0.0
        self.fingerprint = fingerprint(searcher, settings, space, data, epochs, seed)

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.trajectory)

    def run_epoch(self, stop_asked: Callable[[], bool], *, concludes: bool = True) -> EpochRecord:
        """Train for one epoch, measure the one-shot validation error, append the record.

        concludes: after the epochs that the settings name, the last one above all, let the searcher
            decide on a cell; if it compares cells for it, the error measured is the found cell's.
        Raises SearchDiverged, and SearchStopped after a step if `stop_asked()`; the next call then
        continues the epoch.
        """
        started = time.perf_counter() - self._seconds
        learning_rate = cosine_learning_rate(self.settings, self.epoch, self._epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._searcher.begin_epoch(self.epoch, self._epochs)

        for _ in self._train_epoch():
            if stop_asked():
                self._seconds = time.perf_counter() - started
                raise SearchStopped(self.epoch + 1, len(self._steps))

        train_loss, train_error, architecture_loss = (
            torch.stack(self._steps).double().mean(0).tolist()
        )
        one_shot = self._measured()
        for name, loss in (
            ("training loss of the weights", train_loss),
            ("validation loss of the architecture steps", architecture_loss),
            ("one-shot validation loss", one_shot.loss),
        ):
            self._check_finite(name, loss, learning_rate)

        if concludes and self.settings.concludes_after(self.epoch + 1, self._epochs):
            one_shot = self._concluded(one_shot)
            self._check_finite("one-shot validation loss", one_shot.loss, learning_rate)

        record = EpochRecord(
            epoch=self.epoch + 1,
            architecture=one_shot.architecture,
            train_loss=train_loss,
            train_error=train_error,
            valid_loss=one_shot.loss,
            valid_error=one_shot.error,
            learning_rate=learning_rate,
            time=time.perf_counter() - started,
            measured=one_shot.of,
            compare_seconds=one_shot.compare_seconds,
        )

        self.trajectory.append(record)
        self._steps, self._seconds = [], 0.0
        return record

    def step(self, train: Batch, valid: Batch) -> Tensor:
        """One step of the architecture, then one of the weights, on batches before augmentation.

        In the warm-up there is no step of the architecture. A step of the weights adds up the
        gradients of the searcher's encodings, nearly always of one.

        Returns training loss and error, means over these, and the loss of the architecture step (0
        for none), on the device without synchronisation.
        """
        train, valid = self._augmented(train), self._augmented(valid)
        architecture_loss = None
        if not warms_up(self.settings, self.epoch, self._epochs):
            architecture_loss = self._searcher.architecture_step(
                self.supernet, train, valid, self._optimizer
            )

        self._optimizer.zero_grad()
        losses, errors = [], []
        for encoding in self._searcher.weights_encodings():
            logits = self.supernet(train.images, encoding)
            loss = F.cross_entropy(logits, train.labels)
            loss.backward()
            losses.append(loss.detach())
            errors.append(wrong(logits, train.labels) / len(train))
        self._complete_gradients()
        torch.nn.utils.clip_grad_norm_(
            self.supernet.parameters(), self.settings.grad_clip, foreach=True
        )
        self._optimizer.step()

        error = torch.stack(errors).mean()
        if architecture_loss is None:
            architecture_loss = torch.zeros_like(error)
        return torch.stack((torch.stack(losses).mean(), error, architecture_loss))

    def _measured(self) -> _OneShot:
        """The searcher's architecture, and the one-shot loss and error of its encoding."""
        encoding = self._searcher.evaluation_encoding()
        loss, error = self.evaluation.loss_and_error(encoding)
        architecture = self._searcher.architecture()
        check_architecture(architecture, self.space, may_be_absent=True)
        return _OneShot(architecture, loss, error, self._searcher.evaluated)

    def _concluded(self, measured: _OneShot) -> _OneShot:
        """The cell that the search would end with now; if cells are compared, with its own error.

        Before the last epoch the searcher's generator is left as it was, so that later epochs are
        those of a search that does not compare cells in between.
        """
        started = time.perf_counter()
        generator = self._generators["searcher"]
        before = generator.get_state()
        found = self._searcher.conclude(self.evaluation)
        check_architecture(found, self.space)
        if self.epoch + 1 < self._epochs:
            generator.set_state(before)

        if found is None or not self._searcher.compares_cells:
            return measured._replace(architecture=found)
        loss, error = self._searcher.loss_and_error_of(self.evaluation, found)
        return _OneShot(found, loss, error, FOUND, time.perf_counter() - started)

    def _check_finite(self, name: str, loss: float, learning_rate: float) -> None:
        """Raise SearchDiverged for a loss that is not finite."""
        if not math.isfinite(loss):
            cause = f"the {name} is {loss} at a learning rate of {learning_rate:g}"
            raise SearchDiverged(self.epoch + 1, cause)

    def _complete_gradients(self) -> None:
        """In the preset paper, give weights that the step did not use a gradient of zero.

        Weight decay and momentum then move them too, as in the authors' code; without a gradient
        torch leaves them alone.
        """
        if self.settings.supernet == "paper":
            for weight in self.supernet.parameters():
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)

    def _train_epoch(self) -> Iterator[None]:
        """Run the remaining steps of the epoch, one at a time."""
        # The search's own generator advances only at the end of an epoch, so that an epoch can be
        # resumed at any step: its order is drawn again.
        order = torch.Generator()
        order.set_state(self._generators["order"].get_state())
        batches = paired_batches(self._train, self._valid, self.settings.batch_size, order)
        for train, valid in itertools.islice(batches, len(self._steps), None):
            self._steps.append(self.step(train, valid))
            yield
        self._generators["order"].set_state(order.get_state())

    def _augmented(self, batch: Batch) -> Batch:
        images = self._augment(batch.images, self.epoch, self._generators["images"])
        return Batch(images, batch.labels)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` continues exactly."""
        return {
            "fingerprint": self.fingerprint,
            "weights": self.supernet.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "searcher": self._searcher.state_dict(),
            "generators": {name: g.get_state() for name, g in self._generators.items()},
            "trajectory": [record.to_dict(self.space) for record in self.trajectory],
            "epoch under way": {"steps": list(self._steps), "seconds": self._seconds},
        }

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
        self._steps = [step.to(device) for step in under_way["steps"]]
        self._seconds = under_way["seconds"]
