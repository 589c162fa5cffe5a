"""Reads large pickles of plain values, piece by piece, without running any code in them.

Python's own reader calls functions that a file names, allocates as many values as a file claims to
have, and keeps them all until the end. This one is a stack machine for the instructions that dumps
of texts, numbers, lists, dictionaries and NumPy scalars need. Names in a file are replaced by
functions given here.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Mapping
from typing import IO, Any

from oneshot_hpo.search_spaces.errors import SpaceError

Makers = Mapping[str, Callable[..., Any]]
"""By "module.name" in a file, the function of ours that is called instead."""


class PickleError(SpaceError, ValueError):
    """Not such a pickle; the message says why, without the file's name."""


class Number:
    """NumPy's dtype of a scalar."""

    _CODES: Mapping[str, str] = {"f4": "f", "f8": "d", "i4": "i", "i8": "q", "u1": "B", "b1": "?"}

    def __init__(self, kind: str, *_: Any) -> None:
        self.code = self._CODES[kind]
        self.order = "<"

    def build(self, state: Any) -> None:
        """Read a dtype's pickled state: its version, then its byte order."""
        self.order = ">" if state[1] == ">" else "<"

    def value(self, content: bytes) -> Any:
        """The number with these bytes."""
        return struct.unpack(self.order + self.code, content)[0]


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    return dict(pairs)


def _opaque(*_: Any) -> None:
    """Ignores its arguments: the weights of a network."""


PLAIN: Makers = {
    "collections.OrderedDict": _ordered,
    "numpy.dtype": Number,
    "numpy.core.multiarray.scalar": Number.value,
    "numpy._core.multiarray.scalar": Number.value,
    "builtins.set": list,
    "__builtin__.set": list,
    "__builtin__.bytes": lambda: b"",
    "_codecs.encode": lambda text, _: text.encode("latin-1"),
    "torch._utils._rebuild_tensor_v2": _opaque,
    "torch.FloatStorage": _opaque,
    "torch.LongStorage": _opaque,
}

_CHUNK = 1 << 18
_LOW = 1 << 10  # bytes, more than any instruction takes that says no length
_LONGEST_TEXT = 1 << 20
_MOST_INSTRUCTIONS = 2_000_000
_MOST_BYTES = 1 << 26
"""Between two pieces; one of 15,625 architectures has 60,000 instructions in 300 kB."""
_PIECES_REMEMBERED = 128
_MARK = object()
_KEYS = (str, int)


