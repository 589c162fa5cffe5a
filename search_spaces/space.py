"""The base class of search spaces: choices, and the meaning of their picks."""

from __future__ import annotations

import json
import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.search_spaces.choices import OPERATION, Architecture, Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.errors import SpaceError

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


SpaceId = int | str
"""The name or number of a space in study files and journals, see `SearchSpace.id`."""


@dataclass(frozen=True)
class Drawing:
    """A cell as a graph whose vertices are operations.

    labels: V names, the first is the input, the last the output. edges: from vertex to vertex,
    ascending; a vertex comes after all that feed it.
    """

    labels: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]


class SearchSpace(ABC):
    """A set of choices, with the keys and the written form of its architectures.

    name: unique among all spaces, as `get_space` takes it.
    family: shared by spaces with the same networks and tables: "nasbench101", "nasbench201", ...
    title: its name in messages.
    choices: all decisions, in the order of an architecture's picks; settled ones included.
    operations: names of the operations that its choices pick among, in a fixed order.
    parameter_free: those of them without weights; None: the space does not say.
    supernet, scratch: of a plug-in, its networks, which are imported with torch. supernet:
    "module:function", with the arguments of `searchers.network.one_shot.supernet_of`. scratch:
    "module:Name" of something with the functions `networks_of`, `shared_shape` and
    `parameter_count`, with the arguments of those in `searchers.network.scratch`.
    """

    name: str
    family: str
    title: str
    choices: tuple[Choice, ...]
    operations: tuple[str, ...]
    parameter_free: frozenset[str] | None = None
    supernet: str | None = None
    scratch: str | None = None
    plugin: str | None = None
    """How a study names a plug-in; `get_space` sets it."""

    @property
    def id(self) -> SpaceId:
        """Its id in study files and journals: the name, or the number in NAS-Bench-1Shot1."""
        return self.plugin or self.name

    @property
    def entropy(self) -> int:
        """A number of this space alone, from which random streams are drawn."""
        return zlib.crc32(self.name.encode())

    @property
    def complete(self) -> SearchSpace:
        """The whole space that this one is a part of; itself if it is whole."""
        return self

    @abstractmethod
    def key(self, architecture: Architecture) -> str:
        """A name that is equal for isomorphic architectures and for no others."""

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """An architecture in a journal's form: lists, strings and numbers.

        By default the picked candidates of each choice, joined by commas.
        """
        pairs = zip(self.choices, architecture.picks, strict=True)
        return {choice.name: choice.text(pick) for choice, pick in pairs}

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        """Read what `to_document` wrote; raises InvalidArchitecture for others."""
        names = [choice.name for choice in self.choices]
        if set(document) != set(names):
            raise InvalidArchitecture(
                f"not an architecture of {self.title}, with {', '.join(names)}: "
                f"{', '.join(map(repr, document)) or 'nothing'}"
            )
        try:
            return Architecture(
                tuple(choice.pick(document[choice.name]) for choice in self.choices)
            )
        except InvalidArchitecture as error:
            raise InvalidArchitecture(f"not an architecture of {self.title}: {error}") from None

    def check(self, architecture: Architecture) -> None:
        """Raise InvalidArchitecture unless an architecture is of this space."""
        try:
            picks = zip(self.choices, architecture.picks, strict=True)
            for choice, pick in picks:
                choice.number(pick)
        except ValueError as error:
            raise InvalidArchitecture(f"not an architecture of {self.title}: {error}") from None

    def decode(self, strengths: Sequence[np.ndarray]) -> Architecture:
        """The architecture with the strongest candidates.

        strengths: an array for each choice, float (candidates,), larger is better; comparable
        within a choice.
        """
        pairs = zip(self.choices, strengths, strict=True)
        return Architecture(tuple(choice.strongest(values) for choice, values in pairs))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture uniformly among all picks."""
        ways = [choice.ways for choice in self.choices]
        return Architecture(tuple(every[int(rng.integers(len(every)))] for every in ways))

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All architectures that differ in one picked candidate of one choice.

        Another operation, or one edge moved to another source.
        """
        self.check(architecture)
        picks = architecture.picks
        return [
            Architecture((*picks[:place], other, *picks[place + 1 :]))
            for place, choice in enumerate(self.choices)
            for other in choice.ways
            if len(set(other) - set(picks[place])) == 1
        ]

    def lines(self, architecture: Architecture) -> list[str]:
        """An architecture for people: the picks of each choice on a line."""
        pairs = zip(self.choices, architecture.picks, strict=True)
        return [f"{choice.name}: {choice.text(pick)}" for choice, pick in pairs]

    def parameter_free_share(self, architecture: Architecture) -> float | None:
        """Share of an architecture's operations without weights; None: the space does not say.

        Loose ends count: a candidate is an operation's name, or one before a `~` and its source.
        """
        if self.parameter_free is None:
            return None
        picked = [
            choice.candidates[place].split("~")[0]
            for choice, pick in zip(self.choices, architecture.picks, strict=True)
            if choice.kind == OPERATION
            for place in pick
        ]
        return sum(name in self.parameter_free for name in picked) / len(picked)

    def drawing(self, architecture: Architecture) -> Drawing | None:
        """The cell as a graph; None if the space has no drawings."""
        return None

    def text(self, architecture: Architecture) -> str:
        """An architecture in one line, in the form that the command line accepts."""
        return json.dumps(self.to_document(architecture))

    def parse(self, text: str) -> Architecture:
        """Read what `text` wrote; raises InvalidArchitecture, on one line."""
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise InvalidArchitecture(
                f"{self.title}: an architecture is written as JSON, not {text[:80]!r}"
            )
        return self.from_document(document)

    def configuration_space(self, seed: int | None = None) -> ConfigurationSpace:
        """The architectures as a ConfigSpace: a categorical for each choice that is not settled.

        Its values are picked candidates, joined by commas.
        """
        from ConfigSpace import Categorical, ConfigurationSpace

        space = ConfigurationSpace(name=self.name, seed=seed)
        for choice in self.choices:
            if not choice.is_settled:
                space.add(Categorical(choice.name, [choice.text(way) for way in choice.ways]))
        return space

    def from_configuration(self, values: Mapping[str, Any]) -> Architecture:
        """The architecture of a configuration drawn from `configuration_space`."""
        return Architecture(
            tuple(
                choice.ways[0] if choice.is_settled else choice.pick(str(values[choice.name]))
                for choice in self.choices
            )
        )


