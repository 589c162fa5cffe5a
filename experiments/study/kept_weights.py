"""The supernets' weights that a study keeps: the last checkpoint of finished trials.

A worker leaves its trial's checkpoint where the study keeps any; the master removes those that have
turned out not to be the incumbent's.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from oneshot_hpo.searchers.checkpoint import CHECKPOINT, remove_checkpoints

if TYPE_CHECKING:
    from oneshot_hpo.hpo import StudyView, Trial

Keep = Literal["none", "incumbent", "all"]
NONE, INCUMBENT, ALL = "none", "incumbent", "all"


class KeptWeights:
    """Removes checkpoints that a study of a folder does not keep, as its results come."""

    def __init__(self, folder: Path, keep: Keep) -> None:
        self._folder = folder
        self._keep = keep
        self._of: str | None = None

    def sweep(self, study: StudyView) -> None:
        """Remove those that an earlier master, or a worker that was given up, has left."""
        if self._keep != INCUMBENT:
            return
        self._of = _incumbent(study)
        for trial, _ in study.evaluations:
            self._remove_unless_kept(trial.key)

    def told(self, study: StudyView, trial: Trial) -> None:
        """Remove what the result of a trial makes superfluous: its own, or the last incumbent's."""
        if self._keep != INCUMBENT:
            return
        before, self._of = self._of, _incumbent(study)
        for key in {before, trial.key} - {None}:
            self._remove_unless_kept(str(key))

    def _remove_unless_kept(self, key: str) -> None:
        if key != self._of:
            remove_checkpoints(self._folder / "trials" / key)


def kept_keys(keep: str, study: StudyView) -> set[str]:
    """The keys of the finished trials whose checkpoint is kept."""
    if keep == ALL:
        return {trial.key for trial, result in study.evaluations if not result.crashed}
    incumbent = _incumbent(study)
    return {incumbent} if keep == INCUMBENT and incumbent is not None else set()


def sizes(folder: Path, keys: Iterable[str]) -> dict[str, int]:
    """Bytes of the kept checkpoints that are there, by their trials' keys."""
    found = {}
    for key in keys:
        try:
            found[key] = checkpoint_of(folder, key).stat().st_size
        except OSError:
            continue
    return found


def checkpoint_of(folder: Path, key: str) -> Path:
    """Where a study keeps the checkpoint of a trial."""
    return folder / "trials" / key / CHECKPOINT


def _incumbent(study: StudyView) -> str | None:
    return None if study.incumbent is None else study.incumbent[0].key
