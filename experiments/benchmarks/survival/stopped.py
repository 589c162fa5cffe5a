"""Subjects of fault injection: a study that a stop rule ends, and one that is extended after."""

from __future__ import annotations

import shutil
from typing import Any

from oneshot_hpo.experiments.benchmarks.survival.study import command
from oneshot_hpo.experiments.benchmarks.survival.subjects import Deed, StudySubject

_RULE = "stop.evaluations"


class StoppedStudy(StudySubject):
    """A study that its stop rule ends, from `launch` to its summary."""

    name = "study that a stop rule ends"
    iterations = 2

    def begin(self) -> Deed:
        """`oneshot-hpo launch` with a rule."""
        deed: Any = (*super().begin(), "--set", f"{_RULE}=6")
        return deed


class ExtendedStudy(StoppedStudy):
    """A study that a stop rule has ended, and that runs to its end without the rule."""

    name = "study that is extended"

    def prepare(self) -> None:
        """The study, ended by its rule."""
        super().prepare()
        if not hasattr(self, "_ended"):
            self.lives.live(self.folder, *super().begin())
            self._ended = self.folder.rename(self._scratch / "ended")
        shutil.copytree(self._ended, self.folder)

    def begin(self) -> Deed:
        """`oneshot-hpo resume` without the rule."""
        return command, "resume", self.folder, "--set", f"{_RULE}=null"

    def resume(self) -> Deed:
        """Run the same command again."""
        return self.begin()
