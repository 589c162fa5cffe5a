"""Images as a supernet sees them: normalised, cropped, mirrored, cut out, a batch at a time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.searchers.data.images import photo_shift
from oneshot_hpo.searchers.settings import SearchSettings

_SHIFT = 4  # pixels, as usual for CIFAR-10


class Augmentation:
    """Normalisation and random transforms of batches (N, C, H, H), all on the batch's device.

    Mean and standard deviation per channel are those of `train_images`, the images on which
    the weights are trained.

    shift: pixels that crops may shift these images by; None: as `photo_shift` says of their shape.
    """

    def __init__(
        self,
        train_images: Tensor,
        settings: SearchSettings,
        epochs: int,
        shift: int | None = None,
    ) -> None:
        deviation, mean = torch.std_mean(train_images, (0, 2, 3), correction=0, keepdim=True)
        self._scale = 1 / deviation.clamp_min(1e-6)  # a channel may be constant
        self._shift = -mean * self._scale
        self._settings = settings
        self._epochs = epochs
        if shift is None:
            shift = photo_shift((train_images.shape[1], train_images.shape[2]))
        wanted = settings.crop_and_flip
        self._crop_and_flip = shift is not None if wanted is None else wanted
        self._shift_pixels = _SHIFT if shift is None else shift

    def normalise(self, images: Tensor) -> Tensor:
        """Pixels in [0, 1] to mean 0 and variance 1 per channel."""
        return torch.addcmul(self._shift, images, self._scale)

    def __call__(self, images: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
        """Augment and normalise a batch of epoch 0 .. epochs - 1.

        Both steps, of the weights and of the architecture, take such batches, as in the paper;
        errors are measured on images that are normalised only.
        """
        if self._crop_and_flip:
            images = random_crop_and_flip(images, generator, self._shift_pixels)
        images = self.normalise(images)
        probability = cutout_probability(self._settings.cutout_prob, epoch, self._epochs)
        if probability > 0:
            images = cutout(images, probability, self._settings.cutout_length, generator)
        return images


def cutout_probability(final: float, epoch: int, epochs: int) -> float:
    """Rise linearly from 0 in epoch 0 to `final` in epoch `epochs` - 1, the last."""
    return final * epoch / (epochs - 1) if epochs > 1 else final


def random_crop_and_flip(images: Tensor, generator: torch.Generator, shift: int = _SHIFT) -> Tensor:
    """Shift each image by a few pixels at most, with black borders, and mirror half of them."""
    count, _, height, width = images.shape
    device = images.device
    padded = F.pad(images, (shift,) * 4)
    shifts = 2 * shift + 1
    top, left = torch.randint(shifts, (2, count, 1), generator=generator, device=device)
    mirrored = torch.randint(2, (count, 1), generator=generator, device=device).bool()
    across = torch.arange(width, device=device)
    rows = top + torch.arange(height, device=device)
    columns = left + torch.where(mirrored, width - 1 - across, across)
    image = torch.arange(count, device=device)[:, None, None]
    # The index in front of the slice puts the channels last.
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cutout(images: Tensor, probability: float, length: int, generator: torch.Generator) -> Tensor:
    """Put 0 into a square of `length` pixels in a share of the images (DeVries and Taylor, 2017).

    Its centre is any pixel, so that it may reach over the edge. Images are normalised before, so
    0 is the mean.
    """
    count, _, height, width = images.shape
    device = images.device

    def covered(size: int) -> Tensor:
        centre = torch.randint(size, (count, 1), generator=generator, device=device)
        offset = torch.arange(size, device=device) - (centre - length // 2)
        return (offset >= 0) & (offset < length)

    chosen = torch.rand((count, 1, 1), generator=generator, device=device) < probability
    square = covered(height)[:, :, None] & covered(width)[:, None, :] & chosen
    return images.masked_fill(square[:, None], 0.0)
