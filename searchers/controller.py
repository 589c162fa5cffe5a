"""ENAS's controllers: an LSTM that draws an architecture, one decision after the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
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
    """An LSTM that draws architectures, one decision after the other."""

    @abstractmethod
    def sample(self) -> Sample:
        """Draw an architecture."""


def controller_of(space: SearchSpace, generator: torch.Generator) -> Controller:
    """The controller of a space; `generator`, on the CPU, draws its parameters and its cells."""
    complete = space.complete
    if isinstance(complete, NasBench101Space):
        return CellController(complete, generator)
    return ChoiceController(complete, generator)


class ChoiceController(Controller):
    """Decides on each choice in turn, by a softmax over its ways.

    Each decision is the LSTM's next input; it has an embedding of its own.

    generator: draws the initial parameters and the architectures, on the CPU.
    """

    def __init__(self, space: SearchSpace, generator: torch.Generator) -> None:
        super().__init__()
        self._space, self._generator = space, generator
        ways = [len(choice.ways) for choice in space.choices if not choice.is_settled]
        self.start = nn.Parameter(torch.empty(_HIDDEN))
        self.lstm = nn.LSTMCell(_HIDDEN, _HIDDEN)
        self.embeddings = nn.ParameterList(torch.empty(count, _HIDDEN) for count in ways)
        self.decisions = nn.ModuleList(nn.Linear(_HIDDEN, count, bias=False) for count in ways)
        _initialise(self, generator)

    def sample(self) -> Sample:
        """Draw an architecture."""
        log_probability, entropy = torch.zeros(()), torch.zeros(())
        hidden = memory = torch.zeros(_HIDDEN)
        decided: Tensor = self.start
        decisions = iter(zip(self.decisions, self.embeddings, strict=True))
        picks = []
        for choice in self._space.choices:
            if choice.is_settled:
                picks.append(choice.ways[0])
                continue
            decision, embedding = next(decisions)
            hidden, memory = self.lstm(decided, (hidden, memory))
            logits = _bounded(decision(hidden))
            (number,) = draw(logits, 1, self._generator)
            chances = _successive(logits, [number])
            log_probability = log_probability + chances[0]
            entropy = entropy + chances[1]
            decided = embedding[number]
            picks.append(choice.ways[number])
        return Sample(Architecture(tuple(picks)), log_probability, entropy)


class CellController(Controller):
    """The controller of NAS-Bench-101's cells.

    Decides for each node on its parents, then, unless it is the output, on its operation.

    Pham et al., ICML 2018, section 2.4: parents by attention over the states in which the LSTM
    left the nodes before; each decision is the LSTM's next input. A node with k parents draws
    them one after the other without replacement.

    generator: draws the initial parameters and the cells, on the CPU.
    """

    def __init__(self, space: NasBench101Space, generator: torch.Generator) -> None:
        super().__init__()
        self._space, self._generator = space, generator
        self.start = nn.Parameter(torch.empty(_HIDDEN))
        self.embedding = nn.Parameter(torch.empty(len(OPERATIONS), _HIDDEN))
        self.lstm = nn.LSTMCell(_HIDDEN, _HIDDEN)
        self.operation = nn.Linear(_HIDDEN, len(OPERATIONS), bias=False)
        self.attend_node = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.attend_state = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.attention = nn.Linear(_HIDDEN, 1, bias=False)
        _initialise(self, generator)

    def sample(self) -> Sample:
        """Draw a cell."""
        log_probability, entropy = torch.zeros(()), torch.zeros(())
        hidden = memory = torch.zeros(_HIDDEN)
        hidden, memory = self.lstm(self.start, (hidden, memory))
        nodes = [hidden]  # as the LSTM left node 0, the cell's input, then each block
        parents: list[tuple[int, ...]] = []
        operations: list[tuple[int, ...]] = []
        for node, num_parents in enumerate(self._space.num_parents, start=1):
            sources = list(range(node))
            if num_parents < node:
                query = self.attend_node(torch.stack(nodes)) + self.attend_state(hidden)
                logits = _bounded(self.attention(query.tanh()).squeeze(1))
                sources = draw(logits, num_parents, self._generator)
                chances = _successive(logits, sources)
                log_probability = log_probability + chances[0]
                entropy = entropy + chances[1]
            parents.append(tuple(sorted(sources)))
            chosen = torch.stack([nodes[source] for source in parents[-1]]).mean(0)
            hidden, memory = self.lstm(chosen, (hidden, memory))
            if node <= self._space.num_blocks:
                logits = _bounded(self.operation(hidden))
                (place,) = draw(logits, 1, self._generator)
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
