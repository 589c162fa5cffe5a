"""ENAS's controllers: LSTMs that draw an architecture, one decision after the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from oneshot_hpo.search_spaces import Architecture, Choice, SearchSpace
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.sampling import draw

_HIDDEN = 64  # units of the LSTM (authors' code)
_INITIAL_BOUND = 0.1
_TEMPERATURE, _TANH_CONSTANT = 5.0, 2.5  # of all logits (ENAS, section 3.2)


class Sample(NamedTuple):
    """A cell drawn by the controller; its log probability and entropy are sums over decisions."""

    architecture: Architecture
    log_probability: Tensor
    entropy: Tensor


class Controller(nn.Module):
    """An LSTM that draws architectures, one decision after the other.

    generator: draws the initial parameters and the architectures, on the CPU.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator
        self._states: dict[str, ChoiceState] | None = None

    @abstractmethod
    def sample(self) -> Sample:
        """Draw an architecture."""

    @torch.no_grad()
    def choice_states(self) -> dict[str, ChoiceState]:
        """How decided each decision is, if the most probable options are taken before it."""
        self._states = {}
        self.sample()
        found, self._states = self._states, None
        return found

    def _decided(self, name: str, logits: Tensor, count: int) -> list[int]:
        """Draw `count` different options; for `choice_states` take the most probable ones."""
        if self._states is None:
            return draw(logits, count, self._generator)
        self._states[name] = ChoiceState.of(logits.softmax(0).tolist(), count)
        likeliest: list[int] = logits.topk(count).indices.tolist()
        return likeliest


def controller_of(space: SearchSpace, generator: torch.Generator) -> Controller:
    """The controller of a space; `generator`, on the CPU, draws its parameters and its cells."""
    complete = space.complete
    if isinstance(complete, NasBench101Space):
        return CellController(complete, generator)
    return ChoiceController(complete, generator)


class ChoiceController(Controller):
    """Decides on each choice in turn: by a softmax over its ways, or, where there are groups, on
    k of them without replacement, then on a candidate of each.

    Each decision is the LSTM's next input; it has an embedding of its own.
    """

    def __init__(self, space: SearchSpace, generator: torch.Generator) -> None:
        super().__init__(generator)
        self._space = space
        self.start = nn.Parameter(torch.empty(_HIDDEN))
        self.lstm = skip_init(nn.LSTMCell, _HIDDEN, _HIDDEN)
        counts = [count for choice in space.choices for count in _option_counts(choice)]
        self.embeddings = nn.ParameterList(torch.empty(count, _HIDDEN) for count in counts)
        self.decisions = nn.ModuleList(
            skip_init(nn.Linear, _HIDDEN, count, bias=False) for count in counts
        )
        _initialise(self, generator)

    def sample(self) -> Sample:
        """Draw an architecture."""
        state = _Decisions(self)
        first, picks = 0, []
        for choice in self._space.choices:
            if choice.is_settled:
                picks.append(choice.ways[0])
            elif choice.groups is None:
                (number,) = state.decide(choice.name, first, 1)
                picks.append(choice.ways[number])
            else:
                groups = sorted(state.decide(f"{choice.name}~edges", first, choice.k))
                options = _options(choice)
                pick = []
                for group in groups:
                    (number,) = state.decide(f"{choice.name}~{group}", first + 1 + group, 1)
                    pick.append(options[group][number])
                picks.append(tuple(sorted(pick)))
            first += len(_option_counts(choice))
        architecture = Architecture(tuple(picks))
        return Sample(architecture, state.log_probability, state.entropy)


class _Decisions:
    """The decisions of one sample so far."""

    def __init__(self, controller: ChoiceController) -> None:
        self.log_probability, self.entropy = torch.zeros(()), torch.zeros(())
        self._controller = controller
        self._hidden = self._memory = torch.zeros(_HIDDEN)
        self._input: Tensor = controller.start

    def decide(self, name: str, place: int, count: int) -> list[int]:
        """Draw `count` different options by the decision of this place, in the order drawn."""
        controller = self._controller
        self._hidden, self._memory = controller.lstm(self._input, (self._hidden, self._memory))
        logits = _bounded(controller.decisions[place](self._hidden))
        drawn = controller._decided(name, logits, count)
        log_probability, entropy = _successive(logits, drawn)
        self.log_probability = self.log_probability + log_probability
        self.entropy = self.entropy + entropy
        self._input = controller.embeddings[place][drawn].mean(0)
        return drawn


