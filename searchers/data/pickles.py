"""A reader of the pickles that CIFAR-10 comes as, which knows no name of any code.

Python's own would call what a file names, and makes room for as many values as a file claims to
have. This one is a stack machine with the instructions that such files need: texts, whole numbers,
lists, dictionaries, and arrays, of which it keeps the parts as they are written.
"""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.searchers.errors import SearchError


class PickleError(SearchError, ValueError):
    """Content that is none of these pickles."""


@dataclass(eq=False)
class Made:
    """What a pickle says that one of NumPy's names would make of some arguments."""

    name: str
    """One of _NAMES."""
    arguments: tuple[Any, ...] = ()
    state: Any = None
    """What it would be given afterwards."""


_FEW = 10_000
_BYTES_AN_INSTRUCTION = 256
"""Images have 3072 bytes and a few instructions each; a value takes more memory than a byte."""
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
    """The dictionary that is pickled, its texts as str and its arrays as Made.

    Texts of Python 2, and bytes, are str of as many characters (Latin-1). Raises PickleError.
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
    """A stack of values, and a memory of those that are used again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Obey one instruction. Raises PickleError for one that these files have no need of."""
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
            stack.append(Made(self._top(Made).name, arguments))
            del stack[-2]
        elif name == "BUILD":
            state = stack.pop()
            self._top(Made).state = state
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
        # A key is compared and hashed, which takes for ever in tuples of tuples of tuples.
        if len(values) % 2 or not all(isinstance(key, str) for key in keys):
            raise PickleError("a key is no text")
        self._top(dict).update(zip(keys, values[1::2], strict=True))

    def _name(self, words: list[Any]) -> None:
        module, name = words
        if module.split(".")[0] != "numpy" or name not in _NAMES:
            raise PickleError(f"it asks for {module}.{name}")
        self.stack.append(Made(name))
