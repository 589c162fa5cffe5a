"""A sample of what the survival command's `inputs` tries at length."""

import json
import re
import string
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="needs the extra baselines")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneshot_hpo.experiments.benchmarks.survival import inputs
from oneshot_hpo.experiments.benchmarks.survival.inputs import attempt, readers, try_reader
from oneshot_hpo.experiments.benchmarks.survival.mutation import mutate_bytes, mutate_document
from oneshot_hpo.experiments.benchmarks.survival.reader import Broken, Reader, require
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.study.yaml_files import dump_yaml, load_yaml
from oneshot_hpo.hpo.journal.line import sealed

READERS = readers()
QUICK = settings(
    derandomize=True,
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MANY = settings(QUICK, max_examples=200)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_whole_input_is_read_and_nearly_whole_ones_do_no_harm(name: str) -> None:
    reader = READERS[name]
    samples = reader.samples()
    assert all(attempt(reader, content) for content in samples)

    @QUICK
    @given(st.randoms(use_true_random=False))
    def nearly_whole(random: Random) -> None:
        attempt(reader, reader.mutate(random.choice(samples), random))

    @QUICK
    @given(st.binary(max_size=200))
    def anything(content: bytes) -> None:
        attempt(reader, content)

    nearly_whole()
    anything()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["journals", "confirmations", "HpBandSter's results.json"])
def test_any_document_may_stand_in_a_line(name: str) -> None:
    reader = READERS[name]
    lines = reader.samples()[0].splitlines()

    @QUICK
    @given(VALUES, st.integers(0, len(lines) - 1))
    def line(value: Any, place: int) -> None:
        try:
            new = sealed(value)
        except ValueError:  # an infinite number
            new = json.dumps(value).encode() + b"\n"
        attempt(reader, b"\n".join([*lines[:place], new]))

    line()


@pytest.mark.slow
@MANY
@given(st.dictionaries(st.text(string.printable, min_size=1), VALUES, max_size=4))
def test_a_document_goes_round_through_yaml(document: dict[str, Any]) -> None:
    assert load_yaml(dump_yaml(document)) == document


@pytest.mark.slow
@MANY
@given(st.text())
def test_a_message_is_one_line_that_a_terminal_only_shows(text: str) -> None:
    line = one_line(UserError(text))
    assert line and line.isprintable() and len(line) < 1100 * 10


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    line = one_line(
        UserError(f"study.yaml: key 'seed' must be a number, not {'9' * 5000}: mend it")
    )
    assert len(line) < 1100
    assert line.startswith("study.yaml: key 'seed'") and line.endswith(": mend it")


@pytest.mark.slow
@MANY
@given(st.randoms(use_true_random=False), st.binary(max_size=50), VALUES)
def test_mutations_take_anything(random: Random, content: bytes, value: Any) -> None:
    assert isinstance(mutate_bytes(content, random), bytes)
    mutate_document(value, random)


def reader_that(read: Any) -> Reader:
    return Reader("a reader", lambda: [b"whole"], mutate_bytes, read, "file", 1.0)


def test_what_breaks_the_promise_is_counted_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inputs, "confine", lambda: None)

    def read(content: bytes, folder: Path) -> None:
        if len(content) > 5:
            raise KeyError("longer")
        if len(content) < 5:
            raise UserError("file: shorter")

    told = try_reader(reader_that(read), 100, seed=0)
    kept = list((tmp_path / "broken-inputs").iterdir())
    assert len(kept) == told["broken"] > 0
    assert told["accepted"] and "KeyError" in str(told["first"])
    assert all(len(path.read_bytes()) > 5 for path in kept)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("something is wrong"), "no file in"),
        (ValueError("file: wrong"), "ValueError"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_a_refusal_has_to_be_the_projects_and_name_the_file(error: Any, words: str) -> None:
    def read(content: bytes, folder: Path) -> None:
        raise error

    with pytest.raises(Broken, match=words):
        attempt(reader_that(read), b"")


def test_what_is_read_otherwise_when_written_again_is_broken() -> None:
    with pytest.raises(Broken, match="another seed"):
        attempt(reader_that(lambda content, folder: require(False, "another seed")), b"")


@pytest.mark.slow
def test_one_reader_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = inputs._tried("HpBandSter's results.json", 40, 0)
    assert (row.tried, row.survived) == (40, 40)
    assert re.search(r"; \d+ were read$", row.note)
