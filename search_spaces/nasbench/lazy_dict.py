"""A dictionary whose values are made when they are first read, and kept from then on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, Self, TypeVar

from oneshot_hpo.search_spaces.nasbench.deep_copy import deep_copy

Value = TypeVar("Value")

_MOST_AHEAD = 64
"""The most values made at once: more hardly speed up a scan, but slow its slowest read."""


class Rows(Protocol):
    """The numbered rows from which values are made, each with a key of its own."""

    def __len__(self) -> int:
        """The number of rows."""

    def row(self, key: Any) -> int:
        """The row of a key; KeyError if there is none."""

    def keys(self, rows: range | None = None) -> Iterator[str]:
        """The keys of these rows, or of all, in their order."""


class LazyDict(dict[str, Value]):
    """A dict with an entry for each row of `rows`, which behaves as if all values were there.

    rows: the rows and their keys. make: the values of a range of rows, each a new object.

    The dict's own storage holds what was read or set: a value that is made is kept, so that
    changes in place last, and reading it again is as fast as in any dict. Entries can be set,
    added and deleted. When rows are read one after the other, as by an iteration, values are made
    ahead, many at once, which takes less time for each. `copy` and `|` give plain dicts of all
    entries; what is pickled, or copied by the module `copy`, stays lazy.
    """

    def __init__(self, rows: Rows, make: Callable[[range], list[Value]]) -> None:
        super().__init__()
        self._rows = rows
        self._make = make
        self._deleted: set[str] = set()
        """Keys of rows whose entries were deleted; they may have been added again."""
        self._added: dict[str, None] = {}
        """Keys of entries that are no row's any more, or never were, in the order of setting."""
        self._ahead, self._next = 1, -1
        """How many values were made last, and the row after theirs."""

    def fresh(self, key: str) -> Value:
        """A deep copy of an entry's value; KeyError if there is no entry.

        A value that has not been read yet is made but not kept, so that reading everything once
        takes no memory.
        """
        if dict.__contains__(self, key):
            return deep_copy(dict.__getitem__(self, key))
        row = self._row(key)
        return self._make(range(row, row + 1))[0]

    # `dict.__getitem__` calls this for a key that its storage lacks.
    def __missing__(self, key: str) -> Value:
        row = self._row(key)
        # The more at once, the longer rows are read in their order.
        ahead = min(2 * self._ahead, _MOST_AHEAD) if row == self._next else 1
        rows = range(row, min(row + ahead, len(self._rows)))
        values = self._make(rows)
        self._ahead, self._next = ahead, rows.stop

        if ahead == 1:
            return dict.setdefault(self, key, values[0])
        for neighbour, value in zip(self._rows.keys(rows), values, strict=True):
            if neighbour not in self._deleted:
                dict.setdefault(self, neighbour, value)
        return dict.__getitem__(self, key)

    def __setitem__(self, key: str, value: Value) -> None:
        if key not in self:
            self._added[key] = None
        dict.__setitem__(self, key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        if key in self._added:
            del self._added[key]
        else:
            self._deleted.add(key)
        dict.pop(self, key, None)

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or self._is_row(key)

    def __len__(self) -> int:
        return len(self._rows) - len(self._deleted) + len(self._added)

    def __iter__(self) -> Iterator[str]:
        for key in self._rows.keys():  # noqa: SIM118 - rows are no dict
            if key not in self._deleted:
                yield key
        yield from self._added

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    # All else follows from these, as collections.abc derives it; dict's own methods would see the
    # storage alone.
    get = Mapping.get  # type: ignore[assignment]
    keys = Mapping.keys  # type: ignore[assignment]
    items = Mapping.items  # type: ignore[assignment]
    values = Mapping.values  # type: ignore[assignment]
    update = MutableMapping.update
    setdefault = MutableMapping.setdefault
    __eq__ = Mapping.__eq__
    __hash__ = None

    def __ne__(self, other: object) -> bool:
        return not self == other

    def pop(self, key: str, *default: Any) -> Any:
        """Take an entry out; its value, or the default if there is none."""
        if default and key not in self:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Value]:
        """Take the last entry out."""
        last = deque(self, maxlen=1)
        if not last:
            raise KeyError("popitem(): dictionary is empty")
        return last[0], self.pop(last[0])

    def clear(self) -> None:
        """Take all entries out."""
        self._deleted.update(self._rows.keys())
        self._added.clear()
        dict.clear(self)

    def copy(self) -> dict[str, Value]:
        """A plain dict of all entries."""
        return dict(self.items())

    def __repr__(self) -> str:
        return repr(self.copy())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return dict(other) | self.copy() if isinstance(other, dict) else NotImplemented

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]
        self.update(other)
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        state = {"_deleted": self._deleted, "_added": self._added}
        return type(self), (self._rows, self._make), state, None, iter(dict.items(self))

    def _is_row(self, key: object) -> bool:
        try:
            self._row(key)
        except KeyError:
            return False
        return True

    def _row(self, key: object) -> int:
        """The row whose entry a key is; KeyError if it was deleted, or never was one."""
        row = self._rows.row(key)
        if key in self._deleted:
            raise KeyError(key)
        return row
