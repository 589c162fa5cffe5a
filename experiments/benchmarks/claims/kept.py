"""The kept studies: folders as `oneshot-hpo export --to folder` writes them, opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from oneshot_hpo.experiments.exports.bundle.layout import DATA, JOURNAL
from oneshot_hpo.experiments.exports.bundle.stage import lay_out
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import title_of


@dataclass(frozen=True)
class Kept:
    """A kept study, laid out in a temporary folder as its master had written it."""

    name: str
    """Of its folder."""
    study: OpenedStudy

    @property
    def source(self) -> str:
        """As `compare` takes it."""
        return str(self.study.folder)

    @property
    def searcher(self) -> str:
        """The name of the one-shot optimizer."""
        return self.study.spec.searcher

    @property
    def label(self) -> str:
        """For people: "darts, space 1, tuned in cs2"."""
        spec = self.study.spec
        return f"{self.searcher}, {title_of(spec.required_space)}, tuned in {spec.space_label}"

    @property
    def is_confirmed(self) -> bool:
        """Whether tuned and default have been searched again with all planned seeds."""
        confirmation = self.study.confirmation
        return confirmation is not None and confirmation.finished and bool(confirmation.tuned)


@contextmanager
def kept_studies(results: Path) -> Iterator[list[Kept]]:
    """The studies kept in a folder, by name; readable inside. BadBundle: one is damaged."""
    with TemporaryDirectory() as stage:
        found = []
        for journal in sorted(results.glob(f"*/{JOURNAL}")):
            folder = Path(stage) / journal.parent.name
            own = {name: journal.parent / name for name in DATA}
            lay_out(folder, {name: at.read_bytes() for name, at in own.items() if at.is_file()})
            found.append(Kept(folder.name, OpenedStudy(folder, source=folder.name)))
        yield found
