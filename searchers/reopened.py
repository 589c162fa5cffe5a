"""A search that has ended, opened again from its checkpoint: its supernet, to evaluate under."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.checkpoint import (
    CHECKPOINT,
    PREVIOUS,
    CheckpointMismatch,
    DamagedCheckpoint,
    load_checkpoint,
)
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.search_loop import Search
from oneshot_hpo.searchers.settings import SearchSettings


def reopened(folder: Path, data: ImageSplits, device: str = "cpu") -> Search:
    """The search of a folder's last complete checkpoint, as it was then.

    What it is of, the checkpoint says itself, but for the images.

    CheckpointMismatch: there is no checkpoint, it is of other images, or of a search that this
    version does not know. DamagedCheckpoint: it cannot be read.
    """
    state = _loaded(folder)
    recorded = state.get("fingerprint")
    try:
        assert isinstance(recorded, dict)
        found = _search(recorded, data, device)
    except (AssertionError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointMismatch(f"{folder} has no checkpoint of a search ({reason})") from None

    wanted = {**found.settings.absent_values(), **found.fingerprint}
    for key, value in {**found.settings.absent_values(), **recorded}.items():
        if wanted.get(key) != value:
            raise CheckpointMismatch(
                f"{folder} was searched with {key} = {value!r}, and here it is {wanted.get(key)!r}"
            )
    try:
        found.load_state_dict(state)
    except Exception as error:  # not written by this program with this fingerprint
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointMismatch(f"{folder} is not the state of such a search ({reason})") from None
    return found


def _loaded(folder: Path) -> dict[str, Any]:
    """The last complete checkpoint; of a damaged one the one before, if there is any."""
    damages = []
    for name in (CHECKPOINT, PREVIOUS):
        try:
            state = load_checkpoint(folder, name)
        except DamagedCheckpoint as damage:
            damages.append(damage)
            continue
        if state is not None:
            return state
    if damages:
        raise damages[0]
    raise CheckpointMismatch(f"{folder} holds no {CHECKPOINT}")


def _search(recorded: dict[str, Any], data: ImageSplits, device: str) -> Search:
    """A new search with the identity that a checkpoint records."""
    kind = settings_class(recorded["searcher"])
    return Search(
        recorded["searcher"],
        _settings(kind, recorded),
        get_space(recorded["space"]),
        data,
        recorded["epochs"],
        recorded["seed"],
        torch.device(device),
    )


def _settings(kind: type[SearchSettings], recorded: dict[str, Any]) -> SearchSettings:
    names = {field.name for field in fields(kind)}
    own = {name: value for name, value in recorded.items() if name in names}
    return kind(**kind.with_absent(own))
