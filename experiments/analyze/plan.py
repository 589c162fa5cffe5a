"""The supernets that an analysis trains, and the cells that each of them scores.

<dir>/supernets/<name>/ holds one supernet, see `supernet`: analyses use each other's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.analyze.ranks import Array
from oneshot_hpo.experiments.analyze.running import (
    SUPERNETS,
    Tasks,
    analysis_folder,
    run_tasks,
)
from oneshot_hpo.experiments.analyze.sample import Sample
from oneshot_hpo.experiments.analyze.supernet import (
    ScoreRequest,
    Supernet,
    missing,
    score,
    scores,
    share_done,
)
from oneshot_hpo.experiments.wording import counted
from oneshot_hpo.search_spaces import SpaceId
from oneshot_hpo.searchers.settings import SearchSettings


@dataclass(frozen=True, kw_only=True)
class SupernetOptions:
    """What the analyses of supernets have in common.

    folder: where figures, CSV files and supernets go. supernets: of each kind, trained from the
    seeds `seed`, `seed` + 1, ... cells: drawn and scored, a number or "all". calibration: training
    images that give each cell its batch-norm statistics; 0: none. overrides: search.SETTING=VALUE.
    workers: processes; None: one per GPU, else one per core.
    """

    folder: Path
    dataset: str
    table: str
    supernets: int
    cells: str
    calibration: int
    overrides: Sequence[str]
    seed: int
    workers: int | None


@dataclass(frozen=True)
class SupernetPlan:
    """Supernets and the cells that each scores: planned, then run, then read."""

    options: SupernetOptions
    _requests: dict[Supernet, list[ScoreRequest]] = field(
        default_factory=lambda: defaultdict(list), init=False
    )

    def supernets(
        self, searcher: str, settings: SearchSettings, space: SpaceId, epochs: int
    ) -> list[Supernet]:
        """The supernets of one kind, one for each seed."""
        return [
            Supernet(
                searcher=searcher,
                settings=settings,
                space=space,
                dataset=self.options.dataset,
                epochs=epochs,
                seed=self.options.seed + number,
            )
            for number in range(self.options.supernets)
        ]

    def add(
        self, supernets: Sequence[Supernet], epoch: int, sample: Sample, *, finetune: int = 0
    ) -> None:
        """Have the cells of a sample scored by each of these supernets, as it is after an epoch.

        finetune: batches on which each cell trains the weights that it inherits first.
        """
        for supernet in supernets:
            self._requests[supernet].append(self._request(epoch, sample, finetune))

    @contextmanager
    def run(self, console: Console) -> Iterator[None]:
        """Train and score what is missing; inside, the folder belongs to this command.

        UserError: a training diverged, or does not fit the GPU. StudyStopped: the folder or the
        machine fails.
        """
        with analysis_folder(self.options.folder):
            self._run(console)
            yield

    def scores(
        self, supernets: Sequence[Supernet], epoch: int, sample: Sample, *, finetune: int = 0
    ) -> list[Array]:
        """One-shot validation errors of the cells that were scored, (n,) for each supernet."""
        request = self._request(epoch, sample, finetune)
        return [scores(self._folder(supernet), request) for supernet in supernets]

    def _run(self, console: Console) -> None:
        requests = {supernet.name: own for supernet, own in self._requests.items()}
        tasks: Tasks = {
            supernet.name: (score, supernet, own, self._folder(supernet))
            for supernet, own in self._requests.items()
            if missing(self._folder(supernet), own)
        }
        home = self.options.folder / SUPERNETS

        def share(name: str) -> float:
            return share_done(home / name, requests[name])

        title = counted(len(requests), "supernet")
        run_tasks(
            console, self.options.folder, tasks, self.options.workers, title, len(requests), share
        )

    def _request(self, epoch: int, sample: Sample, finetune: int) -> ScoreRequest:
        return ScoreRequest.of_sample(epoch, self.options.calibration, finetune, sample)

    def _folder(self, supernet: Supernet) -> Path:
        return self.options.folder / SUPERNETS / supernet.name
