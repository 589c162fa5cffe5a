"""The reader of large pickles: equal to Python's for plain values, and nothing else."""

import io
import pickle
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from oneshot_hpo.search_spaces.pickles import PickleError, PickleReader

VALUE: dict[Any, Any] = {
    "texts": ["", "a", "ü" * 300, "x" * 70_000],
    "numbers": [0, 1, 255, 256, 65_535, 65_536, -1, 2**31, -(2**40), 10**30],
    "floats": [0.5, -1e300, float("inf")],
    "constants": [None, True, False],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "ordered": OrderedDict([("b", 1), (3, 2), (("c", 7), 3)]),
    "bytes": [b"", b"\xff\x00", bytes(300)],
    "scalars": [np.float64(0.125), np.float32(0.5), np.int64(-7)],
    "many": {number: f"{number}" for number in range(3_000)},
    "shared": [["same"]] * 3,
}


def read(content: bytes) -> Any:
    return PickleReader(io.BytesIO(content)).load()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back(protocol: int) -> None:
    assert read(pickle.dumps(VALUE, protocol)) == VALUE


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_set_is_a_list(protocol: int) -> None:
    assert sorted(read(pickle.dumps({1, 2, 3}, protocol))) == [1, 2, 3]


def test_several_pickles_of_a_file_are_read_one_after_the_other() -> None:
    content = b"".join(pickle.dumps(value, 2) for value in (7, {"a": 1}, [VALUE]))
    reader = PickleReader(io.BytesIO(content + b"more"))
    assert [reader.load() for _ in range(3)] == [7, {"a": 1}, [VALUE]]


class Trickle(io.BytesIO):
    """A file that gives a few bytes at a time, as compressed ones do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 2_000))


def test_a_file_that_returns_short_reads() -> None:
    content = pickle.dumps({"a": list(range(20_000)), "b": "x" * 1_500}, 4)
    assert PickleReader(Trickle(content)).load() == pickle.loads(content)


def test_a_piece_is_handed_over_when_it_is_whole() -> None:
    pieces: list[dict[Any, Any]] = []

    def is_piece(items: dict[Any, Any]) -> bool:
        if "piece" not in items:
            return False
        pieces.append(dict(items))
        items.clear()
        return True

    value = {number: {"piece": number, "values": [0.5] * 50} for number in range(400)}
    for protocol in (2, 4):
        pieces.clear()
        content = pickle.dumps(value, protocol)
        left = PickleReader(io.BytesIO(content), is_piece=is_piece).load()
        assert pieces == list(value.values())
        assert left == {number: {} for number in range(400)}


class Calls:
    """Pickles as a call of something."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        function, *arguments = self.call
        return function, tuple(arguments)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "function", [print, eval, np.frombuffer, pickle.loads, OrderedDict.fromkeys]
)
def test_no_other_name_is_known(
    function: Any, protocol: int, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(PickleError, match="it asks for"):
        read(pickle.dumps([Calls(function, "'nothing'")], protocol))
    assert capsys.readouterr().out == ""


MALFORMED = {
    "nothing": b"",
    "no end": b"\x80\x02]",
    "a text longer than the file": b"\x80\x02X\xff\x00\x00\x00abc.",
    "a text of gigabytes": b"\x80\x02X\xff\xff\xff\x7fabc.",
    "an index of gigabytes": b"\x80\x02]j\xff\xff\xff\xff.",
    "nothing on the stack": b"\x80\x02.",
    "two values": b"\x80\x02K\x01K\x02.",
    "no mark": b"\x80\x02}u.",
    "an item for a number": b"\x80\x02K\x01K\x01K\x01s.",
    "a key without a value": b"\x80\x02}(K\x01u.",
    "a list as a key": b"\x80\x02}]K\x01s.",
    "tuples in tuples as a key": b"\x80\x02}" + b")" + b"\x85" * 100 + b"K\x01s.",
    "a call of a number": b"\x80\x02K\x01)R.",
    "a call without a tuple": b"\x80\x02ccollections\nOrderedDict\n]R.",
    "a state for a number": b"\x80\x02K\x01K\x02b.",
    "a tuple of too few": b"\x80\x02K\x01\x86.",
    "an old instruction": b"\x80\x02I1\n.",
    "bad text": b"\x80\x02X\x01\x00\x00\x00\xff.",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_a_pickle_error(content: bytes) -> None:
    with pytest.raises(PickleError) as refused:
        read(content)
    assert "\n" not in str(refused.value)


def test_a_place_in_memory_may_be_any_number() -> None:
    assert read(b"\x80\x02]r\xff\xff\xff\xffj\xff\xff\xff\xff\x86.") == ([], [])


def test_a_piece_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneshot_hpo.search_spaces.pickles._MOST_INSTRUCTIONS", 10_000)
    assert read(pickle.dumps([[]] * 4_000, 2))
    with pytest.raises(PickleError, match="a part of it is too large"):
        read(pickle.dumps([[0.5] for _ in range(10_000)], 2))


@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes_are_a_value_or_a_pickle_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = {"a": VALUE["scalars"], "b": VALUE["ordered"], "c": VALUE["tuples"], "d": ["x" * 20]}
    content = pickle.dumps(value, 2 + seed)
    for _ in range(500):
        changed = bytearray(content)
        for place in rng.integers(0, len(content), int(rng.integers(1, 4))):
            changed[place] = int(rng.integers(256))
        with suppress(PickleError):
            read(bytes(changed))
