"""A search on disk: its checkpoint, of which a kill at any moment leaves a complete one.

A master uses the names of the files, and does not load torch.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickletools
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.whole_files import name_behind, write_whole

CHECKPOINT = "checkpoint.pt"
PREVIOUS = "checkpoint.previous.pt"
METRICS = "metrics.jsonl"
ARCHITECTURE = "architecture.json"

_MAGIC = b"oneshot-hpo checkpoint 3\n"
_DIGEST_BYTES = hashlib.sha256().digest_size
_MODULES = ("torch", "torch._utils", "collections")
"""Modules that torch.save names for tensors in dictionaries, lists and tuples."""
_STALE_SECONDS = 3600.0


class DamagedCheckpoint(SearchError, ValueError):
    """A checkpoint file that was cut short or altered, or is another kind of file."""


class CheckpointMismatch(SearchError, ValueError):
    """A folder's checkpoint is of another search; the message says what differs."""


class OtherDevice(SearchError, ValueError):
    """An unfinished search of another kind of device, whose random numbers this one cannot draw."""


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Save the folder's checkpoint; the last one becomes the previous one.

    The file is a line that names the format, SHA-256, and torch.save's bytes. A kill leaves one of
    the two complete. `state` holds tensors and plain values only, in dictionaries, lists and
    tuples.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    payload = buffer.getvalue()
    content = _MAGIC + hashlib.sha256(payload).digest() + payload
    write_whole(folder / CHECKPOINT, content, previous=folder / PREVIOUS)


def remove_checkpoints(folder: Path) -> None:
    """Remove the folder's checkpoints, if there are any."""
    for name in (CHECKPOINT, PREVIOUS):
        (folder / name).unlink(missing_ok=True)


def remove_previous(folder: Path) -> None:
    """Remove the folder's previous checkpoint: the search has ended, and its last one stays."""
    if (folder / CHECKPOINT).exists():
        (folder / PREVIOUS).unlink(missing_ok=True)


def load_checkpoint(folder: Path, name: str = CHECKPOINT) -> dict[str, Any] | None:
    """Read a folder's checkpoint onto the CPU; None if there is none of this name.

    Raises DamagedCheckpoint.
    """
    import torch

    path = folder / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    header, payload = content[: len(_MAGIC)], content[len(_MAGIC) + _DIGEST_BYTES :]
    digest = content[len(_MAGIC) : len(_MAGIC) + _DIGEST_BYTES]
    if header != _MAGIC or hashlib.sha256(payload).digest() != digest:
        raise DamagedCheckpoint(f"{path}: damaged, or not a checkpoint of this version")
    try:
        _check_payload(payload)
        state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # with a valid digest, but from another program
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedCheckpoint(f"{path}: not a checkpoint of this program ({reason})") from None
    if not isinstance(state, dict):
        raise DamagedCheckpoint(f"{path}: not a checkpoint of this program (not a dictionary)")
    return state


def _check_payload(payload: bytes) -> None:
    """ValueError unless torch.save's bytes hold tensors and plain values, and nothing else.

    `weights_only` runs no code, but allocates whatever a file claims: a billion zeros, a zip bomb.
    """
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            if member.filename.endswith("/data.pkl"):
                _check_pickle(archive.read(member))


def _check_pickle(content: bytes) -> None:
    for instruction, argument, _ in pickletools.genops(content):
        if instruction.name == "GLOBAL" and str(argument).split(" ")[0] not in _MODULES:
            raise ValueError(f"it asks for {argument}")
        if instruction.name in ("STACK_GLOBAL", "INST"):
            raise ValueError(f"it has the instruction {instruction.name}")


def check_fingerprint(
    folder: Path,
    found: Mapping[str, Any],
    wanted: Mapping[str, Any],
    absent: Mapping[str, Any],
) -> None:
    """Raise CheckpointMismatch unless a checkpoint is of the wanted search.

    absent: what a search did that lacks a key (`SearchSettings.absent_values`).
    """
    found, wanted = {**absent, **found}, {**absent, **wanted}
    for key in wanted.keys() | found.keys():
        if found.get(key) != wanted.get(key):
            raise CheckpointMismatch(
                f"{folder / CHECKPOINT} is of a search with {key} = {found.get(key)!r}, not "
                f"{wanted.get(key)!r}: choose another folder, or delete this one"
            )


def write_metrics(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the records of all epochs, one JSON object per line, whole or not at all."""
    write_whole(folder / METRICS, "".join(json.dumps(row) + "\n" for row in rows).encode())


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The records that `write_metrics` last wrote; empty if there are none."""
    try:
        lines = (folder / METRICS).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def write_architecture(folder: Path, architecture: Mapping[str, Any]) -> None:
    """Write the architecture that the search ended with."""
    write_whole(folder / ARCHITECTURE, (json.dumps(architecture) + "\n").encode())


def remove_stale_temporaries(folder: Path) -> None:
    """Remove files left by writers that were killed over an hour ago.

    Newer ones may belong to a second worker that writes in this folder.
    """
    for path in folder.glob(".*.tmp"):
        try:
            if name_behind(path) and time.time() - path.stat().st_mtime > _STALE_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # the other worker was faster
