"""Epochs of a command, from its records.jsonl and from its output."""

import json
from pathlib import Path
from typing import Any

from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics
from oneshot_hpo.searchers.command.epochs import RECORDS, Epochs


def write(folder: Path, *records: Any) -> None:
    (folder / RECORDS).write_text("".join(json.dumps(one) + "\n" for one in records))


def column(folder: Path, key: str) -> list[Any]:
    return [row[key] for row in read_metrics(folder)]


def test_records_become_rows_with_the_keys_of_an_epoch_record(tmp_path: Path) -> None:
    epochs = Epochs(tmp_path, tmp_path, None)
    write(tmp_path, {"validation_error": 0.5, "mine": "x"}, {"valid_error": float("nan")}, 7)
    with (tmp_path / RECORDS).open("a") as file:
        file.write('{"valid_error": 0.')  # is being written
    epochs.read_records()
    assert column(tmp_path, "epoch") == [1, 2]
    assert column(tmp_path, "valid_error") == [0.5, None]
    first, second = read_metrics(tmp_path)
    assert first["mine"] == "x"
    assert first.keys() - {"mine"} == second.keys() >= {"train_loss", "architecture", "time"}


def test_an_epoch_that_is_recorded_again_replaces_the_earlier_one(tmp_path: Path) -> None:
    write(tmp_path, {"epoch": 1, "valid_error": 0.9, "seconds": 5.0}, {"epoch": 2})
    Epochs(tmp_path, tmp_path, None).read_records()
    assert not (tmp_path / METRICS).exists()  # records of an earlier run of the file say nothing

    epochs = Epochs(tmp_path, tmp_path, None)
    write(
        tmp_path, {"epoch": 1, "valid_error": 0.9, "seconds": 5.0}, {"epoch": 2, "valid_error": 1}
    )
    epochs.read_records()
    again = Epochs(tmp_path, tmp_path, None)
    write(tmp_path, {"epoch": 2, "valid_error": 0.5}, {"epoch": 3, "valid_error": 0.25})
    again.read_records()
    assert column(tmp_path, "epoch") == [1, 2, 3]
    assert column(tmp_path, "valid_error") == [0.9, 0.5, 0.25]
    assert column(tmp_path, "time")[0] == 5.0


def test_lines_of_output_that_match_a_pattern(tmp_path: Path) -> None:
    epochs = Epochs(tmp_path, tmp_path, r"err=(?P<valid_error>\S+)(?: lr=(?P<learning_rate>\S+))?")
    for line in ("starting", "err=0.5 lr=0.1", "err=none", "err=0.25"):
        epochs.read_output(line)
    assert column(tmp_path, "epoch") == [1, 2, 3]
    assert column(tmp_path, "valid_error") == [0.5, None, 0.25]
    assert column(tmp_path, "learning_rate") == [0.1, None, None]
