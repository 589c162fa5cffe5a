"""TransNAS-Bench-101's micro space (Duan et al., CVPR 2021, section 3.2): cells.

Its graph is NAS-Bench-201's, its operations are the first four of it.
"""

from __future__ import annotations

import re

from oneshot_hpo.search_spaces.choices import Architecture, InvalidArchitecture
from oneshot_hpo.search_spaces.nasbench201.space import OPERATIONS, EdgeCellSpace

_BEGIN = "64-41414-"
_CELL = re.compile(r"(?:64-41414-)?([0-3])_([0-3])([0-3])_([0-3])([0-3])([0-3])")


class MicroSpace(EdgeCellSpace):
    """4,096 cells, written as the authors do: 64-41414-1_02_333, a digit an edge."""

    def __init__(self) -> None:
        super().__init__(
            "transnas-micro", "transnas-micro", "TransNAS-Bench-101's micro space", OPERATIONS[:4]
        )

    def text(self, architecture: Architecture) -> str:
        """A digit for the operation of each edge, 0 none to 3 nor_conv_3x3, node by node."""
        digits = "".join(map(str, self.places(architecture)))
        return f"{_BEGIN}{digits[0]}_{digits[1:3]}_{digits[3:]}"

    def parse(self, text: str) -> Architecture:
        """Read what `text` wrote, its first two parts optional; raises InvalidArchitecture."""
        match = _CELL.fullmatch(text)
        if match is None:
            raise InvalidArchitecture(
                f"not a cell of {self.title}: {text[:80]!r}; one is written as {_BEGIN}1_02_333"
            )
        return Architecture(tuple((int(digit),) for digit in match.groups()))


MICRO = MicroSpace()
