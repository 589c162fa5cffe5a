"""Subjects of fault injection: studies that are extended, and those that a stop rule ends."""

from __future__ import annotations

import shutil
from typing import Any

from oneshot_hpo.experiments.benchmarks.survival.study import (
    extend_and_resume,
    launch_and_extend,
)
from oneshot_hpo.experiments.benchmarks.survival.subjects import Deed, StudySubject
from oneshot_hpo.hpo import read_study
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME


class ExtendedStudy(StudySubject):
    """A study whose master was killed, extended in every way, and resumed."""

    name = "study that is extended in every way"
    iterations = 1

    def prepare(self) -> None:
        """About half of a study; one trial is pending."""
        super().prepare()
        if not hasattr(self, "_half"):
            self.lives.live(self.folder, *super().begin())
            lines = (self.folder / JOURNAL_NAME).read_bytes().splitlines(keepends=True)
            self._half = b"".join(lines[: len(lines) // 2 // 2 * 2])  # asks and tells in turn
            super().prepare()
        self.folder.mkdir()
        (self.folder / JOURNAL_NAME).write_bytes(self._half)
        (self._pending,) = read_study(self.folder).pending

    def begin(self) -> Deed:
        """`oneshot-hpo extend` and `resume`."""
        planned = ("--iterations", 1, "--max-budget", 8, "--add", "learning_rate=0.1")
        others = ("--stop", "gpu_hours=20", "--drop", self._pending.key)
        return extend_and_resume, self.folder, (*planned, *others)

    def resume(self) -> Deed:
        """Run the same commands again."""
        return self.begin()


class StoppedStudy(StudySubject):
    """A study that its stop rule ends, from `launch` to its summary."""

    name = "study that a stop rule ends"
    iterations = 2

    def begin(self) -> Deed:
        """`oneshot-hpo launch` with a rule."""
        deed: Any = (*super().begin(), "--set", "stop.evaluations=6")
        return deed


class ContinuedStudy(StoppedStudy):
    """A study that a stop rule has ended, and that runs to its end without the rule."""

    name = "study that is extended past its stop rule"

    def prepare(self) -> None:
        """The study, ended by its rule."""
        super().prepare()
        if not hasattr(self, "_ended"):
            self.lives.live(self.folder, *super().begin())
            self._ended = self.folder.rename(self._scratch / "ended")
        shutil.copytree(self._ended, self.folder)

    def begin(self) -> Deed:
        """`oneshot-hpo extend` without the rule, and `resume`."""
        return extend_and_resume, self.folder, ("--stop", "evaluations=null")

    def resume(self) -> Deed:
        """Run the same commands again."""
        return self.begin()


class ThriceExtendedStudy(StudySubject):
    """A study from `launch` through three extensions, each with the stop rule of the next one."""

    name = "study that is extended three times"
    iterations = 1
    extensions = (
        ("--iterations", 2, "--stop", "evaluations=12"),
        ("--max-budget", 8, "--stop", "evaluations=18"),
        ("--add", "learning_rate=0.1", "--iterations", 1, "--stop", "evaluations=null"),
    )

    def begin(self) -> Deed:
        """`oneshot-hpo launch`, then `extend` and `resume` three times."""
        return launch_and_extend, self._file, self.folder, *self.extensions

    def resume(self) -> Deed:
        """Run the same commands again, without those that were done."""
        return self.begin()
