import pytest
import torch

from oneshot_hpo.searchers.data.augment import (
    Augmentation,
    cutout,
    cutout_probability,
    random_crop_and_flip,
)
from oneshot_hpo.searchers.settings import SearchSettings


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_normalisation_uses_the_statistics_of_the_training_images():
    images = (
        torch.rand(64, 3, 8, 8, generator=generator())
        * torch.tensor([0.2, 0.5, 1.0])[:, None, None]
    )
    normalised = Augmentation(images, SearchSettings(), 10).normalise(images)
    assert torch.allclose(normalised.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(normalised.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5)


def test_a_constant_channel_stays_finite():
    images = torch.full((4, 1, 8, 8), 0.3)
    assert Augmentation(images, SearchSettings(), 1).normalise(images).isfinite().all()


def test_cutout_probability_rises_linearly_to_its_value():
    assert [cutout_probability(0.6, epoch, 4) for epoch in range(4)] == pytest.approx(
        [0, 0.2, 0.4, 0.6]
    )
    assert cutout_probability(0.6, 0, 1) == 0.6


@pytest.mark.parametrize("length", [1, 2, 3, 5, 20])
def test_cutout_is_a_square_around_a_pixel(length):
    size = 9
    images = torch.ones(500, 2, size, size)
    erased = cutout(images, 1.0, length, generator()) == 0
    assert torch.equal(erased[:, 0], erased[:, 1])
    rows, columns = erased[:, 0].any(2), erased[:, 0].any(1)
    assert torch.equal(erased[:, 0], rows[:, :, None] & columns[:, None, :])
    extents = rows.sum(1)
    assert int(extents.max()) == min(length, size)
    assert int(extents.min()) >= min((length + 1) // 2, size)
    assert len(erased[:, 0].unique(dim=0)) > 1 or length >= 2 * size


def test_cutout_spares_its_share_of_the_images():
    images = torch.ones(4000, 1, 8, 8)
    cut = (cutout(images, 0.3, 4, generator()) == 0).flatten(1).any(1)
    assert 0.27 < cut.float().mean() < 0.33


def test_augmentation_cuts_more_images_as_the_epochs_pass():
    images = torch.rand(2000, 1, 8, 8, generator=generator()) * 0.9 + 0.05
    augment = Augmentation(images, SearchSettings(cutout_prob=0.8, cutout_length=3), 5)

    def share(epoch: int) -> float:
        batch = augment(images, epoch, generator(1))
        return float((batch == 0).flatten(1).any(1).float().mean())

    assert [share(epoch) for epoch in range(5)] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=0.04)


def test_every_cropped_image_is_a_shift_or_mirrored_shift_of_its_own():
    images = torch.rand(60, 3, 8, 8, generator=generator())
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    cropped = random_crop_and_flip(images, generator(3))
    assert cropped.shape == images.shape
    seen = set()
    for image, source in zip(cropped, padded, strict=True):
        matches = {
            (top, left, mirrored)
            for top in range(9)
            for left in range(9)
            for mirrored in (False, True)
            if torch.equal(
                image.flip(2) if mirrored else image, source[:, top : top + 8, left : left + 8]
            )
        }
        assert matches
        seen |= matches
    assert len(seen) > 40


@pytest.mark.parametrize(
    ("shape", "setting", "expected"),
    [
        ((8, 3, 32, 32), None, True),
        ((8, 3, 32, 32), False, False),
        ((8, 1, 8, 8), None, False),
        ((8, 1, 8, 8), True, True),
    ],
)
def test_only_colour_photos_are_cropped_and_mirrored_unless_asked(shape, setting, expected):
    images = torch.rand(shape, generator=generator())
    augment = Augmentation(images, SearchSettings(crop_and_flip=setting), 2)
    changed = not torch.equal(augment(images, 0, generator(2)), augment.normalise(images))
    assert changed == expected


def test_the_generator_decides():
    images = torch.rand(32, 3, 32, 32, generator=generator())
    augment = Augmentation(images, SearchSettings(cutout_prob=1.0), 1)
    first, again, other = (augment(images, 0, generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
