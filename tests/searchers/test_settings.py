import dataclasses

import numpy as np
import pytest
from support.tiny_searches import TINY, search

from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError


def test_defaults_are_the_papers():
    settings = SearchSettings()
    assert (settings.channels, settings.stacks, settings.cells_per_stack) == (16, 3, 3)
    assert (settings.batch_size, settings.grad_clip, settings.momentum) == (96, 5.0, 0.9)
    assert (settings.learning_rate, settings.learning_rate_min) == (0.025, 0.001)
    assert (settings.arch_learning_rate, settings.arch_weight_decay) == (3e-4, 1e-3)
    assert (settings.weight_decay, settings.cutout_prob, settings.cutout_length) == (3e-4, 0, 16)


def test_with_config_lays_a_configuration_over_the_settings():
    fixed = SearchSettings(channels=8)
    settings = fixed.with_config({"batch_size": np.int64(32), "learning_rate": np.float64(0.5)})
    assert settings == dataclasses.replace(fixed, batch_size=32, learning_rate=0.5)
    assert type(settings.batch_size) is int
    assert type(settings.learning_rate) is float


def test_an_integer_from_a_configuration_space_becomes_a_float_where_one_is_meant():
    settings = SearchSettings().with_config({"grad_clip": 7})
    assert settings.grad_clip == 7.0
    assert type(settings.grad_clip) is float


def test_unknown_name_in_a_configuration_suggests_the_nearest():
    with pytest.raises(SettingsError, match=r"'learning_rat': did you mean learning_rate\?"):
        SearchSettings().with_config({"learning_rat": 0.1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channels", 0),
        ("batch_size", 2.5),
        ("stacks", True),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("grad_clip", float("inf")),
        ("arch_learning_rate", "0.1"),
        ("weight_decay", -1e-9),
        ("momentum", 1.0),
        ("cutout_prob", 1.01),
        ("crop_and_flip", "yes"),
        ("image_size", 0),
        ("image_size", 8.5),
        ("train_share", 0.0),
        ("train_share", 1.01),
    ],
)
def test_bad_values_are_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        SearchSettings(**{name: value})


def test_a_batch_of_one_value_a_channel_is_refused(digits):
    """Batch normalisation would have nothing to normalise by; one more value is enough."""
    single = dataclasses.replace(TINY, batch_size=1, stacks=4)
    with pytest.raises(SettingsError, match="batch_size must be 2 at least"):
        search(digits, settings=single, epochs=1)
    few = digits.supernet_train.between(0, 4), digits.supernet_valid.between(0, 4)
    small = dataclasses.replace(digits, supernet_train=few[0], supernet_valid=few[1])
    for settings in (
        dataclasses.replace(single, batch_size=2),
        dataclasses.replace(single, stacks=3),
        dataclasses.replace(single, supernet="paper"),
    ):
        assert len(search(small, settings=settings, epochs=1).trajectory) == 1


def test_images_are_made_smaller_only_and_not_to_nothing(digits):
    for size, words in (
        (9, "image_size must be 8 at most, the height of the images, not 9"),
        (1, "halve an image 1 times, too often for 1 x 1 pixels"),
    ):
        with pytest.raises(SettingsError, match=words):
            search(digits, settings=dataclasses.replace(TINY, image_size=size), epochs=1)


def test_a_setting_that_a_record_lacks_has_the_value_from_before_it_existed():
    proxyless = settings_class("proxylessnas")
    assert proxyless().warmup_share > 0
    assert proxyless(**proxyless.with_absent({"channels": 8})).warmup_share == 0
    assert proxyless.with_absent({"warmup_share": 0.5})["warmup_share"] == 0.5
    assert "warmup_share" not in settings_class("pc_darts").absent_values()  # it always had one


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_record_leaves_out_what_its_absence_says(name):
    kind = settings_class(name)
    for settings in (kind(), kind(**kind.absent_values()), kind(train_share=0.5)):
        record = settings.to_record()
        assert kind(**kind.with_absent(record)) == settings
    assert not kind(**kind.absent_values()).to_record().keys() & kind.absent_values().keys()


def test_a_search_that_returns_to_an_earlier_epoch_selects_by_weights():
    with pytest.raises(SettingsError, match="selection must be weights: eigenvalue as early_stop"):
        SearchSettings(early_stop="eigenvalue", selection="one_shot")
    assert SearchSettings(early_stop="operations", selection="one_shot").selection == "one_shot"
