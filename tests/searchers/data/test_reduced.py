import numpy as np
import pytest

from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.data.reduced import area_averages, reduced


def stream(seed=0):
    return np.random.SeedSequence(seed)


def test_whole_images_are_the_data_set_itself():
    data = random_images(20, 3, 8)
    assert reduced(data, None, 1.0, stream()) is data
    assert reduced(data, 8, 1.0, stream()) is data


def test_halves_are_means_of_squares():
    images = np.random.default_rng(0).random((5, 3, 8, 8), np.float32)
    means = images.reshape(5, 3, 4, 2, 4, 2).mean((3, 5))
    np.testing.assert_allclose(area_averages(images, 4), means, rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8])
def test_area_averages_are_those_of_an_enlarged_image(size):
    """Each pixel as size x size equal ones, of which whole ones are covered."""
    images = np.random.default_rng(0).random((2, 1, 8, 8))
    large = images.repeat(size, 2).repeat(size, 3)
    means = large.reshape(2, 1, size, 8, size, 8).mean((3, 5))
    np.testing.assert_allclose(area_averages(images, size), means)


def test_every_part_has_the_new_size_and_keeps_its_labels():
    data = random_images(20, 3, 32)
    small = reduced(data, 16, 1.0, stream())
    assert small.image_size == 16 and small.test.images.shape == (20, 3, 16, 16)
    for name in ("supernet_train", "supernet_valid", "scratch_train", "valid", "test"):
        np.testing.assert_array_equal(getattr(small, name).labels, getattr(data, name).labels)
        assert getattr(small, name).images.dtype == np.float32
    assert (data.shift, small.shift) == (4, 2)  # photos stay photos


def test_a_share_is_drawn_by_the_stream_in_the_old_order():
    data = random_images(40, 1, 4)
    first, again, other = (reduced(data, None, 0.3, stream(seed)) for seed in (0, 0, 1))
    assert len(first.supernet_train) == len(first.supernet_valid) == 12
    assert len(first.test) == len(first.valid) == 40
    assert first.checksum == again.checksum != other.checksum
    whole = {image.tobytes(): place for place, image in enumerate(data.supernet_train.images)}
    places = [whole[image.tobytes()] for image in first.supernet_train.images]
    assert places == sorted(set(places))
    labels = data.supernet_train.labels[places]
    np.testing.assert_array_equal(first.supernet_train.labels, labels)
    assert len(reduced(data, None, 1e-9, stream()).supernet_train) == 1
