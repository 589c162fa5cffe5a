"""A search of an ablation study: its folder, and how it is run and resumed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from oneshot_hpo.experiments.study.inputs import dataset_identity
from oneshot_hpo.search_spaces import SpaceId
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.searchers.checkpoint import ARCHITECTURE, read_metrics
from oneshot_hpo.searchers.settings import SearchSettings
from oneshot_hpo.whole_files import write_whole

CRASH = "crash.json"
"""In the folder of a search: why it crashed."""


@dataclass(frozen=True, kw_only=True)
class PlannedSearch:
    """A search to be run."""

    searcher: str
    settings: SearchSettings
    space: SpaceId
    dataset: str
    epochs: int
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder; searches that several studies share are run once."""
        decides = asdict(self) | {"dataset": dataset_identity(self.dataset)}
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        return f"{self.searcher}-{tag_of(self.space)}-{self.epochs}-seed{self.seed}-{digest[:10]}"


def run_one(search: PlannedSearch, folder: Path) -> None:
    """Run or resume a search; a loss that is not finite is noted as its crash."""
    from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
    from oneshot_hpo.experiments.objectives.objective import load_images
    from oneshot_hpo.experiments.study.trial import device_name
    from oneshot_hpo.search_spaces import get_space
    from oneshot_hpo.searchers.checkpoint import remove_checkpoints
    from oneshot_hpo.searchers.records import SearchDiverged, SearchStopped
    from oneshot_hpo.searchers.search import run_search

    try:
        run_search(
            searcher=search.searcher,
            settings=search.settings,
            space=get_space(search.space),
            data=load_images(search.dataset),
            epochs=search.epochs,
            seed=search.seed,
            folder=folder,
            device=device_name(),
            stop_asked=stop_asked,
        )
    except SearchStopped as stop:
        raise TaskStopped(f"its worker had to leave: {stop}") from None
    except SearchDiverged as crash:
        write_whole(folder / CRASH, json.dumps({"reason": str(crash)}).encode())
    remove_checkpoints(folder)


def share_done(search: PlannedSearch, folder: Path) -> float:
    """The share of a search that is done, in [0, 1]."""
    return min(1.0, len(read_metrics(folder)) / search.epochs)


def finished(folder: Path) -> bool:
    """Whether a search has ended in this folder."""
    return (folder / ARCHITECTURE).exists() or (folder / CRASH).exists()
