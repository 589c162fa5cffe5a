"""TransNAS-Bench-101's macro space (Duan et al., CVPR 2021, section 3.2): skeletons of ResNets.

A network has four to six modules. One to three of them double the channels, one to four halve the
resolution; a module may do both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture, Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.space import EnumerableSpace

MODULES = ("normal", "double", "halve", "double_halve")
"""Effects of a module, digits 1 to 4: none, channels x 2, resolution / 2, both."""
ABSENT = "absent"

_DOUBLES, _HALVES = (2, 4), (3, 4)
_MOST_DOUBLES, _MOST_HALVES = 3, 4
_FEWEST, _MOST = 4, 6
_TEXT = re.compile(r"(?:64-)?([1-4]{4,6})(?:-basic)?")


class MacroSpace(EnumerableSpace):
    """A choice for each of six modules; the fifth and the sixth may be absent.

    The choices are free, so 6,400 configurations stand for the 3,256 skeletons: `skeleton` says
    for which. Skeletons are the space's unique cells.
    """

    name = family = "transnas-macro"
    title = "TransNAS-Bench-101's macro space"
    operations = MODULES

    def __init__(self) -> None:
        self.choices = tuple(
            Choice(f"module_{number}", (*MODULES, ABSENT) if number > _FEWEST else MODULES)
            for number in range(1, _MOST + 1)
        )

    def skeleton(self, architecture: Architecture) -> str:
        """The digits of its modules, four to six.

        Of a configuration that is none, the nearest: a module after an absent one moves up,
        doublings beyond three and halvings beyond four are left out, from the last, and where
        there is none the last module does it.
        """
        kinds = [place + 1 for (place,) in architecture.picks if place < len(MODULES)]
        doubles = _within([kind in _DOUBLES for kind in kinds], _MOST_DOUBLES)
        halves = _within([kind in _HALVES for kind in kinds], _MOST_HALVES)
        pairs = zip(doubles, halves, strict=True)
        return "".join(str(1 + double + 2 * half) for double, half in pairs)

    def key(self, architecture: Architecture) -> str:
        """Its skeleton's digits."""
        return self.skeleton(architecture)

    def used_operations(self, configurations: np.ndarray) -> np.ndarray:
        """The effect of each module of the skeleton, int (N, 6), places in MODULES; -1: absent."""
        skeletons = [self.skeleton(self.architecture(number)) for number in configurations.tolist()]
        padded = "".join(digits.ljust(_MOST, "0") for digits in skeletons)
        return np.array([int(digit) - 1 for digit in padded]).reshape(-1, _MOST)

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """The skeleton's text."""
        return {"skeleton": self.text(architecture)}

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        """Read what `to_document` wrote; raises InvalidArchitecture for others."""
        text = document.get("skeleton")
        if not isinstance(text, str):
            raise InvalidArchitecture(
                f"not an architecture of {self.title}, with 'skeleton': {document}"
            )
        return self.parse(text)

    def text(self, architecture: Architecture) -> str:
        """The skeleton in the authors' notation: 64-1234-basic."""
        return f"64-{self.skeleton(architecture)}-basic"

    def parse(self, text: str) -> Architecture:
        """Read what `text` wrote, or its digits alone; raises InvalidArchitecture, on one line."""
        match = _TEXT.fullmatch(text)
        if match is not None:
            digits = match[1]
            places = [int(digit) - 1 for digit in digits] + [len(MODULES)] * (_MOST - len(digits))
            architecture = Architecture(tuple((place,) for place in places))
            if self.skeleton(architecture) == digits:
                return architecture
        raise InvalidArchitecture(
            f"not a skeleton of {self.title}: {text[:80]!r}; one is written as 64-1234-basic, with "
            f"{_FEWEST} to {_MOST} modules of which 1 to {_MOST_DOUBLES} double the channels "
            f"(2, 4) and 1 to {_MOST_HALVES} halve the resolution (3, 4)"
        )


def _within(does: list[bool], most: int) -> list[bool]:
    """The first `most` that do it; where none does, the last one."""
    if not any(does):
        return [*does[:-1], True]
    return [do and sum(does[:place]) < most for place, do in enumerate(does)]


MACRO = MacroSpace()
