import numpy as np
import pytest

from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.data.reduced import area_averages, reduced


def stream(seed=0):
    return np.random.SeedSequence(seed)


def test_whole_images_are_those_of_the_data_set():
    data = random_images(20, 3, 8)
    for size in (None, 8):
        same = reduced(data, size, 1.0, stream())
        assert same.train is data.supernet_train and same.valid is data.supernet_valid


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


def test_both_parts_have_the_new_size_and_keep_their_labels():
    data = random_images(20, 3, 32)
    small = reduced(data, 16, 1.0, stream())
    for part, whole in zip(small[:2], (data.supernet_train, data.supernet_valid), strict=True):
        assert part.images.shape == (20, 3, 16, 16) and part.images.dtype == np.float32
        np.testing.assert_array_equal(part.labels, whole.labels)
        np.testing.assert_array_equal(part.images, area_averages(whole.images, 16))
    assert (data.shift, small.shift) == (4, 2)  # photos stay photos


@pytest.mark.parametrize(("channels", "size"), [(3, None), (3, 32), (3, 16), (1, None), (1, 16)])
def test_photos_are_shifted_by_an_eighth_and_others_not(channels, size):
    found = reduced(random_images(4, channels, 32), size, 1.0, stream()).shift
    assert found == (None if channels == 1 else (size or 32) // 8)


def test_a_share_is_drawn_by_the_stream_in_the_old_order():
    data = random_images(40, 1, 4)
    first, again, other = (reduced(data, None, 0.3, stream(seed)) for seed in (0, 0, 1))
    assert len(first.train) == len(first.valid) == 12
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert not np.array_equal(first.train.images, other.train.images)
    whole = {image.tobytes(): place for place, image in enumerate(data.supernet_train.images)}
    places = [whole[image.tobytes()] for image in first.train.images]
    assert places == sorted(set(places))
    labels = data.supernet_train.labels[places]
    np.testing.assert_array_equal(first.train.labels, labels)
    assert len(reduced(data, None, 1e-9, stream()).train) == 1
