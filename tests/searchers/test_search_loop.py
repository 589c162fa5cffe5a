import dataclasses

import pytest
import torch
from support.tiny_searches import TINY, search

from oneshot_hpo.contracts.states import equal_states, state_of
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import SearchDiverged, SearchSettings, run_search
from oneshot_hpo.searchers.checkpoint import CheckpointMismatch, check_fingerprint, load_checkpoint
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.fingerprint import fingerprint
from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.search_loop import Search


@pytest.mark.slow
def test_a_search_improves_its_supernet(digits):
    settings = SearchSettings(
        channels=4,
        stacks=3,
        cells_per_stack=1,
        batch_size=50,
        learning_rate=0.1,
        arch_learning_rate=1e-2,
    )
    result = search(digits, settings=settings, epochs=5)
    errors = [record.valid_error for record in result.trajectory]
    assert errors[-1] < 0.5 < errors[0]
    assert [record.epoch for record in result.trajectory] == [1, 2, 3, 4, 5]
    assert result.architecture == result.trajectory[-1].architecture


@pytest.mark.parametrize("space", [1, 2, 3])
def test_every_epoch_has_an_architecture_of_the_space(few_digits, space):
    result = search(few_digits, space=space)
    for record in result.trajectory:
        get_space(space).configuration(record.architecture)
        assert 0 <= record.train_error <= 1
        assert 0 <= record.valid_error <= 1
        assert record.time > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight_decay", 1e-2),
        ("cutout_prob", 1.0),
        ("learning_rate", 0.1),
        ("learning_rate_min", 0.01),
        ("arch_learning_rate", 0.1),
        ("arch_weight_decay", 1e-1),
        ("momentum", 0.5),
        ("cutout_length", 6),
        ("batch_size", 24),
        ("grad_clip", 0.05),
        ("channels", 3),
        ("stacks", 3),
        ("cells_per_stack", 2),
        ("crop_and_flip", True),
        ("supernet", "paper"),
        ("image_size", 4),
        ("train_share", 0.7),
    ],
)
def test_every_setting_reaches_the_search(few_digits, name, value):
    changed = TINY.with_config({name: value})
    assert search(few_digits).trajectory != search(few_digits, settings=changed).trajectory


@pytest.mark.slow
def test_a_setting_changes_only_what_it_should(few_digits):
    uncut = TINY.with_config({"cutout_prob": 0.0})
    longer = uncut.with_config({"cutout_length": 8})
    assert search(few_digits, settings=uncut) == search(few_digits, settings=longer)
    unclipped = TINY.with_config({"grad_clip": 1e6})
    looser = TINY.with_config({"grad_clip": 1e7})
    assert search(few_digits, settings=unclipped) == search(few_digits, settings=looser)


def test_settings_reach_the_optimizers(few_digits, tmp_path):
    settings = TINY.with_config(
        {"learning_rate": 0.2, "momentum": 0.3, "weight_decay": 0.04, "arch_weight_decay": 0.05}
    )
    result = search(few_digits, settings=settings, folder=tmp_path)
    state = load_checkpoint(tmp_path)
    (weights,), (alphas,) = (
        optimizer["param_groups"]
        for optimizer in (state["optimizer"], state["searcher"]["optimizer"])
    )
    assert (weights["momentum"], weights["weight_decay"]) == (0.3, 0.04)
    assert weights["lr"] == result.trajectory[-1].learning_rate
    assert (alphas["lr"], alphas["weight_decay"], alphas["betas"]) == (1e-2, 0.05, (0.5, 0.999))
    assert [record.learning_rate for record in result.trajectory] == pytest.approx(
        [0.2, 0.001 + 0.199 * 0.75, 0.001 + 0.199 * 0.25]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in SEARCHERS if "warmup_share" not in settings_class(name).unused]
)
def test_what_is_learnt_of_the_architecture_is_frozen_in_the_warm_up_only(
    few_digits, tmp_path, name
):
    settings = settings_class(name)(**(vars(TINY) | {"warmup_share": 0.5, "channels": 4}))
    states = []
    run_search(
        searcher=name,
        settings=settings,
        space=get_space(1),
        data=few_digits,
        epochs=4,
        seed=0,
        folder=tmp_path,
        on_epoch=lambda record: states.append(state_of(tmp_path)),
    )
    first, second, third, _ = (state["searcher"] for state in states)
    assert equal_states(first, second)
    assert not equal_states(second, third)
    assert not equal_states(states[0]["weights"], states[1]["weights"])


def test_divergence_names_epoch_and_cause(few_digits, tmp_path):
    settings = TINY.with_config({"learning_rate": 1e6, "grad_clip": 1e9})
    with pytest.raises(SearchDiverged, match=r"epoch \d.*loss.*(nan|inf)") as caught:
        search(few_digits, settings=settings, epochs=30, folder=tmp_path)
    records = (
        (tmp_path / "metrics.jsonl").read_text().splitlines() if caught.value.epoch > 1 else []
    )
    assert len(records) == caught.value.epoch - 1
    assert not (tmp_path / "architecture.json").exists()


@pytest.mark.parametrize("name", ["gdas", "random_ws"])
def test_weight_decay_moves_what_a_step_of_the_paper_did_not_draw(few_digits, name):
    """As in the authors' code, every weight has a gradient, if only of zero."""
    settings = settings_class(name)(channels=4, stacks=1, cells_per_stack=1, supernet="paper")
    run = Search(name, settings, get_space(1), few_digits, 1, 0, torch.device("cpu"))
    batch = Batch.of(few_digits.supernet_train, torch.device("cpu")).first(16)
    for _ in range(10):
        before = [weight.detach().clone() for weight in run.supernet.parameters()]
        run.step(batch, batch)
        for old, new in zip(before, run.supernet.parameters(), strict=True):
            assert not torch.equal(old, new)


def test_a_search_that_treated_what_it_did_not_draw_otherwise_is_not_continued(
    few_digits, tmp_path
):
    """Earlier versions left its statistics and weights as they were, in the preset paper too."""

    def found(searcher, **changed):
        settings = settings_class(searcher)(channels=4, stacks=1, **changed)
        return fingerprint(searcher, settings, get_space(1), few_digits, 3, 0)

    key = "operations not drawn"
    assert key not in found("random_ws")
    assert key not in found("darts", supernet="paper")
    assert key in found("gdas", supernet="paper")
    now = found("random_ws", supernet="paper")
    before = {name: value for name, value in now.items() if name != key}
    with pytest.raises(CheckpointMismatch, match="with operations not drawn = None, not"):
        check_fingerprint(tmp_path, before, now, {})


def test_a_share_of_the_images_makes_as_many_fewer_steps(few_digits, tmp_path):
    settings = dataclasses.replace(TINY, train_share=0.35)
    stops = []

    def stop_asked():
        stops.append(1)
        return False

    search(few_digits, settings=settings, epochs=1, stop_asked=stop_asked)
    assert len(stops) == 1  # 17 of 48 images, a batch of 16


def test_small_photos_stay_photos():
    """A search on averaged images shifts and mirrors them, by fewer pixels."""
    data = random_images(48, 3, 32)
    small, plain = (
        dataclasses.replace(TINY, image_size=8, crop_and_flip=flip, cutout_prob=0.0)
        for flip in (None, False)
    )
    assert search(data, settings=small, epochs=1) != search(data, settings=plain, epochs=1)
