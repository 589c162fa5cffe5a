"""Reads the pickles of CIFAR-10 and similar data sets, without running any code in them.

Python's own reader calls functions that a file names, and allocates as many values as a file claims
to have. This one is a stack machine for the instructions that such files need: texts, whole
numbers, lists, dictionaries, and arrays, which are kept as their pickled parts.
"""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.searchers.errors import SearchError


class PickleError(SearchError, ValueError):
    """Not such a pickle."""


@dataclass(eq=False)
class PickledObject:
    """The pickled parts of an object that NumPy would construct."""

    name: str
    """The constructor, one of _NAMES."""
    arguments: tuple[Any, ...] = ()
    state: Any = None
    """The state that NumPy would set afterwards."""


_FEW = 10_000
_BYTES_AN_INSTRUCTION = 256
"""Limits memory: an image has 3072 bytes and a few instructions."""
_NAMES = ("_reconstruct", "ndarray", "dtype")
_MARK = object()
_TEXTS = (
    *("BINSTRING", "SHORT_BINSTRING", "STRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)
_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(content: bytes) -> Mapping[str, Any]:
    """The dictionary that is pickled, its texts as str and its arrays as PickledObject.

    Texts of Python 2, and bytes, are str decoded as Latin-1. Raises PickleError.
    """
    machine = _Machine()
    left = _FEW + len(content) // _BYTES_AN_INSTRUCTION
    try:
        for instruction, argument, _ in pickletools.genops(content):
            left -= 1
            if left < 0:
                raise PickleError("it has more instructions than its length explains")
            machine.step(instruction.name, argument)
        result = machine.stack.pop()
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise PickleError(f"it is damaged ({error})") from None
    if machine.stack or not isinstance(result, dict):
        raise PickleError("it holds no dictionary")
    return result


class _Machine:
    """A stack machine: values, and a memory of values that are used again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Run one instruction. Raises PickleError for one that these files do not need."""
        stack = self.stack
        if name in _TEXTS:
            stack.append(argument.decode("latin-1") if isinstance(argument, bytes) else argument)
        elif name in _NUMBERS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])

        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memory[argument] = stack[-1]
        elif name == "MEMOIZE":
            self._memory[len(self._memory)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self._memory[argument])

        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name in ("APPEND", "APPENDS"):
            values = [stack.pop()] if name == "APPEND" else self._since_mark()
            self._top(list).extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            values = self._since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            self._set(values)
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[len(stack) - count :] = [tuple(stack[len(stack) - count :])]
        elif name in ("TUPLE", "LIST"):
            values = self._since_mark()
            stack.append(tuple(values) if name == "TUPLE" else values)

        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument.split(" ") if name == "GLOBAL" else [stack.pop(-2), stack.pop()])
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(PickledObject(self._top(PickledObject).name, arguments))
            del stack[-2]
        elif name == "BUILD":
            state = stack.pop()
            self._top(PickledObject).state = state

        elif name not in ("PROTO", "FRAME", "STOP"):
            raise PickleError(f"it has the instruction {name}")

    def _top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise PickleError("it is damaged")
        return self.stack[-1]

    def _since_mark(self) -> list[Any]:
        mark = len(self.stack) - 1
        while self.stack[mark] is not _MARK:
            mark -= 1
        values = self.stack[mark + 1 :]
        del self.stack[mark:]
        return values

    def _set(self, values: list[Any]) -> None:
        keys = values[::2]
        # Hashing a key of nested tuples can take exponential time.
        if len(values) % 2 or not all(isinstance(key, str) for key in keys):
            raise PickleError("a key is not text")
        self._top(dict).update(zip(keys, values[1::2], strict=True))

    def _name(self, words: list[Any]) -> None:
        module, name = words
        if module.split(".")[0] != "numpy" or name not in _NAMES:
            raise PickleError(f"it asks for {module}.{name}")
        self.stack.append(PickledObject(name))
