"""How each method looks in figures and pages: one colour, dashes and marker a method.

Colours of the first eight one-shot optimizers are Okabe and Ito's (2008), those of the black-box
optimizers Paul Tol's muted scheme; both are safe for colour-blind readers. There are not so many
safe colours for all others: markers and dashes distinguish methods without colour, and a filled
marker tuned from default.
"""

from __future__ import annotations

from typing import NamedTuple

from oneshot_hpo.experiments.numbers.methods import Method, Role


class Look(NamedTuple):
    """How a method is drawn."""

    colour: str
    """As "#rrggbb"."""
    dashes: tuple[float, ...]
    """Lengths on and off in units of the line's width; () is a solid line."""
    marker: str
    """A name of `style.MARKERS`."""
    filled: bool
    """Whether the marker is filled with the colour, or white."""
    width: float
    """Width of the line, in points."""


SEARCHERS: dict[str, tuple[str, str]] = {
    "darts": ("#0072b2", "circle"),
    "darts_second_order": ("#56b4e9", "pentagon"),
    "pc_darts": ("#d55e00", "square"),
    "gdas": ("#009e73", "triangle"),
    "random_ws": ("#000000", "diamond"),
    "single_path": ("#767676", "down"),
    "enas": ("#cc79a7", "left"),
    "proxylessnas": ("#e69f00", "right"),
    "drnas": ("#f0e442", "hexagon"),
    "snas": ("#7f3c8d", "octagon"),
    "sdarts_rs": ("#11a579", "plus"),
    "sdarts_adv": ("#80ba5a", "cross"),
    "fairdarts": ("#a5402d", "star"),
    "ddpnas": ("#4b4b8f", "lozenge"),
    "balenas": ("#008695", "hexagon_flat"),
}
"""Colour and marker of each one-shot optimizer."""

BASELINES: dict[str, tuple[str, tuple[float, ...], str]] = {
    "rs": ("#555555", (1, 1.2), "cross"),
    "re": ("#cc6677", (), "plus"),
    "reinforce": ("#999933", (4, 1, 1, 1), "triangle"),
    "smac": ("#882255", (6, 1.5), "star"),
    "tpe": ("#117733", (3, 1.2), "diamond"),
    "hyperband": ("#44aa99", (6, 1, 1, 1, 1, 1), "square"),
    "bohb": ("#332288", (5, 1, 1.5, 1), "circle"),
    "ls": ("#ddaa33", (2, 2), "left"),
    "weak": ("#88ccee", (8, 2), "right"),
    "pnas": ("#aa4499", (8, 1, 2, 1), "down"),
    "zero_cost": ("#661100", (1, 3), "plus"),
}
"""Colour, dashes and marker of each black-box optimizer."""

_OTHER = ("#000000", "circle")  # of a searcher that was added after this list
_DASHES: dict[Role, tuple[float, ...]] = {
    "tuned": (),
    "default": (4, 1.5),
    "setting": (1, 1),
    "study": (6, 1.5, 1, 1.5),
}


def look(method: Method, variant: int = 0) -> Look:
    """How a method is drawn; `variant` numbers those of equal name and role in one figure.

    Variants differ in lightness: the first has the method's colour, the next ones are lighter and
    darker by turns.
    """
    if method.role == "baseline":
        colour, dashes, marker = BASELINES.get(method.name, ("#000000", (1, 1), "circle"))
        return Look(_shade(colour, variant), dashes, marker, False, 1.1)
    colour, marker = SEARCHERS.get(method.name, _OTHER)
    filled = method.role in ("tuned", "study")
    return Look(_shade(colour, variant), _DASHES[method.role], marker, filled, 1.7)


def looks(methods: list[Method]) -> dict[Method, Look]:
    """The looks of all methods of a figure, variants numbered in this order."""
    seen: dict[tuple[str, Role], int] = {}
    found: dict[Method, Look] = {}
    for method in methods:
        if method not in found:
            variant = seen.setdefault((method.name, method.role), 0)
            seen[method.name, method.role] += 1
            found[method] = look(method, variant)
    return found


def _shade(colour: str, variant: int) -> str:
    """Variant 0 is the colour itself, 1 is halfway to white, 2 to black, 3 further to white ..."""
    if not variant:
        return colour
    step, dark = divmod(variant - 1, 2)
    share = 1 - 0.5 ** (step + 1)
    target = 0 if dark else 255
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    mixed = (round(part + (target - part) * share * (1 if dark else 0.9)) for part in parts)
    return "#" + "".join(f"{part:02x}" for part in mixed)


def budget_colour(rank: int, count: int) -> str:
    """The colour of budget number `rank` of `count` ascending ones: the larger, the darker."""
    place = (len(_CIVIDIS) - 1) * (rank + 1) / count if count > 1 else len(_CIVIDIS) - 1
    below = min(int(place), len(_CIVIDIS) - 2)
    one, two = _CIVIDIS[below], _CIVIDIS[below + 1]
    mixed = (round(a + (b - a) * (place - below)) for a, b in zip(one, two, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


_CIVIDIS = ((253, 234, 69), (187, 173, 108), (124, 123, 120), (58, 72, 107), (0, 34, 78))
"""Nunez et al. (2018), from light to dark: readable without colours, and by colour-blind."""
BUDGET_MARKERS = ("triangle", "square", "circle", "diamond", "pentagon", "star", "down")
"""By the rank of a budget."""
