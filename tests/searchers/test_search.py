import dataclasses
import itertools
import json
import logging
import multiprocessing
import random
import signal
import weakref

import pytest
import torch
import torch.utils.deterministic
from support.tiny_searches import TINY, killed_at, search

from oneshot_hpo.contracts.states import equal_states, state_of
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import (
    EpochRecord,
    SettingsError,
    UnknownSearcher,
    run_search,
)
from oneshot_hpo.searchers.checkpoint import (
    CheckpointMismatch,
    load_checkpoint,
    save_checkpoint,
)
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.records import OutOfDeviceMemory, SearchStopped
from oneshot_hpo.searchers.search import kernels


@pytest.mark.slow
def test_running_out_of_device_memory_is_reported_and_frees_it(few_digits, monkeypatch):
    """A GPU's failure, raised where it would be; nothing of the search outlives it."""
    supernets = []

    def full(supernet, *_):
        supernets.append(weakref.ref(supernet))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nDetails")

    whole = search(few_digits)
    with monkeypatch.context() as patched:
        patched.setattr(Supernet, "forward", full)
        with pytest.raises(OutOfDeviceMemory, match="batch_size") as caught:
            search(few_digits)
    assert "\n" not in str(caught.value)
    assert supernets[0]() is None
    assert search(few_digits) == whole


def test_settings_are_those_of_the_searcher(few_digits):
    with pytest.raises(SettingsError, match="gdas takes GdasSettings, not SearchSettings"):
        run_search(
            searcher="gdas", settings=TINY, space=get_space(1), data=few_digits, epochs=1, seed=0
        )


def test_deterministic_kernels_of_a_gpu_do_not_fill_new_memory():
    """Settings of torch's, which it has without a GPU, too."""
    memory = torch.utils.deterministic
    before = memory.fill_uninitialized_memory
    assert before
    with kernels("cuda", deterministic=True):
        assert torch.are_deterministic_algorithms_enabled()
        assert not memory.fill_uninitialized_memory
    assert memory.fill_uninitialized_memory == before
    assert not torch.are_deterministic_algorithms_enabled()


def test_files_of_a_finished_search(few_digits, tmp_path):
    folder = tmp_path / "new" / "trial"
    seen = []
    result = search(few_digits, folder=folder, on_epoch=seen.append)
    assert tuple(seen) == result.trajectory
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert tuple(EpochRecord.from_dict(row, get_space(1)) for row in rows) == result.trajectory
    saved = json.loads((folder / "architecture.json").read_text())
    assert saved == get_space(1).to_document(result.architecture)
    assert sorted(path.name for path in folder.iterdir()) == [
        "architecture.json",
        "checkpoint.previous.pt",
        "checkpoint.pt",
        "metrics.jsonl",
    ]


@pytest.mark.slow
def test_a_finished_search_returns_at_once(few_digits, tmp_path):
    result = search(few_digits, folder=tmp_path)
    (tmp_path / "architecture.json").unlink()  # killed before the last file
    ran = []
    again = search(few_digits, folder=tmp_path, on_epoch=ran.append)
    assert again == result
    assert [record.time for record in again.trajectory] == [r.time for r in result.trajectory]
    assert not ran
    assert (tmp_path / "architecture.json").exists()


def damage(path):
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.slow
def test_after_a_damaged_checkpoint_the_one_before_it_is_continued(few_digits, tmp_path, caplog):
    whole = search(few_digits, folder=tmp_path)
    damage(tmp_path / "checkpoint.pt")
    ran = []
    with caplog.at_level(logging.WARNING):
        assert search(few_digits, folder=tmp_path, on_epoch=ran.append) == whole
    assert "checkpoint.pt: damaged" in caplog.text
    assert [record.epoch for record in ran] == [3]


@pytest.mark.slow
def test_without_a_complete_checkpoint_the_search_starts_again(few_digits, tmp_path, caplog):
    whole = search(few_digits, folder=tmp_path)
    damage(tmp_path / "checkpoint.pt")
    damage(tmp_path / "checkpoint.previous.pt")
    ran = []
    with caplog.at_level(logging.WARNING):
        assert search(few_digits, folder=tmp_path, on_epoch=ran.append) == whole
    assert "starts from the beginning" in caplog.text
    assert len(ran) == 3


def of_a_gpu(folder):
    """Give a folder's checkpoint the state that a GPU's generator has: its seed and its offset."""
    state = load_checkpoint(folder)
    state["generators"]["images"] = torch.arange(16, dtype=torch.uint8)
    save_checkpoint(folder, state)


@pytest.mark.slow
def test_a_search_of_another_kind_of_device_starts_again(few_digits, tmp_path, caplog):
    whole = search(few_digits, folder=tmp_path / "whole")
    steps = itertools.count(1)
    with pytest.raises(SearchStopped):
        search(few_digits, folder=tmp_path / "moved", stop_asked=lambda: next(steps) == 8)
    of_a_gpu(tmp_path / "moved")

    ran = []
    with caplog.at_level(logging.WARNING):
        assert search(few_digits, folder=tmp_path / "moved", on_epoch=ran.append) == whole
    assert len(ran) == 3
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(str(tmp_path / "moved" / "checkpoint.pt"))
    assert "another kind of device" in line and "starts from the beginning" in line
    assert equal_states(state_of(tmp_path / "moved"), state_of(tmp_path / "whole"))


