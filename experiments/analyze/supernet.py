"""One supernet in a folder of its own: trained once, its cells scored bit by bit.

    supernet.json      what is trained
    metrics.jsonl      a line for each epoch of its training
    epoch-<n>/         its weights after an epoch at which cells are scored
    checkpoint.pt      of a training that is not finished
    scores.jsonl       a line for some cells that are scored: epoch, images that calibrate
                       batch normalisation (0: none), batches on which each cell was fine-tuned
                       first (absent: none), configurations and their one-shot errors

It can be stopped at any moment and resumes. The errors of a configuration do not depend on the
other cells that are scored with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.experiments.study.inputs import dataset_identity
from oneshot_hpo.search_spaces import SearchSpace, SpaceId, enumerable, get_space
from oneshot_hpo.search_spaces.pruned import PrunedSpace
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.searchers.checkpoint import (
    load_checkpoint,
    read_metrics,
    save_checkpoint,
    write_metrics,
)
from oneshot_hpo.searchers.settings import SearchSettings
from oneshot_hpo.whole_files import write_whole

if TYPE_CHECKING:
    from oneshot_hpo.experiments.analyze.sample import Sample
    from oneshot_hpo.searchers.search_loop import Search

SUPERNET, SCORES = "supernet.json", "scores.jsonl"
_AT_ONCE = 100  # cells between two lines of scores
_ALWAYS_RECORDED = ("image_size", "train_share")
"""Settings that the first analyses wrote, which had them from the beginning."""


@dataclass(frozen=True, kw_only=True)
class Supernet:
    """What decides the weights of a supernet.

    epochs: of the whole training, over which the learning rate falls. cells: unique cells of the
    space from which a searcher that samples uniformly draws, configurations: the same by their
    numbers, where a table has an entry for each; None: all.
    """

    searcher: str
    settings: SearchSettings
    space: SpaceId
    dataset: str
    epochs: int
    seed: int
    cells: tuple[int, ...] | None = None
    configurations: tuple[int, ...] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, different for different supernets."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        recorded = self.settings.to_record()
        document["settings"] = {
            name: value
            for name, value in document["settings"].items()
            if name in recorded or name in _ALWAYS_RECORDED
        }
        if self.configurations is None:  # as before there were such tables
            del document["configurations"]
        return document

    @property
    def name(self) -> str:
        """The name of its folder."""
        decides = self.document | {"dataset": dataset_identity(self.dataset)}
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        return f"{self.searcher}-{tag_of(self.space)}-{self.epochs}-seed{self.seed}-{digest[:10]}"

    @property
    def search_space(self) -> SearchSpace:
        """The space that cells are drawn from."""
        space = enumerable(get_space(self.space))
        if self.configurations is not None:
            return PrunedSpace(space, np.array(self.configurations))
        if self.cells is not None:
            return PrunedSpace.of_cells(space, np.array(self.cells))
        return space


@dataclass(frozen=True)
class ScoreRequest:
    """Cells to be scored by a supernet.

    epoch: the weights after it. calibration: how many training images give each cell its
    batch-norm statistics; 0: it is evaluated as the supernet is. configurations: by their number.
    finetune: batches on which each cell trains the weights that it inherits before it is scored.
    """

    epoch: int
    calibration: int
    configurations: tuple[int, ...]
    finetune: int = 0

    @property
    def how(self) -> tuple[int, int, int]:
        """What decides a score besides the cell: epoch, calibration, finetune."""
        return self.epoch, self.calibration, self.finetune

    @classmethod
    def of_sample(cls, epoch: int, calibration: int, finetune: int, sample: Sample) -> ScoreRequest:
        """The cells of a sample."""
        return cls(epoch, calibration, tuple(sample.configurations.tolist()), finetune)


def scores(folder: Path, request: ScoreRequest) -> np.ndarray:
    """One-shot validation errors, float (configurations,), NaN where there is none yet."""
    return _scores(folder, [request])[0]


def missing(folder: Path, requests: Iterable[ScoreRequest]) -> bool:
    """Whether something is still to be scored."""
    return any(bool(np.isnan(found).any()) for found in _scores(folder, requests))


def share_done(folder: Path, requests: Sequence[ScoreRequest]) -> float:
    """How much is done, in [0, 1]: training and scoring count half each."""
    trained = len(read_metrics(folder)) / max(one.epoch for one in requests)
    scored = np.mean([np.mean(~np.isnan(found)) for found in _scores(folder, requests)])
    return float(min(1.0, trained) + scored) / 2


def score(supernet: Supernet, requests: Sequence[ScoreRequest], folder: Path) -> None:
    """Train as far as needed and score what is missing; a worker's task.

    SearchDiverged: a loss is not finite. TaskStopped: the worker has to leave.
    """
    from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
    from oneshot_hpo.experiments.study.trial import device_name
    from oneshot_hpo.searchers.fine_tuning import FineTuning  # loads torch

    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / SUPERNET, json.dumps(supernet.document).encode())
    search = _search(supernet, device_name())
    _train(search, sorted({one.epoch for one in requests}), folder)

    space = enumerable(get_space(supernet.space))
    for one in requests:
        todo = np.array(one.configurations)[np.isnan(scores(folder, one))].tolist()
        if not todo:
            continue
        state = load_checkpoint(folder / f"epoch-{one.epoch}")
        assert state is not None
        search.supernet.load_state_dict(state["weights"])

        # Neighbours share most: they are scored together.
        todo.sort()
        for start in range(0, len(todo), _AT_ONCE):
            if stop_asked():
                raise TaskStopped("its worker had to leave between cells")
            numbers = todo[start : start + _AT_ONCE]
            errors = search.evaluation.errors(
                [space.architecture(number) for number in numbers],
                recalibration_images=one.calibration,
                fine_tuning=FineTuning(one.finetune, supernet.settings),
            )
            line: dict[str, Any] = {"epoch": one.epoch, "calibration": one.calibration}
            if one.finetune:
                line["finetune"] = one.finetune
            _append(folder, line | {"configurations": numbers, "errors": errors})


def _search(supernet: Supernet, device: str) -> Search:
    import torch

    from oneshot_hpo.experiments.objectives.objective import load_images
    from oneshot_hpo.searchers.search_loop import Search

    return Search(
        supernet.searcher,
        supernet.settings,
        supernet.search_space,
        load_images(supernet.dataset),
        supernet.epochs,
        supernet.seed,
        torch.device(device),
    )


def _train(search: Search, epochs: Sequence[int], folder: Path) -> None:
    """Make the weights after these epochs, where they are missing."""
    from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
    from oneshot_hpo.searchers.checkpoint import remove_checkpoints
    from oneshot_hpo.searchers.records import SearchStopped

    left = [n for n in epochs if load_checkpoint(folder / f"epoch-{n}") is None]
    if not left:
        return
    state = load_checkpoint(folder)
    if state is not None and len(state["trajectory"]) < left[0]:
        search.load_state_dict(state)

    while search.epoch < left[-1]:
        try:
            search.run_epoch(stop_asked, concludes=False)
        except SearchStopped as stop:
            save_checkpoint(folder, search.state_dict())
            raise TaskStopped(f"its worker had to leave: {stop}") from None

        rows = [record.to_dict(search.space) for record in search.trajectory]
        write_metrics(folder, rows)
        if search.epoch in left:
            own = folder / f"epoch-{search.epoch}"
            own.mkdir(exist_ok=True)
            save_checkpoint(own, {"weights": search.supernet.state_dict()})
        save_checkpoint(folder, search.state_dict())
    remove_checkpoints(folder)


def _append(folder: Path, line: Mapping[str, Any]) -> None:
    """Append a line, on a line of its own: a kill may have cut the last one short."""
    with (folder / SCORES).open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")
        file.write(json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _scores(folder: Path, requests: Iterable[ScoreRequest]) -> list[np.ndarray]:
    """The `scores` for each request; the file is read once."""
    found = _read(folder)
    return [
        np.array([found[one.how].get(n, np.nan) for n in one.configurations]) for one in requests
    ]


def _read(folder: Path) -> dict[tuple[int, int, int], dict[int, float]]:
    """Errors of configurations, by `ScoreRequest.how`."""
    found: dict[tuple[int, int, int], dict[int, float]] = defaultdict(dict)
    try:
        lines = (folder / SCORES).read_bytes().splitlines()
    except FileNotFoundError:
        return found
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        errors = zip(line["configurations"], line["errors"], strict=True)
        found[line["epoch"], line["calibration"], line.get("finetune", 0)].update(errors)
    return found
