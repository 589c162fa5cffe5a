"""Against copy.deepcopy: equal copies, of which the same parts are new and the same parts one."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest

from oneshot_hpo.search_spaces.nasbench.deep_copy import deep_copy


@dataclass(eq=False)
class Key:
    """A key that is copied, as it may change."""

    name: str


def shared():
    repeats = [{"accuracy": 0.5}]
    return {4: repeats, 12: repeats, "tuple": (repeats, 1), "own": repeats[0]}


def circular():
    entries = {"list": [1, [2]]}
    entries["list"].append(entries)
    return entries


VALUES = (
    {108: [{"accuracy": 0.5, "seconds": 1.0}, {"accuracy": 0.25, "seconds": 2.0}]},
    {"matrix": np.eye(3, dtype=np.int8), "operations": ["input", "output"], "parameters": 7},
    {"mixed": [1, [2.0, {"deep": None}], ("tuple", [3])], "set": {4}, 5: True},
    {(1, 2): [3], frozenset({4}): {}},
    {Key("k"): [Key("v")]},
    [],
    "text",
    shared(),
    circular(),
)


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_it_copies_as_deepcopy(value):
    assert outline(deep_copy(value), value) == outline(copy.deepcopy(value), value)


def outline(copied, original):
    """What a copy holds: each part by the place where it came up first, if the original shares it
    (no object of the original's that can change is in it), else by its type and value."""
    seen, originals = {}, {id(part) for part in parts(original, set())}

    def visit(value):
        if id(value) in seen:
            return f"again {seen[id(value)]}"
        if isinstance(value, (int, float, str, type(None))):
            return repr(value)
        seen[id(value)] = len(seen)
        shared = "the original's " if id(value) in originals else ""
        if isinstance(value, dict):
            return shared, "dict", [(visit(key), visit(entry)) for key, entry in value.items()]
        if isinstance(value, (list, tuple, set, frozenset)):
            return shared, type(value).__name__, [visit(entry) for entry in value]
        if isinstance(value, np.ndarray):
            return shared, str(value.dtype), value.tolist()
        return shared, repr(value)

    return visit(copied)


def parts(value, seen):
    """All containers, arrays and objects in a value."""
    if id(value) in seen or isinstance(value, (int, float, str, type(None))):
        return
    seen.add(id(value))
    yield value
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from parts(key, seen)
            yield from parts(entry, seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for entry in value:
            yield from parts(entry, seen)
