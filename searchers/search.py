"""One search from its arguments to the architecture: devices, checkpoints and failures."""

from __future__ import annotations

import functools
import gc
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.utils.deterministic

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers import checkpoint
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.freed_memory import freed_memory_kept
from oneshot_hpo.searchers.records import (
    EpochRecord,
    OutOfDeviceMemory,
    SearchResult,
    SearchStopped,
)
from oneshot_hpo.searchers.registry import check_cuda_graphs, settings_class
from oneshot_hpo.searchers.search_loop import Search
from oneshot_hpo.searchers.searcher import check_architecture
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError

_logger = logging.getLogger(__name__)

_AGAIN = "the search starts from the beginning"


def run_search(
    *,
    searcher: str,
    settings: SearchSettings,
    space: SearchSpace,
    data: ImageSplits,
    epochs: int,
    seed: int,
    folder: Path | None = None,
    device: str = "cpu",
    deterministic: bool = True,
    until: int | None = None,
    start: Path | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
) -> SearchResult:
    """Search one cell, alternating steps of the architecture and of the supernet's weights.

    settings: an instance of `searchers.registry.settings_class`.
    folder: where checkpoint.pt, checkpoint.previous.pt (an epoch before), metrics.jsonl (one
        EpochRecord per line) and, at the end, architecture.json are written; created if missing.
        A checkpoint in it is continued, with the same results to the bit as an uninterrupted
        search on the same machine, torch version and number of threads; a finished search returns
        its result at once. A damaged checkpoint is logged and the previous one is used; without
        one the search starts from the beginning, and so does one that was stopped on another kind
        of device. Checkpoints are kept.
    until: the epoch after which the search ends, with the schedules of `epochs`; None: `epochs`.
        If it is less, continue.pt in `folder` is the state where a longer search can go on.
    start: the folder of such a shorter search; the result is the same to the bit without it, or if
        it holds no complete continue.pt, which is logged.
    deterministic: on a GPU, use deterministic kernels where they exist; those of the CPU all are.
    on_epoch: called after each epoch, once its checkpoint is on disk.
    stop_asked: called after each step; once it returns True, a checkpoint is written from which
        the search resumes with the next step, and SearchStopped is raised.

    Raises ValueError for arguments that cannot be used (UnknownSearcher, CheckpointMismatch, ...),
    SearchDiverged when a loss is not finite, and OutOfDeviceMemory, after freeing the memory.
    """
    if epochs < 1 or seed < 0:
        raise ValueError(f"a search needs epochs >= 1 and a seed >= 0, not {epochs} and {seed}")
    if until is not None and not 1 <= until <= epochs:
        raise ValueError(f"a search of {epochs} epochs cannot end after epoch {until}")

    wanted = settings_class(searcher)
    if type(settings) is not wanted:
        raise SettingsError(
            f"searcher {searcher} takes {wanted.__name__}, not {type(settings).__name__}"
        )
    check_cuda_graphs(searcher, settings)

    try:
        with kernels(device, deterministic):
            new = functools.partial(
                Search, searcher, settings, space, data, epochs, seed, until=until
            )
            return _run(new, device, space, folder, start, on_epoch, stop_asked)
    except torch.OutOfMemoryError as error:
        reason = str(error).splitlines()[0]
        # The traceback's frames hold the network and the tensors of the failed step.
        traceback.clear_frames(error.__traceback__)

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise OutOfDeviceMemory(
        f"device {device} ran out of memory ({reason}): a smaller batch_size or fewer channels "
        "need less"
    )


