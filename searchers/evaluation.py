"""The one-shot errors of architectures under a trained supernet."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.fine_tuning import FineTuning
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork

# Fixed, so that errors of searches with different batch sizes are comparable: batch normalisation
# uses the statistics of the batch.
_BATCH = 256


class OneShotEvaluation:
    """Errors of a supernet on the validation images, in the same batches every time.

    train and valid: supernet_train and supernet_valid. normalise: applied to the images.
    """

    def __init__(
        self,
        supernet: OneShotNetwork,
        train: Batch,
        valid: Batch,
        normalise: Callable[[Tensor], Tensor],
    ) -> None:
        self._supernet = supernet
        self._train, self._valid = train, valid
        self._normalise = normalise

    @torch.no_grad()
    def loss_and_error(self, encoding: Encoding, *, recalibration_images: int = 0) -> list[float]:
        """Cross-entropy and share of wrong labels over all validation images.

        recalibration_images: as in `errors`.
        """
        supernet, calibration = self._calibrated(recalibration_images)
        if calibration is not None:
            supernet(calibration, encoding)  # in training mode
        sums: list[float] = self._sums(supernet, encoding, self._valid).tolist()
        return [total / len(self._valid) for total in sums]

    def errors(
        self,
        architectures: Sequence[Architecture],
        *,
        images: int | None = None,
        recalibration_images: int = 0,
        fine_tuning: FineTuning | None = None,
    ) -> list[float]:
        """Share of wrong labels under each architecture.

        images: number of validation images to use, from the first; None: all.
        recalibration_images: number of training images from which each architecture takes its
            batch-norm statistics; 0: it is evaluated like the supernet.
        fine_tuning: trains each architecture first, on a copy of the supernet.
        """
        if fine_tuning is not None and fine_tuning.batches:
            found = []
            for one in architectures:
                own = self._tuned(one, fine_tuning)
                found += own.errors([one], images=images, recalibration_images=recalibration_images)
            return found

        valid = self._valid.first(images)
        supernet, calibration = self._calibrated(recalibration_images)
        supernet.eval()
        totals = supernet.wrong_labels(architectures, self._batches(valid), calibration)
        supernet.train()
        errors: list[float] = (totals / len(valid)).tolist()
        return errors

    def _tuned(self, architecture: Architecture, tuning: FineTuning) -> OneShotEvaluation:
        """An evaluation with weights on which an architecture was trained."""
        supernet = copy.deepcopy(self._supernet)
        tuning.train(supernet, Encoding.discrete(architecture), self._train, self._normalise)
        return OneShotEvaluation(supernet, self._train, self._valid, self._normalise)

    def _calibrated(self, images: int) -> tuple[OneShotNetwork, Tensor | None]:
        """The supernet that evaluates, and the normalised images that calibrate it, if any."""
        if not images:
            return self._supernet, None
        supernet = copy.deepcopy(self._supernet)  # the search's own one keeps its statistics
        supernet.keep_statistics(momentum=1.0)
        return supernet, self._normalise(self._train.first(images).images)

    def _batches(self, images: Batch) -> list[Batch]:
        """Images in batches of equal size, normalised."""
        rows = torch.arange(len(images), device=images.labels.device)
        batches = [images.rows(part) for part in rows.chunk(-(-len(images) // _BATCH))]
        return [Batch(self._normalise(batch.images), batch.labels) for batch in batches]

    def _sums(self, supernet: OneShotNetwork, encoding: Encoding, images: Batch) -> Tensor:
        """Sums of losses and of wrong labels, float64 (2,), without waiting for the device."""
        supernet.eval()
        totals = []
        for batch in self._batches(images):
            logits = supernet(batch.images, encoding)
            loss = F.cross_entropy(logits, batch.labels, reduction="sum")
            totals.append(torch.stack((loss, wrong(logits, batch.labels))))
        supernet.train()
        return torch.stack(totals).double().sum(0)


def wrong(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of wrong predictions, a scalar of the logits' type."""
    return (logits.argmax(1) != labels).sum().to(logits.dtype)