@pytest.mark.slow
def test_a_finished_search_of_another_kind_of_device_keeps_its_result(few_digits, tmp_path):
    result = search(few_digits, folder=tmp_path)
    of_a_gpu(tmp_path)
    ran = []
    assert search(few_digits, folder=tmp_path, on_epoch=ran.append) == result
    assert not ran


@pytest.mark.slow
def test_a_kill_between_the_two_renamings_costs_one_epoch(few_digits, tmp_path):
    whole = search(few_digits, folder=tmp_path)
    (tmp_path / "checkpoint.pt").unlink()
    ran = []
    assert search(few_digits, folder=tmp_path, on_epoch=ran.append) == whole
    assert [record.epoch for record in ran] == [3]


@pytest.mark.slow
def test_checkpoints_do_not_grow(few_digits, tmp_path):
    """But for an epoch's record: no more than it, and two files."""
    sizes = []

    def measure(record):
        sizes.append(sum(path.stat().st_size for path in tmp_path.glob("checkpoint*")))

    search(few_digits, folder=tmp_path, epochs=6, on_epoch=measure)
    record = 1000  # bytes, with what torch's format adds
    assert sizes[-1] - sizes[1] < 2 * 4 * record
    assert len(list(tmp_path.glob("checkpoint*"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"epochs": 4}, "epochs"),
        ({"space": 2}, "space"),
        ({"settings": TINY.with_config({"momentum": 0.1})}, "momentum"),
    ],
)
def test_another_searchs_checkpoint_is_refused(few_digits, tmp_path, change, named):
    search(few_digits, folder=tmp_path)
    with pytest.raises(CheckpointMismatch, match=f"{named} = .*choose another folder"):
        search(few_digits, folder=tmp_path, **change)


@pytest.mark.slow
def test_a_checkpoint_of_other_images_is_refused(few_digits, tmp_path):
    search(few_digits, folder=tmp_path)
    part = few_digits.supernet_train
    darker = dataclasses.replace(part, images=part.images / 2)
    with pytest.raises(CheckpointMismatch, match="images"):
        search(dataclasses.replace(few_digits, supernet_train=darker), folder=tmp_path)


def test_arguments_that_cannot_be(few_digits):
    with pytest.raises(ValueError, match="epochs >= 1"):
        search(few_digits, epochs=0)
    with pytest.raises(ValueError, match="seed >= 0"):
        search(few_digits, seed=-1)
    with pytest.raises(SettingsError, match="stacks: 5 of them"):
        search(few_digits, settings=dataclasses.replace(TINY, stacks=5))
    for device in ("gpu", "cuda:99"):
        with pytest.raises(ValueError, match=f"device '{device}' cannot be used here"):
            search(few_digits, device=device)
    with pytest.raises(UnknownSearcher):
        run_search(
            searcher="dats",
            settings=TINY,
            space=get_space(1),
            data=few_digits,
            epochs=1,
            seed=0,
        )


def finished_epochs(folder) -> int:
    metrics = folder / "metrics.jsonl"
    return len(metrics.read_text().splitlines()) if metrics.exists() else 0


@pytest.mark.slow
def test_killed_at_random_moments_ends_bit_identical(digits, tmp_path, monkeypatch):
    """Ended four times by the kernel, each at a random moment after two more epochs."""
    epochs = 24
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["oneshot_hpo.searchers.search"])

    def ended(folder, target=run_search, **options):
        arguments = {
            "searcher": "darts",
            "settings": dataclasses.replace(TINY, crop_and_flip=True, batch_size=64),
            "space": get_space(1),
            "data": digits,
            "epochs": epochs,
            "seed": 7,
            "folder": folder,
        }
        process = processes.Process(target=target, kwargs=arguments | options)
        process.start()
        process.join()
        return process.exitcode

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert ended(whole) == 0

    moments = random.Random(0)
    for _ in range(4):
        before = finished_epochs(killed)
        code = ended(killed, killed_at, share=moments.uniform(0.05, 1.5))
        assert code == -signal.SIGPROF
        assert before + 2 <= finished_epochs(killed) < epochs
    assert ended(killed) == 0

    states = [state_of(folder) for folder in (whole, killed)]
    assert equal_states(*states)
    assert [row["epoch"] for row in states[1]["trajectory"]] == list(range(1, epochs + 1))
    for folder, state in zip((whole, killed), states, strict=True):
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for row in rows:
            del row["time"]
            row.pop("processor_time", None)
        assert rows == state["trajectory"]
    found = [(folder / "architecture.json").read_bytes() for folder in (whole, killed)]
    assert found[0] == found[1]
