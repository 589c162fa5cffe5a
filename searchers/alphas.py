"""How the architecture weights of a space's choices lie in a few tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from oneshot_hpo.search_spaces import Choice
from oneshot_hpo.search_spaces.choices import OPERATION


class Row(NamedTuple):
    """Where the logits of one mixture of a choice lie, and what they are of.

    tensor: place in the list of tensors. row: of that tensor, None for all of it. candidates:
    places of the choice's candidates, in the order of the logits.
    """

    tensor: int
    row: int | None
    candidates: tuple[int, ...]

    def of(self, tensors: Sequence[Tensor | Sequence[Tensor]]) -> Tensor:
        """These logits, or what was computed from them, (candidates,).

        tensors: as they lie, or with those of operations taken apart into rows.
        """
        whole = tensors[self.tensor]
        if self.row is not None:
            return whole[self.row]
        assert isinstance(whole, Tensor)
        return whole


class AlphaLayout:
    """Mixtures of operations with as many candidates are the rows of one tensor.

    Each choice of parents has a tensor of its own; a settled choice has none.

    shapes: of the tensors, those of operations first. rows: of each choice, one a mixture; none
    for a settled choice. operations: how many of the tensors are of operations.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.rows: list[list[Row]] = [[] for _ in choices]
        counts: dict[int, int] = {}  # rows of each width
        open_choices = [
            (choice, rows)
            for choice, rows in zip(choices, self.rows, strict=True)
            if not choice.is_settled
        ]
        for choice, rows in open_choices:
            if choice.kind == OPERATION:
                for candidates in choice.mixtures:
                    width = len(candidates)
                    row = counts[width] = counts.get(width, 0) + 1
                    rows.append(Row(list(counts).index(width), row - 1, candidates))
        self.shapes: list[tuple[int, ...]] = [(rows, width) for width, rows in counts.items()]
        self.operations = len(self.shapes)
        for choice, rows in open_choices:
            if choice.kind != OPERATION:
                for candidates in choice.mixtures:
                    rows.append(Row(len(self.shapes), None, candidates))
                    self.shapes.append((len(candidates),))

    def apart(self, tensors: Sequence[Tensor]) -> list[Tensor | tuple[Tensor, ...]]:
        """The tensors, those of operations taken apart into rows in one call each."""
        return [
            tensor.unbind() if place < self.operations else tensor
            for place, tensor in enumerate(tensors)
        ]
