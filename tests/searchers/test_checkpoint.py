import json
import os
import time

import pytest
import torch

from oneshot_hpo.searchers.checkpoint import (
    CheckpointMismatch,
    DamagedCheckpoint,
    check_fingerprint,
    load_checkpoint,
    remove_stale_temporaries,
    save_checkpoint,
    write_metrics,
)
from oneshot_hpo.whole_files import write_whole

STATE = {"epoch": 3, "weights": {"a": torch.arange(5.0)}, "rows": [{"loss": 0.1}]}


def test_what_is_saved_is_loaded(tmp_path):
    save_checkpoint(tmp_path, STATE)
    loaded = load_checkpoint(tmp_path)
    assert loaded["epoch"] == 3
    assert loaded["rows"] == [{"loss": 0.1}]
    assert torch.equal(loaded["weights"]["a"], torch.arange(5.0))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_no_file_is_no_checkpoint(tmp_path):
    assert load_checkpoint(tmp_path) is None


@pytest.mark.parametrize("kept", [0, 10, 40, 60, 0.5, -1])
def test_a_file_cut_short_is_found_out(tmp_path, kept):
    save_checkpoint(tmp_path, STATE)
    path = tmp_path / "checkpoint.pt"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(DamagedCheckpoint, match=r"checkpoint\.pt"):
        load_checkpoint(tmp_path)


def test_any_flipped_bit_is_found_out(tmp_path):
    save_checkpoint(tmp_path, STATE)
    path = tmp_path / "checkpoint.pt"
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DamagedCheckpoint):
            load_checkpoint(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, STATE)

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, {"epoch": 4})
    assert load_checkpoint(tmp_path)["epoch"] == 3


def test_metrics_are_one_object_a_line(tmp_path):
    write_metrics(tmp_path, [{"epoch": 1}, {"epoch": 2}])
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1}, {"epoch": 2}]


def test_a_mismatch_names_the_first_difference(tmp_path):
    check_fingerprint(tmp_path, {"seed": 1}, {"seed": 1}, {})
    with pytest.raises(CheckpointMismatch, match="seed = 1, not 2"):
        check_fingerprint(tmp_path, {"space": 1, "seed": 1}, {"space": 1, "seed": 2}, {})
    with pytest.raises(CheckpointMismatch, match=r"momentum = None, not 0\.5"):
        check_fingerprint(tmp_path, {"seed": 1}, {"seed": 1, "momentum": 0.5}, {})


def test_only_old_leftovers_of_killed_writers_are_removed(tmp_path):
    write_whole(tmp_path / "metrics.jsonl", b"{}\n")
    old, new = (tmp_path / f".checkpoint.pt.{number:016x}.tmp" for number in range(2))
    mine = tmp_path / ".notes.tmp"
    for path in (old, new, mine):
        path.write_bytes(b"half")
    for path in (old, mine):
        os.utime(path, (time.time() - 7200,) * 2)
    remove_stale_temporaries(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        new.name,
        mine.name,
        "metrics.jsonl",
    ]