def _run(
    new_search: Callable[[torch.device], Search],
    device: str,
    space: SearchSpace,
    folder: Path | None,
    start: Path | None,
    on_epoch: Callable[[EpochRecord], None] | None,
    stop_asked: Callable[[], bool],
) -> SearchResult:
    # Created here, so that no frame of the caller holds the memory of a failed search.
    search = new_search(_usable_device(device))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.remove_stale_temporaries(folder)
        _continue_from(folder, search)
    if start is not None and not search.has_begun:
        _begin_at(start, search)

    def keep_to_continue() -> None:
        if folder is not None and search.is_to_be_continued:
            checkpoint.save_to_continue(folder, search.state_dict())

    while not search.finished:
        try:
            record = search.run_epoch(stop_asked, on_trained=keep_to_continue)
        except SearchStopped:
            if folder is not None:
                checkpoint.save_checkpoint(folder, search.state_dict())
            raise
        check_architecture(record.architecture, space, may_be_absent=not search.finished)
        if folder is not None:
            checkpoint.save_checkpoint(folder, search.state_dict())
            checkpoint.write_metrics(folder, [row.to_dict(space) for row in search.trajectory])
        if on_epoch is not None:
            on_epoch(record)
        if search.finished and record.is_early_end:
            keep_to_continue()

    architecture = search.trajectory[-1].architecture
    assert architecture is not None  # every searcher ends with one
    if folder is not None:
        checkpoint.write_metrics(folder, [row.to_dict(space) for row in search.trajectory])
        checkpoint.write_architecture(folder, space.to_document(architecture))
    return SearchResult(
        architecture, tuple(search.trajectory), search.settings.arch_rate, search.continued_from
    )


@contextmanager
def kernels(device: str, deterministic: bool) -> Iterator[None]:
    """Use deterministic GPU kernels, or the fastest, and restore torch's settings afterwards.

    Where torch has no deterministic kernel it warns and uses the other. Those of a CPU
    all are; there the allocator keeps freed memory within the context.
    """
    if not device.startswith("cuda"):
        with freed_memory_kept():
            yield
        return
    if deterministic:
        # cuBLAS reads it when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    memory: Any = torch.utils.deterministic  # its attribute is a property of a class
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        memory.fill_uninitialized_memory,
    )
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.benchmark = not deterministic
    # Otherwise torch fills all new memory with NaN, for programs that read what was never written.
    # A search does not, and a step of DARTS would take 23 % longer (H100).
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = before[2]
        memory.fill_uninitialized_memory = before[3]


def _usable_device(name: str) -> torch.device:
    """The device of this name; raises ValueError when this machine or this torch lacks it."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used here: {reason}") from None


def _continue_from(folder: Path, search: Search) -> None:
    """Restore the folder's last complete checkpoint, if any; raises CheckpointMismatch."""
    for name, instead in (
        (checkpoint.CHECKPOINT, "the one before it is tried"),
        (checkpoint.PREVIOUS, _AGAIN),
    ):
        state = _loaded(folder, name, instead)
        if state is not None:
            _restore(folder, name, state, search, search.load_state_dict)
            return


def _begin_at(folder: Path, search: Search) -> None:
    """Go on where the shorter search in a folder ended; raises CheckpointMismatch."""
    name = checkpoint.TO_CONTINUE
    state = _loaded(folder, name, _AGAIN)
    if state is not None:
        _restore(folder, name, state, search, search.begin_at)
    elif not (folder / name).exists():
        _logger.warning("%s is missing; %s", folder / name, _AGAIN)


def _loaded(folder: Path, name: str, instead: str) -> dict[str, Any] | None:
    """A checkpoint; None: there is none, or it is damaged, which is logged with what comes next."""
    try:
        return checkpoint.load_checkpoint(folder, name)
    except checkpoint.DamagedCheckpoint as damage:
        _logger.warning("%s; %s", damage, instead)
        return None


def _restore(
    folder: Path,
    name: str,
    state: dict[str, Any],
    search: Search,
    restore: Callable[[dict[str, Any]], None],
) -> None:
    """Restore a search from the state in a checkpoint; raises CheckpointMismatch."""
    found = state.get("fingerprint")
    found = found if isinstance(found, dict) else {}
    absent = search.settings.absent_values()
    checkpoint.check_fingerprint(folder, found, search.fingerprint, absent, name)
    try:
        restore(state)
    except checkpoint.OtherDevice:
        _logger.warning(
            "%s was written on another kind of device, whose random numbers cannot be drawn on "
            "this one; %s",
            folder / name,
            _AGAIN,
        )
    except Exception as error:  # not written by this program with this fingerprint
        reason = f"{type(error).__name__}: {error}"
        raise checkpoint.CheckpointMismatch(
            f"{folder / name} is not the state of such a search ({reason}): delete it"
        ) from None
