"""ENAS's controller: an LSTM that draws a cell, one decision after the other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from oneshot_hpo.search_spaces import OPERATIONS, Architecture, SearchSpace
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
    """Decides for each node on its parents, then, unless it is the output, on its operation.

    Pham et al., ICML 2018, section 2.4: parents by attention over the states in which the LSTM
    left the nodes before; each decision is the LSTM's next input. A node with k parents draws
    them one after the other without replacement.

    generator: draws the initial parameters and the cells, on the CPU.
    """

    def __init__(self, space: SearchSpace, generator: torch.Generator) -> None:
        super().__init__()
        self._space, self._generator = space, generator
        self.start = nn.Parameter(torch.empty(_HIDDEN))
        self.embedding = nn.Parameter(torch.empty(len(OPERATIONS), _HIDDEN))
        self.lstm = nn.LSTMCell(_HIDDEN, _HIDDEN)
        self.operation = nn.Linear(_HIDDEN, len(OPERATIONS), bias=False)
        self.attend_node = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.attend_state = nn.Linear(_HIDDEN, _HIDDEN, bias=False)
        self.attention = nn.Linear(_HIDDEN, 1, bias=False)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -_INITIAL_BOUND, _INITIAL_BOUND, generator=generator)

    def sample(self) -> Sample:
        """Draw a cell."""
        log_probability, entropy = torch.zeros(()), torch.zeros(())
        hidden = memory = torch.zeros(_HIDDEN)
        hidden, memory = self.lstm(self.start, (hidden, memory))
        nodes = [hidden]  # as the LSTM left node 0, the cell's input, then each block
        parents, operations = [], []
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
                operations.append(OPERATIONS[place])
                hidden, memory = self.lstm(self.embedding[place], (hidden, memory))
                nodes.append(hidden)
        return Sample(Architecture(tuple(parents), tuple(operations)), log_probability, entropy)


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
