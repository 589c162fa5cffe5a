"""Packs the architecture weights of a space's choices into a few tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from oneshot_hpo.search_spaces import Choice
from oneshot_hpo.search_spaces.choices import OPERATION


class Row(NamedTuple):
    """The place of the logits of one mixture of a choice.

    tensor: place in the list of tensors. row: row of that tensor, None for all of it. candidates:
    places of the choice's candidates, in the order of the logits.
    """

    tensor: int
    row: int | None
    candidates: tuple[int, ...]

    def of(self, tensors: Sequence[Tensor | Sequence[Tensor]]) -> Tensor:
        """These logits, or values computed from them, (candidates,).

        tensors: all tensors, those of operations whole or split into rows.
        """
        whole = tensors[self.tensor]
        if self.row is not None:
            return whole[self.row]
        assert isinstance(whole, Tensor)
        return whole


class AlphaLayout:
    """Puts mixtures of operations with equal numbers of candidates into the rows of one tensor.

    Each choice of parents has its own tensor; a settled choice has none.

    shapes: shapes of the tensors, those of operations first. rows: by choice, one row per mixture;
    none for a settled choice. operations: number of tensors of operations.
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
        """The tensors, those of operations split into rows with one call each."""
        return [
            tensor.unbind() if place < self.operations else tensor
            for place, tensor in enumerate(tensors)
        ]