@dataclass(frozen=True)
class UniqueCells:
    """The architectures of a space up to isomorphism, called its cells.

    first: int (U,), the lowest number of a configuration of each cell, ascending.
    of_configuration: int (C,), the cell of every configuration.
    """

    first: np.ndarray
    of_configuration: np.ndarray


class NotEnumerable(SpaceError, ValueError):
    """A space has too many architectures to number them; the message names it."""


class EnumerableSpace(SearchSpace):
    """A space whose architectures are numbered as configurations.

    The digits of a number are the picks of the choices; the first choice varies slowest. Unique
    cells are numbered by their first configuration.
    """

    @cached_property
    def radices(self) -> tuple[int, ...]:
        """Numbers of possible picks of the choices that are not settled."""
        return tuple(len(choice.ways) for choice in self.choices if not choice.is_settled)

    @property
    def num_configurations(self) -> int:
        """Number of configurations, isomorphic ones included."""
        return math.prod(self._ways)

    def architecture(self, configuration: int) -> Architecture:
        """The architecture of a configuration's number; raises ValueError outside the space."""
        if not 0 <= configuration < self.num_configurations:
            raise ValueError(
                f"{self.title} has configurations 0 to {self.num_configurations - 1}, "
                f"not {configuration}"
            )
        digits = np.unravel_index(configuration, self._ways)
        pairs = zip(self.choices, digits, strict=True)
        return Architecture(tuple(choice.ways[digit] for choice, digit in pairs))

    def architectures(self) -> Iterator[Architecture]:
        """All architectures, in the order of their numbers."""
        return map(self.architecture, range(self.num_configurations))

    def configuration(self, architecture: Architecture) -> int:
        """The number of an architecture; raises InvalidArchitecture for others."""
        self.check(architecture)
        pairs = zip(self.choices, architecture.picks, strict=True)
        digits = [choice.number(pick) for choice, pick in pairs]
        return int(np.ravel_multi_index(digits, self._ways))

    def configurations(self, values: np.ndarray) -> np.ndarray:
        """The numbers, int (N,), of configurations given as digits int (N, d) of `radices`."""
        return np.ravel_multi_index(tuple(values.T), self.radices)

    def digits(self, configurations: np.ndarray) -> np.ndarray:
        """The pick of every choice, int (N, choices), for configurations int (N,)."""
        return np.stack(np.unravel_index(configurations, self._ways), 1)

    @cached_property
    def unique(self) -> UniqueCells:
        """The cells up to isomorphism and the cell of every configuration."""
        cells: dict[str, int] = {}
        first: list[int] = []
        of_configuration = []
        # Faster than `architectures`, which finds the digits of every number.
        ways = [choice.ways for choice in self.choices]
        for number, picks in enumerate(product(*ways)):
            cell = cells.setdefault(self.key(Architecture(picks)), len(cells))
            if cell == len(first):
                first.append(number)
            of_configuration.append(cell)
        return UniqueCells(np.array(first), np.array(of_configuration))

    @cached_property
    def operation_choices(self) -> tuple[int, ...]:
        """Places of the choices that pick one operation, which analyses report."""
        return tuple(
            place
            for place, choice in enumerate(self.choices)
            if choice.kind == OPERATION and choice.k == 1 and choice.groups is None
        )

    def used_operations(self, configurations: np.ndarray) -> np.ndarray:
        """The operation of each of `operation_choices`, int (N, choices): places in `operations`.

        configurations: int (N,). -1: a loose end, which does not reach the output.
        """
        digits = self.digits(configurations)[:, list(self.operation_choices)]
        picked = [
            np.array([self.operations.index(choice.text(way)) for way in choice.ways])
            for choice in (self.choices[place] for place in self.operation_choices)
        ]
        columns = zip(picked, digits.T, strict=True)
        return np.stack([places[column] for places, column in columns], 1)

    @property
    def num_cells(self) -> int:
        """Number of unique cells."""
        return len(self.unique.first)

    def cell_index(self, architecture: Architecture) -> int:
        """The number of an architecture's unique cell, 0 to num_cells - 1."""
        return int(self.unique.of_configuration[self.configuration(architecture)])

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture uniformly among all configurations."""
        return self.architecture(int(rng.integers(self.num_configurations)))

    @cached_property
    def _ways(self) -> tuple[int, ...]:
        return tuple(len(choice.ways) for choice in self.choices)


def tag_of(space: SpaceId) -> str:
    """The name of a space in file names: space1, or its own name."""
    return f"space{space}" if isinstance(space, int) else space.rpartition(":")[2]


def enumerable(space: SearchSpace) -> EnumerableSpace:
    """The space itself; raises NotEnumerable unless its architectures are numbered."""
    if not isinstance(space, EnumerableSpace):
        raise NotEnumerable(f"{space.title} is too large for its architectures to be numbered")
    return space
