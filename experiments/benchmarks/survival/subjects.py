"""Subjects of fault injection: work on a folder, how it resumes, and its expected outcome."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.benchmarks.survival.lives import Life, Lives
from oneshot_hpo.experiments.benchmarks.survival.study import (
    command,
    decisions,
    recorded,
    write_study,
)
from oneshot_hpo.experiments.benchmarks.survival.trial import found, search, write_digits
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.hpo import read_study
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, EVENTS
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal
from oneshot_hpo.hpo.journal.line import sealed, unsealed
from oneshot_hpo.hpo.study_events import CRASH_RETRIED

Deed = tuple[Callable[..., int | None], *tuple[object, ...]]
"""A function of a module and its arguments."""


class Subject(ABC):
    """Work on a folder that may be interrupted at any moment and resumed."""

    name = ""

    def __init__(self, lives: Lives, scratch: Path) -> None:
        """Run it once to its end, undisturbed; `scratch` is an empty folder."""
        self._scratch = scratch
        self.lives = lives
        self.prepare()
        life = lives.live(self.folder, *self.begin())
        if life.code:
            raise RuntimeError(f"{self.name} fails undisturbed: {life.complaint}")
        self.operations = life.operations
        self.whole = self.outcome()

    @property
    def folder(self) -> Path:
        """Where the work is done."""
        return self._scratch / "folder"

    def prepare(self) -> None:
        """Make the folder what it is before the work."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @abstractmethod
    def begin(self) -> Deed:
        """The work from the start."""

    def resume(self) -> Deed:
        """Resume the work from the state of the folder."""
        return self.begin()

    @abstractmethod
    def outcome(self) -> Any:
        """The result of the work, without times; equal for equal work."""

    def finished_as_undisturbed(self) -> str:
        """Resume without faults, and compare: what is wrong, or nothing."""
        life: Life = self.lives.live(self.folder, *self.resume())
        if life.code:
            return f"cannot resume: {life.complaint.strip()}"
        return "" if self.outcome() == self.whole else "another outcome"


class StudySubject(Subject):
    """A study from `launch` to its summary."""

    name = "study"

    iterations = 4

    def __init__(self, lives: Lives, scratch: Path) -> None:
        self._file = write_study(scratch / "toy.yaml", self.iterations)
        super().__init__(lives, scratch)

    def begin(self) -> Deed:
        """`oneshot-hpo launch`."""
        return command, "launch", self._file, "--dir", self.folder

    def resume(self) -> Deed:
        """`oneshot-hpo resume`, or launched again if it had not begun."""
        if (self.folder / JOURNAL_NAME).exists():
            return command, "resume", self.folder
        return self.begin()

    def outcome(self) -> Any:
        """Every decision, study.yaml, and how many evaluations were recorded twice."""
        twice = len(recorded(self.folder)) - len(set(recorded(self.folder)))
        return decisions(self.folder), (self.folder / "study.yaml").read_text(), twice


class ShortStudy(StudySubject):
    """A study of a few evaluations."""

    iterations = 1


class ResumedStudy(StudySubject):
    """A study whose master was killed within a write, from `resume` to its summary."""

    name = "study that is resumed"
    iterations = 2

    def prepare(self) -> None:
        """Half of a study, its last line torn, a dead master's lock."""
        super().prepare()
        if not hasattr(self, "_half"):
            self.lives.live(self.folder, *super().begin())
            journal = (self.folder / JOURNAL_NAME).read_bytes()
            self._half = journal[: len(journal) // 2]
            super().prepare()
        self.folder.mkdir()
        (self.folder / JOURNAL_NAME).write_bytes(self._half)

    def begin(self) -> Deed:
        """`oneshot-hpo resume`."""
        return command, "resume", self.folder


class CrashesRetried(StudySubject):
    """A finished study whose crashes are run again: `resume --retry-crashed all`."""

    name = "study whose crashes are run again"
    iterations = 2

    def prepare(self) -> None:
        """The finished study, as an older version began it: its header says format 3."""
        super().prepare()
        if not hasattr(self, "_finished"):
            self.lives.live(self.folder, *super().begin())
            journal = (self.folder / JOURNAL_NAME).read_bytes()
            header, rest = journal.split(b"\n", 1)
            self._finished = _of_format_3(header) + rest
            super().prepare()
        self.folder.mkdir()
        (self.folder / JOURNAL_NAME).write_bytes(self._finished)

    def begin(self) -> Deed:
        """`oneshot-hpo resume --retry-crashed`, of each crash that was not retried before."""
        events = decisions(self.folder)
        retried = {(*e["id"], e["budget"]) for e in events if e["event"] == CRASH_RETRIED}
        view = read_study(self.folder)
        crashed = [trial for trial, result in view.evaluations if result.crashed]
        keys = [trial.key for trial in crashed if (*trial.id, trial.budget) not in retried]
        options: tuple[object, ...] = tuple(w for key in keys for w in ("--retry-crashed", key))
        deed: Any = (command, "resume", self.folder, *options)
        return deed

    def resume(self) -> Deed:
        """Run the same command again."""
        return self.begin()


def _of_format_3(header: bytes) -> bytes:
    event, _ = unsealed(header)
    return sealed({**event, "format": 3})


class ConfirmationSubject(StudySubject):
    """The confirmation of a finished study."""

    name = "confirmation"
    iterations = 1

    def prepare(self) -> None:
        """The finished study."""
        super().prepare()
        if not hasattr(self, "_study"):
            self.lives.live(self.folder, *super().begin())
            self._study = self.folder.rename(self._scratch / "finished")
        shutil.copytree(self._study, self.folder)

    def begin(self) -> Deed:
        """`oneshot-hpo confirm`."""
        return command, "confirm", self.folder, "--seeds", 4

    def resume(self) -> Deed:
        """Run the same command again."""
        return self.begin()

    def outcome(self) -> Any:
        """Every run with its result, and the results as CSV."""
        events, _ = read_journal(self.folder / CONFIRMATION / CONFIRMATION_NAME, EVENTS)
        kept = [
            {k: v for k, v in event.items() if k not in ("time", "timestamps")} for event in events
        ]
        return kept, (self.folder / CONFIRMATION / "results.csv").read_bytes()


class ExportSubject(ConfirmationSubject):
    """An export of a finished study, in place of an earlier one."""

    name = "export"

    def prepare(self) -> None:
        """The finished study with an export."""
        super().prepare()
        self.lives.live(self.folder, *self.begin())

    def begin(self) -> Deed:
        """`oneshot-hpo export`."""
        return command, "export", self.folder, "--to", "hpbandster"

    def outcome(self) -> Any:
        """Every file of the export."""
        files = sorted((self.folder / "exports").rglob("*"))
        return {
            path.relative_to(self.folder): path.read_bytes()
            for path in files
            if path.is_file() and not path.parent.name.startswith(".")  # left by a kill
        }


class SearchSubject(Subject):
    """A trial as a worker runs it: a search with its checkpoints, and the result."""

    def __init__(self, lives: Lives, scratch: Path, searcher: str) -> None:
        self.name = f"search, {searcher}"
        self._searcher = searcher
        self._digits = write_digits(scratch / "few.npz")
        super().__init__(lives, scratch)

    def begin(self) -> Deed:
        """The trial."""
        return search, self._searcher, self._digits, self.folder

    def outcome(self) -> Any:
        """Result, metrics and architecture."""
        return found(self.folder)


@contextmanager
def subject_of(make: Callable[[Lives, Path], Subject]) -> Iterator[Subject]:
    """A subject in a folder of its own, in memory where there is such a place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        yield make(Lives(Path(scratch)), Path(scratch))
