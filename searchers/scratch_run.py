"""An architecture trained from scratch, once a seed: checkpoints, stopping, records on disk."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers import checkpoint
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.searchers.network.scratch import ScratchSettings, scratch_networks_of
from oneshot_hpo.searchers.records import SearchStopped
from oneshot_hpo.searchers.scratch import ScratchTraining
from oneshot_hpo.searchers.search import kernels

_logger = logging.getLogger(__name__)

Row = dict[str, Any]
"""A finished epoch: run (from 0), epoch (from 1), train_loss, time in seconds; the last one of a
run also valid_error and test_error in [0, 1]."""


class TrainingDiverged(SearchError, ArithmeticError):
    """A loss of a training from scratch was not finite; the message says when."""


def train_repeatedly(
    space: SearchSpace,
    architecture: Architecture,
    data: ImageSplits,
    settings: ScratchSettings,
    *,
    epochs: int,
    seeds: Sequence[int],
    folder: Path | None = None,
    device: str = "cpu",
    on_epoch: Callable[[Row], None] = lambda row: None,
    stop_asked: Callable[[], bool] = lambda: False,
) -> list[Row]:
    """Train an architecture on scratch_train once with each seed; measure it on valid and test.

    folder: where checkpoint.pt, checkpoint.previous.pt and metrics.jsonl (a `Row` a line) are
        written; created if missing. A checkpoint in it is continued, to the same bits.
    on_epoch: called after each epoch, once its checkpoint is on disk.

    Raises SearchStopped after a checkpoint once `stop_asked()`, TrainingDiverged, SettingsError for
    a space without networks, and CheckpointMismatch for a folder of another training.
    """
    identity = {
        "space": space.id,
        "architecture": space.key(architecture),
        "images": data.scratch_checksum,
        "epochs": epochs,
        "seeds": list(seeds),
        **asdict(settings),
    }
    rows, under_way = _continued(folder, identity)

    def save(training: ScratchTraining | None) -> None:
        if folder is not None:
            state = None if training is None else training.state_dict()
            whole = {"fingerprint": identity, "rows": rows, "training": state}
            checkpoint.save_checkpoint(folder, whole)
            checkpoint.write_metrics(folder, rows)

    with kernels(device, deterministic=True):
        for run in range(len(rows) // epochs, len(seeds)):
            network = scratch_networks_of(
                space, [architecture], data.channels, data.classes, settings
            )
            training = ScratchTraining(
                network, data, settings, epochs=epochs, seed=seeds[run], device=device
            )
            if under_way is not None:
                training.load_state_dict(under_way)
                under_way = None
            while len(rows) < (run + 1) * epochs:
                row = _epoch(training, run, stop_asked, save)
                is_last = row["epoch"] == epochs
                rows.append(row | (_errors(training, data) if is_last else {}))
                save(None if is_last else training)
                on_epoch(rows[-1])
    return rows


def _epoch(
    training: ScratchTraining,
    run: int,
    stop_asked: Callable[[], bool],
    save: Callable[[ScratchTraining], None],
) -> Row:
    """The next epoch. SearchStopped: its steps so far are saved."""
    try:
        epoch = training.run_epoch(stop_asked)
    except SearchStopped:
        save(training)
        raise
    if not math.isfinite(epoch.train_loss):
        raise TrainingDiverged(
            f"the training from scratch diverged in epoch {epoch.epoch}: its loss is "
            f"{epoch.train_loss}"
        )
    return {
        "run": run,
        "epoch": epoch.epoch,
        "train_loss": epoch.train_loss,
        "time": epoch.seconds,
    }


def _errors(training: ScratchTraining, data: ImageSplits) -> dict[str, float]:
    hits = training.result()
    return {
        "valid_error": 1 - int(hits.valid_hits[0]) / len(data.valid),
        "test_error": 1 - int(hits.test_hits[0]) / len(data.test),
    }


def _continued(
    folder: Path | None, identity: Mapping[str, Any]
) -> tuple[list[Row], dict[str, Any] | None]:
    """The finished epochs of the folder's last complete checkpoint, and the run under way."""
    if folder is None:
        return [], None
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.remove_stale_temporaries(folder)
    for name in (checkpoint.CHECKPOINT, checkpoint.PREVIOUS):
        try:
            state = checkpoint.load_checkpoint(folder, name)
        except checkpoint.DamagedCheckpoint as damage:
            _logger.warning("%s; the one before it is tried, or the training starts again", damage)
            continue
        if state is not None:
            checkpoint.check_fingerprint(folder, state.get("fingerprint", {}), identity, {})
            return list(state["rows"]), state["training"]
    return [], None
