"""The search: what every one-shot optimizer shares, from the first epoch to the architecture."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces import SearchSpace
from searchers import checkpoint
from searchers.augment import Augmentation
from searchers.batches import Batch, paired_batches
from searchers.images import Images, ImageSplits
from searchers.records import EpochRecord, SearchDiverged, SearchResult
from searchers.registry import searcher_class
from searchers.settings import SearchSettings
from searchers.supernet import Supernet

_logger = logging.getLogger(__name__)

# Of the one-shot validation; not the search's batch size, so that errors of searches compare:
# batch normalisation uses the statistics of the batch.
_EVALUATION_BATCH = 256


def run_search(
    *,
    searcher: str,
    settings: SearchSettings,
    space: SearchSpace,
    data: ImageSplits,
    epochs: int,
    seed: int,
    folder: Path | None = None,
    device: str = "cpu",
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> SearchResult:
    """Search one cell, alternating steps of the architecture and of the supernet's weights.

    folder: where checkpoint.pt, metrics.jsonl (an EpochRecord a line) and, at the end,
        architecture.json are written; made when missing. A checkpoint in it is continued and ends
        with the numbers of an uninterrupted search, bit for bit on the same machine, torch
        version and number of threads; a finished search gives its result at once. A damaged
        checkpoint is reported by the logger and the search starts anew. The checkpoint stays.
    on_epoch: called after each epoch that is run here, when its checkpoint is on disk.

    Raises ValueError for arguments that cannot be used (UnknownSearcher, CheckpointMismatch, ...)
    and SearchDiverged when a loss is not finite.
    """
    if epochs < 1 or seed < 0:
        raise ValueError(f"a search needs epochs >= 1 and a seed >= 0, not {epochs} and {seed}")
    search = _Search(searcher, settings, space, data, epochs, seed, _usable_device(device))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.remove_stale_temporaries(folder)
        _continue_from(folder, search)

    while search.epoch < epochs:
        record = search.run_epoch()
        if folder is not None:
            checkpoint.save_checkpoint(folder, search.state_dict())
            checkpoint.write_metrics(folder, [row.to_dict() for row in search.trajectory])
        if on_epoch is not None:
            on_epoch(record)

    result = SearchResult(search.trajectory[-1].architecture, tuple(search.trajectory))
    if folder is not None:
        checkpoint.write_metrics(folder, [row.to_dict() for row in search.trajectory])
        checkpoint.write_architecture(folder, result.architecture.to_dict())
    return result


def cosine_learning_rate(settings: SearchSettings, epoch: int, epochs: int) -> float:
    """SGD step in epoch 0 .. epochs - 1: half a cosine from learning_rate to learning_rate_min.

    It would reach the minimum in epoch `epochs` (Loshchilov and Hutter, 2017, equation 5).
    """
    lowest = min(settings.learning_rate_min, settings.learning_rate)
    share = (1 + math.cos(math.pi * epoch / epochs)) / 2
    return lowest + (settings.learning_rate - lowest) * share


class _Search:
    """All that changes during a search, and how one epoch changes it."""

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
        self._train = Batch.of(data.supernet_train, device)
        self._valid = Batch.of(data.supernet_valid, device)
        self._augment = Augmentation(self._train.images, settings, epochs)
        settings.check_image_size(data.image_size)

        # Independent streams: what one part draws does not depend on what another one does.
        seeds = [
            int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
            for sequence in np.random.SeedSequence(seed).spawn(4)
        ]
        initial, order, own = (torch.Generator().manual_seed(value) for value in seeds[:3])
        images = torch.Generator(device).manual_seed(seeds[3])
        self._generators = {"order": order, "searcher": own, "images": images}

        self._supernet = Supernet(
            space.num_blocks, data.channels, data.classes, settings, initial
        ).to(device)
        self._searcher = searcher_class(searcher)(space, settings, device, own)
        self._optimizer = torch.optim.SGD(
            self._supernet.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        self.trajectory: list[EpochRecord] = []
        self.fingerprint: dict[str, Any] = {
            "searcher": searcher,
            "space": space.number,
            "data set": data.name,
            "images": _digest(data.supernet_train, data.supernet_valid),
            "epochs": epochs,
            "seed": seed,
            **asdict(settings),
        }

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.trajectory)

    def run_epoch(self) -> EpochRecord:
        """Train for one epoch, measure the one-shot validation error, append the record.

        Raises SearchDiverged.
        """
        started = time.perf_counter()
        learning_rate = cosine_learning_rate(self._settings, self.epoch, self._epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        train_loss, train_error, architecture_loss = self._train_epoch()
        valid_loss, valid_error = self._evaluate()
        for name, loss in (
            ("training loss of the weights", train_loss),
            ("validation loss of the architecture steps", architecture_loss),
            ("one-shot validation loss", valid_loss),
        ):
            if not math.isfinite(loss):
                cause = f"the {name} is {loss} at a learning rate of {learning_rate:g}"
                raise SearchDiverged(self.epoch + 1, cause)
        record = EpochRecord(
            epoch=self.epoch + 1,
            architecture=self._searcher.architecture(),
            train_loss=train_loss,
            train_error=train_error,
            valid_loss=valid_loss,
            valid_error=valid_error,
            learning_rate=learning_rate,
            time=time.perf_counter() - started,
        )
        self.trajectory.append(record)
        return record

    def _train_epoch(self) -> list[float]:
        """Means over the steps: training loss, training error, loss of the architecture steps."""
        weights = list(self._supernet.parameters())
        totals = []  # on the device: nothing waits for it within an epoch
        for train, valid in paired_batches(
            self._train, self._valid, self._settings.batch_size, self._generators["order"]
        ):
            train, valid = self._augmented(train), self._augmented(valid)
            architecture_loss = self._searcher.architecture_step(self._supernet, train, valid)

            logits = self._supernet(train.images, self._searcher.weights_encoding())
            loss = F.cross_entropy(logits, train.labels)
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, self._settings.grad_clip, foreach=True)
            self._optimizer.step()
            error = _error(logits, train.labels) / len(train)
            totals.append(torch.stack((loss.detach(), error, architecture_loss)))
        means: list[float] = torch.stack(totals).double().mean(0).tolist()
        return means

    @torch.no_grad()
    def _evaluate(self) -> list[float]:
        """One-shot loss and error over supernet_valid, in the same batches every time."""
        encoding = self._searcher.evaluation_encoding()
        parts = -(-len(self._valid) // _EVALUATION_BATCH)
        totals = []
        for rows in torch.arange(len(self._valid), device=self._valid.labels.device).chunk(parts):
            batch = self._valid.rows(rows)
            logits = self._supernet(self._augment.normalise(batch.images), encoding)
            loss = F.cross_entropy(logits, batch.labels, reduction="sum")
            totals.append(torch.stack((loss, _error(logits, batch.labels))))
        sums: Tensor = torch.stack(totals).double().sum(0) / len(self._valid)
        means: list[float] = sums.tolist()
        return means

    def _augmented(self, batch: Batch) -> Batch:
        images = self._augment(batch.images, self.epoch, self._generators["images"])
        return Batch(images, batch.labels)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` continues exactly."""
        return {
            "fingerprint": self.fingerprint,
            "weights": self._supernet.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "searcher": self._searcher.state_dict(),
            "generators": {name: g.get_state() for name, g in self._generators.items()},
            "trajectory": [record.to_dict() for record in self.trajectory],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a search with the same fingerprint."""
        self._supernet.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._searcher.load_state_dict(state["searcher"])
        for name, generator in self._generators.items():
            generator.set_state(state["generators"][name])
        self.trajectory = [EpochRecord.from_dict(row) for row in state["trajectory"]]


def _usable_device(name: str) -> torch.device:
    """The device of this name; raises ValueError when this machine or this torch lacks it."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used here: {reason}") from None


def _continue_from(folder: Path, search: _Search) -> None:
    """Take up the folder's checkpoint, when it has a whole one; raises CheckpointMismatch."""
    try:
        state = checkpoint.load_checkpoint(folder)
    except checkpoint.DamagedCheckpoint as damage:
        _logger.warning("%s; the search starts anew", damage)
        return
    if state is not None:
        checkpoint.check_fingerprint(folder, state["fingerprint"], search.fingerprint)
        search.load_state_dict(state)


def _error(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of wrong predictions, a scalar of the logits' type."""
    return (logits.argmax(1) != labels).sum().to(logits.dtype)


def _digest(*parts: Images) -> str:
    """SHA-256 of images and labels, their shapes and types."""
    digest = hashlib.sha256()
    for part in parts:
        for array in (part.images, part.labels):
            digest.update(str((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
