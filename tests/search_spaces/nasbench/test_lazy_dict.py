"""A lazy dictionary against a plain one of the same entries, whatever is done with both."""

import copy
import json
import pickle

import pytest

from oneshot_hpo.search_spaces.nasbench.lazy_dict import LazyDict


class Letters:
    """Rows "a", "b", "c", "d"."""

    def __len__(self):
        return 4

    def row(self, key):
        if key not in ("a", "b", "c", "d"):
            raise KeyError(key)
        return "abcd".index(key)

    def keys(self, rows=range(4)):
        return ("abcd"[row] for row in rows)


def value(row):
    return {"row": row, "list": [row]}


def values(rows):
    return [value(row) for row in rows]


@pytest.fixture
def lazy():
    return LazyDict(Letters(), values)


@pytest.fixture
def plain():
    return {"a": value(0), "b": value(1), "c": value(2), "d": value(3)}


def set_and_added(entries):
    entries["b"] = 5
    entries["z"] = 6


def deleted_and_set_again(entries):
    del entries["b"], entries["a"]
    entries["a"] = 7


def read_in_order_and_changed(entries):
    del entries["d"]
    entries["d"] = 7
    entries["c"]["list"].append(8)
    for key in "abc":
        entries[key]["list"].append(9)


def deleted_while_read(entries):
    for key in list(entries):
        assert entries["a"] == value(0)
        entries.pop("c", None)
        entries.get(key)


def changed_in_place(entries):
    entries["c"]["list"].append(9)
    entries["d"]["new"] = entries["d"].pop("row")


def popped(entries):
    assert entries.pop("a") == value(0)
    assert entries.pop("b", None) == value(1)
    assert entries.popitem() == ("d", value(3))
    assert entries.pop("a", 3) == 3
    with pytest.raises(KeyError):
        entries.pop("a")


def defaults(entries):
    assert entries.setdefault("a", 1) == value(0)
    assert entries.setdefault("q", [1]) == [1]
    assert entries.get("b") == value(1)
    assert entries.get("none") is None and entries.get("none", 4) == 4


def updated(entries):
    entries.update({"a": 1, "y": 2}, x=3)
    entries |= {"w": 4}


def cleared(entries):
    entries.clear()
    entries["b"] = 1


def emptied(entries):
    while entries:
        entries.popitem()
    with pytest.raises(KeyError):
        entries.popitem()


CHANGES = (
    lambda entries: None,
    set_and_added,
    deleted_and_set_again,
    read_in_order_and_changed,
    deleted_while_read,
    changed_in_place,
    popped,
    defaults,
    updated,
    cleared,
    emptied,
)


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_a_dictionary_whatever_was_changed(lazy, plain, change):
    for entries in (lazy, plain):
        change(entries)

    assert isinstance(lazy, dict)
    assert lazy == plain and plain == lazy and (lazy != plain) is False
    assert (list(lazy), len(lazy), bool(lazy)) == (list(plain), len(plain), bool(plain))
    assert list(reversed(lazy)) == list(reversed(plain))
    assert list(lazy.items()) == list(plain.items())
    assert list(lazy.keys()) == list(plain.keys()) and list(lazy.values()) == list(plain.values())
    for key in ("a", "b", "c", "d", "z", "q", "none", 3):
        assert (key in lazy, lazy.get(key)) == (key in plain, plain.get(key))
        if key not in plain:
            with pytest.raises(KeyError) as missing:
                lazy[key]
            assert missing.value.args == (key,)
            with pytest.raises(KeyError):
                del lazy[key]
    assert lazy.copy() == plain and type(lazy.copy()) is dict
    assert dict(lazy) == {**lazy} == plain
    assert lazy | {"k": 1} == plain | {"k": 1} and {"k": 1} | lazy == {"k": 1} | plain
    assert repr(lazy) == repr(plain)
    assert json.dumps(lazy) == json.dumps(plain)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda entries: pickle.loads(pickle.dumps(entries))]
)
def test_copies_are_whole_and_on_their_own(lazy, plain, change, copied):
    for entries in (lazy, plain):
        change(entries)
    twin = copied(lazy)
    assert isinstance(twin, dict)
    assert (list(twin.items()), len(twin)) == (list(plain.items()), len(plain))
    twin["b"] = 100
    twin["c"] = 100
    if "d" in twin and isinstance(twin["d"], dict):
        twin["d"].clear()
    assert lazy == plain


def test_a_value_is_made_once_and_only_when_it_is_read():
    made = []

    def recording(rows):
        made.extend(rows)
        return values(rows)

    lazy = LazyDict(Letters(), recording)
    assert len(lazy) == 4 and "b" in lazy and list(lazy) == ["a", "b", "c", "d"]
    assert made == []
    assert lazy["b"] is lazy["b"]
    assert made == [1]
    lazy["c"] = 0
    del lazy["a"]
    assert made == [1]


class Numbers:
    """Rows 0 to 999, each its own key."""

    def __len__(self):
        return 1000

    def row(self, key):
        return key

    def keys(self, rows=range(1000)):
        return iter(rows)


def test_values_are_made_ahead_when_rows_are_read_in_order():
    made = []

    def recording(rows):
        made.append(rows)
        return values(rows)

    lazy = LazyDict(Numbers(), recording)
    for key in (400, 0, 700, 401):
        assert lazy[key] == value(key)
    assert made == [range(key, key + 1) for key in (400, 0, 700, 401)]

    assert [lazy[key] for key in range(500, 1000)] == values(range(500, 1000))
    assert max(map(len, made)) == 64 and len(made) < 30
    read = sorted(row for rows in made for row in rows)
    assert set(read) == {0, 400, 401, *range(500, 1000)}


def test_changed_deleted_or_set_entries_are_not_made_ahead():
    lazy = LazyDict(Numbers(), values)
    lazy[5]["list"].append("changed")
    lazy[6] = "set"
    del lazy[7], lazy[8]
    lazy[8] = "added"
    kept = {5: value(5) | {"list": [5, "changed"]}, 6: "set", 8: "added"}
    assert [lazy.get(key) for key in range(10)] == [
        kept.get(key, None if key == 7 else value(key)) for key in range(10)
    ]
    assert 7 not in lazy and len(lazy) == 999


def test_a_fresh_value_is_the_callers_own_and_is_not_kept(lazy):
    lazy.fresh("a")["list"].append(1)
    assert lazy["a"] == value(0)
    lazy["a"]["list"].append(2)
    fresh = lazy.fresh("a")
    assert fresh["list"] == [0, 2]
    fresh["list"].append(3)
    assert lazy["a"]["list"] == [0, 2]
    lazy["z"] = [1]
    assert lazy.fresh("z") == [1]
    assert lazy.fresh("z") is not lazy["z"]
    del lazy["b"]
    for missing in ("b", "none"):
        with pytest.raises(KeyError):
            lazy.fresh(missing)


def test_it_has_no_hash(lazy):
    with pytest.raises(TypeError):
        hash(lazy)