def _options(choice: Choice) -> list[list[int]]:
    """The candidates of each group that may be picked."""
    return [[place for place in places if place not in choice.barred] for places in choice.mixtures]


def _option_counts(choice: Choice) -> list[int]:
    """How many options each decision on a choice has: ways, or groups, then each one's."""
    if choice.is_settled:
        return []
    if choice.groups is None:
        return [len(choice.ways)]
    options = _options(choice)
    return [len(options), *map(len, options)]


class CellController(Controller):
    """The controller of NAS-Bench-101's cells.

    Decides for each node on its parents, then, unless it is the output, on its operation.

    Pham et al., ICML 2018, section 2.4: parents by attention over the states in which the LSTM
    left the nodes before; each decision is the LSTM's next input. A node with k parents draws
    them one after the other without replacement.
    """

    def __init__(self, space: NasBench101Space, generator: torch.Generator) -> None:
        super().__init__(generator)
        self._space = space
        self.start = nn.Parameter(torch.empty(_HIDDEN))
        self.embedding = nn.Parameter(torch.empty(len(OPERATIONS), _HIDDEN))
        self.lstm = skip_init(nn.LSTMCell, _HIDDEN, _HIDDEN)
        self.operation = skip_init(nn.Linear, _HIDDEN, len(OPERATIONS), bias=False)
        self.attend_node = skip_init(nn.Linear, _HIDDEN, _HIDDEN, bias=False)
        self.attend_state = skip_init(nn.Linear, _HIDDEN, _HIDDEN, bias=False)
        self.attention = skip_init(nn.Linear, _HIDDEN, 1, bias=False)
        _initialise(self, generator)

    def sample(self) -> Sample:
        """Draw a cell."""
        log_probability, entropy = torch.zeros(()), torch.zeros(())
        hidden = memory = torch.zeros(_HIDDEN)
        hidden, memory = self.lstm(self.start, (hidden, memory))
        nodes = [hidden]  # the LSTM's state after node 0, the cell's input, then each block
        parents: list[tuple[int, ...]] = []
        operations: list[tuple[int, ...]] = []
        for node, num_parents in enumerate(self._space.num_parents, start=1):
            sources = list(range(node))
            if num_parents < node:
                query = self.attend_node(torch.stack(nodes)) + self.attend_state(hidden)
                logits = _bounded(self.attention(query.tanh()).squeeze(1))
                name = self._space.choices[node - 1].name
                sources = self._decided(name, logits, num_parents)
                chances = _successive(logits, sources)
                log_probability = log_probability + chances[0]
                entropy = entropy + chances[1]

            parents.append(tuple(sorted(sources)))
            chosen = torch.stack([nodes[source] for source in parents[-1]]).mean(0)
            hidden, memory = self.lstm(chosen, (hidden, memory))

            if node <= self._space.num_blocks:
                logits = _bounded(self.operation(hidden))
                name = self._space.choices[self._space.num_blocks + node].name
                (place,) = self._decided(name, logits, 1)
                chances = _successive(logits, [place])
                log_probability = log_probability + chances[0]
                entropy = entropy + chances[1]
                operations.append((place,))
                hidden, memory = self.lstm(self.embedding[place], (hidden, memory))
                nodes.append(hidden)

        architecture = Architecture((*parents, *operations))
        return Sample(architecture, log_probability, entropy)


def _initialise(controller: nn.Module, generator: torch.Generator) -> None:
    for parameter in controller.parameters():
        nn.init.uniform_(parameter, -_INITIAL_BOUND, _INITIAL_BOUND, generator=generator)


def _bounded(logits: Tensor) -> Tensor:
    return _TANH_CONSTANT * (logits / _TEMPERATURE).tanh()


def _successive(logits: Tensor, drawn: list[int]) -> tuple[Tensor, Tensor]:
    """Log probability and entropy of draws from softmax(logits) without replacement."""
    log_probability, entropy = torch.zeros(()), torch.zeros(())
    remaining = list(range(len(logits)))
    for place in drawn:
        logs = logits[remaining].log_softmax(0)
        log_probability = log_probability + logs[remaining.index(place)]
        entropy = entropy - (logs.exp() * logs).sum()
        remaining.remove(place)
    return log_probability, entropy
