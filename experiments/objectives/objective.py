"""The base class of objectives, and what a worker gives them."""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_hpo import foreign, plugins
from oneshot_hpo.experiments.errors import ExperimentError, UserError, one_line
from oneshot_hpo.experiments.objectives.section import (
    ERROR,
    OF_TABLE,
    PLUS,
    Chosen,
    Section,
    chosen,
)
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.wording import unknown_key
from oneshot_hpo.search_spaces import Architecture, SearchSpace, Table
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.settings import SearchSettings

FOLDER = "objective"
"""The objective's folder in a trial's."""

load_images = functools.lru_cache(maxsize=2)(load_dataset)
"""Images of a data set: loaded once a worker process, not once a trial."""


class NoLoss(ExperimentError, ArithmeticError):
    """A found architecture has no finite loss: a fact about the configuration."""


class ObjectiveStopped(Exception):
    """An evaluation stopped on request; the message says where. The next call continues it."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The architecture that a trial's search ended with."""

    space: SearchSpace
    architecture: Architecture
    table: str | None
    """The name or path of the study's table; None: it has none."""
    dataset: str | None
    """The name or path of the images that were searched on; None: the study names none."""
    settings: SearchSettings | None = None
    """The settings of the search, the configuration laid over them; None for a command."""
    folder: Path | None = None
    """For checkpoints and records of the objective, `FOLDER` in the trial's; None: keep none."""
    device: str = "cpu"
    """Where the worker computes: cuda or cpu."""
    say: Callable[[str], None] = lambda line: None
    """Shows a line of progress."""

    @property
    def images(self) -> ImageSplits:
        """The data set, loaded once a process. UserError: the study names none."""
        if self.dataset is None:
            raise UserError("the objective needs images, and the study names no data set")
        return load_images(self.dataset)

    def alone(self) -> Outcome:
        """The architecture, without any error."""
        return Outcome(
            document=self.space.to_document(self.architecture),
            key=self.space.key(self.architecture),
        )

    def known(self) -> Outcome:
        """The architecture with the table's errors; without a table the architecture alone."""
        if self.table is None:
            return self.alone()
        return table_outcome(self.table, self.space, self.architecture)


class Objective(ABC):
    """What a study minimises.

    A subclass with settings is a frozen dataclass; its fields are the settings in a study file.
    A worker makes one for each trial: nothing is kept between trials.
    """

    @abstractmethod
    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        """The outcome of a found architecture, `found.known()` with the loss that is minimised.

        seed: of the trial; everything random follows from it. stop_asked: whether the worker has to
        leave; what takes long then saves its state in `found.folder`, raises ObjectiveStopped, and
        continues from there when it is called again.
        Raises NoLoss for an architecture that cannot have a finite loss.
        """

    def search_images(self, data: ImageSplits) -> ImageSplits:
        """The images that the search may see; all of them by default."""
        return data

    def check(self, space: SearchSpace, table: Table | None) -> None:  # noqa: B027 - optional
        """Raise UserError if it cannot evaluate this space's architectures; called at launch."""


def objective_of(section: Any) -> Objective:
    """The objective of a study file's section.

    UserError or PluginError: there is none of this name, it is no objective, or it refuses its
    settings.
    """
    own = chosen(section)
    objective = _made(own)
    if not own.plus:
        return objective

    from oneshot_hpo.experiments.objectives.combined import Combined

    return Combined(objective, own.plus, own.words)


def evaluated(section: Any, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
    """The outcome of a found architecture by a section's objective, with the objective's name.

    Raises what `Objective.evaluate` does, NoLoss for a loss that is not finite, and InvalidResult
    for what is no outcome with a loss.
    """
    own = chosen(section)
    outcome = objective_of(section).evaluate(found, seed, stop_asked)
    name = foreign.label_of(own.name)
    if not isinstance(outcome, Outcome):
        kind = type(outcome).__name__
        raise foreign.InvalidResult(f"objective {name} returned a {kind}, not an Outcome")
    loss: Any = outcome.loss
    if isinstance(loss, bool) or not isinstance(loss, numbers.Real):
        raise foreign.InvalidResult(
            f"objective {name} returned the loss {loss!r:.80}, not a number"
        )
    if not math.isfinite(loss):
        raise NoLoss(f"objective {name}: the loss is {loss}, not a finite number")
    outcome = dataclasses.replace(outcome, loss=float(loss))
    if outcome.objective is None and own.name not in OF_TABLE:
        return dataclasses.replace(outcome, objective=name)
    return outcome


def completed(section: Any) -> Section:
    """A section with every setting written out; a name alone for an objective without settings."""
    own = chosen(section)
    objective = _made(own)
    known = settings_of(type(objective))
    values = {key: getattr(objective, key) for key in known}
    whole: Section = {own.name: values} if known else own.name
    return {ERROR: whole, PLUS: dict(own.plus)} if own.plus else whole


def settings_of(kind: type[Objective]) -> list[str]:
    """The names of an objective's settings."""
    return [one.name for one in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def _made(own: Chosen) -> Objective:
    """The objective that a section names, without the costs that are added to it."""
    entry = plugins.entry("objective", own.name)
    target = entry.load()
    foreign.check_class(target, Objective, entry.label)
    known = settings_of(target)
    for key in own.settings:
        if key not in known:
            raise UserError(unknown_key(key, f"objective.{foreign.label_of(own.name)}", known))
    try:
        made: Objective = target(**own.settings)
    except (TypeError, ValueError) as error:  # a setting is missing, or refused
        raise UserError(f"{entry.label}: {one_line(error)}") from None
    return made