class PickleReader:
    """Reads the pickles in a file one after the other, piece by piece.

    is_piece: called with each dictionary after items were added; it may empty it, returns whether a
        piece is complete, or raises PickleError. The memory of a complete piece is dropped, except
        for texts and names of the first pieces, which later ones use again.
    """

    def __init__(
        self,
        file: IO[bytes],
        makers: Makers = PLAIN,
        is_piece: Callable[[dict[Any, Any]], bool] = lambda _: False,
    ) -> None:
        self._file, self._makers, self._is_piece = file, makers, is_piece
        self._data, self._at = b"", 0
        self._pieces = self._instructions = self._bytes = self._memoized = 0
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}
        self._recent: dict[int, Any] = {}

    def load(self) -> Any:
        """The value of the next pickle. Raises PickleError."""
        self._stack, self._memory, self._recent, self._memoized = [], {}, {}, 0
        self._pieces = self._instructions = self._bytes = 0
        try:
            while (code := self._next()) != _STOP:
                do = _DO.get(code)
                if do is None:
                    raise PickleError(f"it has the instruction {code:#04x}, which is not needed")
                do(self)
                self._hurry()
            value = self._stack.pop()
        except PickleError:
            raise
        except (
            *(ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError),
            *(struct.error, RecursionError),
        ) as error:
            raise PickleError(f"it is damaged ({type(error).__name__}: {error})") from None
        if self._stack:
            raise PickleError("it ends in the middle of something")
        return value

    def _next(self) -> int:
        self._instructions += 1
        if len(self._data) - self._at < _LOW:
            self._fill(_LOW)
            if self._at == len(self._data):
                raise PickleError("it is cut short")
        if self._instructions > _MOST_INSTRUCTIONS or self._bytes > _MOST_BYTES:
            raise PickleError("a part of it is too large")
        code = self._data[self._at]
        self._at += 1
        return code

    def _hurry(self) -> None:
        """Run the frequent instructions, numbers and short texts, up to any other one."""
        data, at, stack = self._data, self._at, self._stack
        safe, recent, memoized = len(data) - _LOW, self._recent, self._memoized
        count = 0

        while at < safe:
            code = data[at]
            if code == _FLOAT:
                stack.append(_DOUBLE(data, at + 1)[0])
                at += 9
            elif code == _MEMOIZE:
                recent[memoized] = stack[-1]
                memoized += 1
                at += 1
            elif code == _LONG_PUT:
                recent[int.from_bytes(data[at + 1 : at + 5], "little")] = stack[-1]
                memoized += 1
                at += 5
            elif code == _SHORT_TEXT:
                begin = at + 2
                at = begin + data[at + 1]
                stack.append(data[begin:at].decode())
            elif code == _SMALL_INT:
                stack.append(data[at + 1])
                at += 2
            elif code == _TEXT and not data[at + 2] and not data[at + 3] and not data[at + 4]:
                begin = at + 5
                at = begin + data[at + 1]
                stack.append(data[begin:at].decode())
            else:
                break
            count += 1

        self._at, self._memoized = at, memoized
        self._instructions += count

    def _fill(self, wanted: int) -> None:
        """Buffer at least `wanted` bytes, if the file has them."""
        more = self._file.read(max(wanted, _CHUNK))
        self._data, self._at = self._data[self._at :] + more, 0
        self._bytes += len(more)

    def _take(self, count: int) -> bytes:
        if count > _LONGEST_TEXT:
            raise PickleError("a text in it is too long")
        if self._at + count > len(self._data):
            self._fill(count)
        begin, self._at = self._at, self._at + count
        if self._at > len(self._data):
            raise PickleError("it is cut short")
        return self._data[begin : self._at]

    def _line(self) -> str:
        end = self._data.index(b"\n", self._at, self._at + _LOW)
        return self._take(end + 1 - self._at)[:-1].decode()

    def _start_piece(self) -> None:
        self._pieces += 1
        if self._pieces <= _PIECES_REMEMBERED:
            kept = (str, Number, _Name)
            self._memory |= {k: v for k, v in self._recent.items() if isinstance(v, kept)}
        self._recent = {}
        self._instructions = self._bytes = 0

    def _unsigned(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _since_mark(self) -> list[Any]:
        stack = self._stack
        mark = len(stack) - 1
        while stack[mark] is not _MARK:
            mark -= 1
        values = stack[mark + 1 :]
        del stack[mark:]
        return values

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise PickleError("it is damaged")
        return self._stack[-1]

    def _memoize(self, place: int) -> None:
        self._recent[place] = self._stack[-1]
        self._memoized += 1

    def _recall(self, place: int) -> None:
        found = self._recent.get(place, _MARK)
        if found is _MARK:
            found = self._memory.get(place, _MARK)
        if found is _MARK:
            raise PickleError("it refers to what it does not have, or had long before")
        self._stack.append(found)

    def _set(self, items: list[Any]) -> None:
        keys = items[::2]
        for key in keys:  # hashing nested tuples can take exponential time
            if type(key) not in _KEYS and not (
                type(key) is tuple and all(type(part) in _KEYS for part in key)
            ):
                raise PickleError("a key is neither a text nor a number")
        top = self._top(dict)
        top.update(zip(keys, items[1::2], strict=True))
        if self._is_piece(top):
            self._start_piece()

    def _name(self, module: Any, name: Any) -> None:
        full = f"{module}.{name}"
        if full not in self._makers:
            raise PickleError(f"it asks for {full[:80]}")
        self._stack.append(_Name(full))

    def _call(self) -> None:
        arguments, name = self._stack.pop(), self._stack.pop()
        if type(name) is not _Name or type(arguments) is not tuple:
            raise PickleError("it is damaged")
        self._stack.append(self._makers[name.full](*arguments))

    def _forget(self) -> None:
        """Replace data stored elsewhere in the file, the numbers of a tensor, by None."""
        self._stack[-1] = None

    def _build(self) -> None:
        state, built = self._stack.pop(), self._stack[-1]
        if type(built) is Number:
            built.build(state)
        elif type(built) is not dict:  # attributes of a dictionary are ignored
            raise PickleError("it is damaged")


class _Name:
    """A name in a pickle that refers to one of the makers."""

    def __init__(self, full: str) -> None:
        self.full = full


def _tuple_of(count: int) -> Callable[[PickleReader], None]:
    def do(reader: PickleReader) -> None:
        stack = reader._stack
        if len(stack) < count:
            raise PickleError("it is damaged")
        stack[len(stack) - count :] = [tuple(stack[len(stack) - count :])]

    return do


def _pushes(value: Callable[[PickleReader], Any]) -> Callable[[PickleReader], None]:
    return lambda reader: reader._stack.append(value(reader))


_CODES = {opcode.name: ord(opcode.code) for opcode in pickletools.opcodes}
_STOP = _CODES["STOP"]
_FLOAT, _SMALL_INT = _CODES["BINFLOAT"], _CODES["BININT1"]
_SHORT_TEXT, _TEXT = _CODES["SHORT_BINUNICODE"], _CODES["BINUNICODE"]
_MEMOIZE, _LONG_PUT = _CODES["MEMOIZE"], _CODES["LONG_BINPUT"]
_DOUBLE = struct.Struct(">d").unpack_from
_BY_NAME: dict[str, Callable[[PickleReader], Any]] = {
    "PROTO": lambda r: r._take(1),
    "FRAME": lambda r: r._take(8),
    "MARK": lambda r: r._push(_MARK),
    "NONE": lambda r: r._push(None),
    "NEWTRUE": lambda r: r._push(True),
    "NEWFALSE": lambda r: r._push(False),
    "BINFLOAT": _pushes(lambda r: struct.unpack(">d", r._take(8))[0]),
    "BININT": _pushes(lambda r: struct.unpack("<i", r._take(4))[0]),
    "BININT1": _pushes(lambda r: r._take(1)[0]),
    "BININT2": _pushes(lambda r: r._unsigned(2)),
    "LONG1": _pushes(lambda r: int.from_bytes(r._take(r._take(1)[0]), "little", signed=True)),
    "SHORT_BINUNICODE": _pushes(lambda r: r._take(r._take(1)[0]).decode()),
    "BINUNICODE": _pushes(lambda r: r._take(r._unsigned(4)).decode()),
    "SHORT_BINBYTES": _pushes(lambda r: r._take(r._take(1)[0])),
    "BINBYTES": _pushes(lambda r: r._take(r._unsigned(4))),
    "EMPTY_DICT": _pushes(lambda r: {}),
    "EMPTY_LIST": _pushes(lambda r: []),
    "EMPTY_SET": _pushes(lambda r: []),
    "EMPTY_TUPLE": lambda r: r._push(()),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "TUPLE": _pushes(lambda r: tuple(r._since_mark())),
    "SETITEM": lambda r: r._set([r._stack.pop(-2), r._stack.pop()]),
    "SETITEMS": lambda r: r._set(r._since_mark()),
    "APPEND": lambda r: _append(r, [r._stack.pop()]),
    "APPENDS": lambda r: _append(r, r._since_mark()),
    "ADDITEMS": lambda r: _append(r, r._since_mark()),
    "BINPUT": lambda r: r._memoize(r._take(1)[0]),
    "LONG_BINPUT": lambda r: r._memoize(r._unsigned(4)),
    "MEMOIZE": lambda r: r._memoize(r._memoized),
    "BINGET": lambda r: r._recall(r._take(1)[0]),
    "LONG_BINGET": lambda r: r._recall(r._unsigned(4)),
    "GLOBAL": lambda r: r._name(r._line(), r._line()),
    "STACK_GLOBAL": lambda r: r._name(r._stack.pop(-2), r._stack.pop()),
    "REDUCE": PickleReader._call,
    "BUILD": PickleReader._build,
    "BINPERSID": PickleReader._forget,
}
_DO = {_CODES[name]: do for name, do in _BY_NAME.items()}


def _append(reader: PickleReader, values: list[Any]) -> None:
    reader._top(list).extend(values)
