import base64
import importlib.util
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from support.tfrecord_writer import frame, metrics, random_records, record, write_tfrecord

from oneshot_hpo.search_spaces import Cell, TableError, TrainedCells, get_space
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.nasbench101.record import ModelMetrics, parse_record
from oneshot_hpo.search_spaces.table import SPLITS
from oneshot_hpo.search_spaces.table_file import load_table, write_table

CELLS = get_space(1).cells[:30]
ACCURACIES = ("train", "validation", "test")
METRICS_OF_CELL = metrics(108, 1000, (0.5, 0.25, 0.125, 400.0), (1.0, 0.75, 0.5, 800.0))


def imported(path: Path) -> TrainedCells:
    return import_tfrecord(path, lambda done, size: None)


def of_records(folder: Path, records: list[bytes]) -> TrainedCells:
    path = folder / "nasbench.tfrecord"
    write_tfrecord(path, records)
    return imported(path)


def test_every_number_comes_back_to_the_bit(tmp_path):
    records = random_records(CELLS, (4, 108), np.random.default_rng(0))
    table = of_records(tmp_path, records)
    assert len(table) == len(CELLS) and table.budgets == (4, 108) and table.repeats == 3
    repeat = 0
    for data in records:
        parsed = parse_record(data)
        row = table.rows(np.frombuffer(bytes.fromhex(parsed.module_hash), np.uint8)[None])[0]
        numbers = [
            *[table.accuracies(m, row, parsed.epochs, halfway=True)[repeat] for m in SPLITS],
            table.seconds(row, parsed.epochs, halfway=True)[repeat],
            *[table.accuracies(m, row, parsed.epochs)[repeat] for m in SPLITS],
            table.seconds(row, parsed.epochs)[repeat],
        ]
        assert numbers == list(parsed.evaluations)
        assert table.parameters[row] == parsed.parameters
        repeat = (repeat + 1) % 3
    for cell in CELLS:
        row = table.rows(np.frombuffer(bytes.fromhex(cell.hash), np.uint8)[None])[0]
        assert table.cell(row) == cell


def test_records_may_come_in_any_order_of_cells(tmp_path):
    records = random_records(CELLS[:6], (36, 108), np.random.default_rng(1))
    order = np.random.default_rng(2).permutation(6 * 2)
    shuffled = [records[3 * group + repeat] for repeat in range(3) for group in order]
    table, other = (of_records(tmp_path, r) for r in (records, shuffled))
    for metric in SPLITS:
        np.testing.assert_array_equal(table.final.hits[metric], other.final.hits[metric])
    np.testing.assert_array_equal(table.hashes, other.hashes)


def test_progress_ends_at_the_whole_file_and_the_source_is_recorded(tmp_path):
    path = tmp_path / "some.tfrecord"
    write_tfrecord(path, random_records(CELLS[:2], (108,), np.random.default_rng(0)))
    seen: list[tuple[int, int]] = []
    table = import_tfrecord(path, lambda done, size: seen.append((done, size)))
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    source = table.provenance["source"]
    assert source["file"] == "some.tfrecord" and source["bytes"] == size
    assert source["modified"] == path.stat().st_mtime_ns and source["release"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"module_hash": "0" * 32}, "its hash is not that of its graph"),
        ({"module_hash": 7}, "not a list of hash, epochs, adjacency, operations and metrics"),
        ({"epochs": 109}, "trained for 109 epochs, not 4, 12, 36 or 108"),
        ({"epochs": True}, "not a list of hash"),
        ({"epochs": 36}, "an evaluation is from epoch 54.0, not 18.0"),
        ({"adjacency": "0110"}, "not a matrix of 0 and 1 that fits"),
        ({"adjacency": "2" * 25}, "not a matrix of 0 and 1 that fits"),
        ({"adjacency": "0" * 25}, "its graph is not a cell"),
        ({"operations": "input,a,b,c,output"}, "its graph is not a cell"),
        ({"metrics": "!!"}, "its metrics are not base64"),
        ({"metrics": ""}, "its metrics are not base64"),
        ({"metrics": base64.b64encode(b"\xff" * 9).decode()}, "not a protobuf"),
        ({"more": 1}, "not a list of hash"),
    ],
)
def test_a_record_with_right_checksums_and_wrong_content_is_numbered(tmp_path, changes, message):
    cell = next(cell for cell in CELLS if len(cell.matrix) == 5)
    good = [record(cell, 108, METRICS_OF_CELL)] * 2
    bad = record(cell, 108, METRICS_OF_CELL, **changes)
    with pytest.raises(TableError, match=rf"nasbench\.tfrecord: record 1 is wrong: .*{message}"):
        of_records(tmp_path, [bad, *good])
    if message != "its hash is not that of its graph":  # there it is a second cell
        with pytest.raises(TableError, match=r"nasbench\.tfrecord: record 3 is wrong"):
            of_records(tmp_path, [*good, bad])


@pytest.mark.parametrize(
    ("halfway", "final", "message"),
    [
        ((0.5, 0.25, 0.1, 400.0), (1.0, 0.75, 0.5, 800.0), "test accuracy 0.1 is not a share"),
        ((0.5, 0.25, 0.125, 400.0), (1.5, 0.75, 0.5, 800.0), "train accuracy 1.5 is not a share"),
        ((0.5, float("nan"), 0.125, 400.0), (1.0, 0.75, 0.5, 800.0), "valid accuracy nan"),
        ((0.5, 0.25, 0.125, 400.0), (1.0, 0.75, -0.5, 800.0), "test accuracy -0.5 is not a share"),
        ((0.5, 0.25, 0.125, 800.0), (1.0, 0.75, 0.5, 400.0), "800.0 s halfway and 400.0 s"),
        ((0.5, 0.25, 0.125, 400.1), (1.0, 0.75, 0.5, 800.0), "400.1 s halfway"),
        ((0.5, 0.25, 0.125, 400.0), (1.0, 0.75, 0.5, float("inf")), "inf s at the end"),
        ((0.5, 0.25, 0.125, -4.0), (1.0, 0.75, 0.5, 800.0), "training starts at"),
    ],
)
def test_numbers_that_cannot_be_of_nasbench101_are_refused(tmp_path, halfway, final, message):
    good = record(CELLS[0], 108, METRICS_OF_CELL)
    bad = record(CELLS[0], 108, metrics(108, 1000, halfway, final))
    with pytest.raises(TableError, match=f"record 2 is wrong: .*{message}"):
        of_records(tmp_path, [good, bad, good])


def test_cells_outside_nasbench101_are_refused(tmp_path):
    ten_edges = np.triu(np.ones((5, 5), int), 1)
    loose_end = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    path = np.triu(np.ones((8, 8), int), 1) & ~np.triu(np.ones((8, 8), int), 2)
    for matrix in (ten_edges, loose_end, path):
        operations = ("input", *[OPERATIONS[0]] * (len(matrix) - 2), "output")
        cell = Cell(tuple(map(tuple, matrix.tolist())), operations)
        with pytest.raises(
            TableError, match="record 1 is wrong: its graph is not a cell of NAS-Be"
        ):
            of_records(tmp_path, [record(cell, 108, METRICS_OF_CELL)] * 3)


def test_records_of_a_cell_that_contradict_each_other_are_refused(tmp_path):
    cell = CELLS[0]
    other = metrics(108, 1001, (0.5, 0.25, 0.125, 400.0), (1.0, 0.75, 0.5, 800.0))
    with pytest.raises(TableError, match="record 2 is wrong: its trainable parameters differ"):
        of_records(tmp_path, [record(cell, 108, METRICS_OF_CELL), record(cell, 108, other)])
    first = next(c for c in get_space(1).cells if len(c.matrix) == 6)
    order = [0, 2, 1, 3, 4, 5]
    matrix = np.array(first.matrix)[np.ix_(order, order)]
    swapped = {
        "adjacency": "".join(map(str, matrix.ravel())),
        "operations": ",".join(first.operations[i] for i in order),
    }
    records = [
        record(first, 108, METRICS_OF_CELL),
        record(first, 108, METRICS_OF_CELL, **swapped),
    ]
    with pytest.raises(TableError, match="record 2 is wrong: its hash is that of another graph"):
        of_records(tmp_path, records)


def test_a_file_cut_between_records_is_found_by_its_repeats(tmp_path):
    records = random_records(CELLS[:3], (4, 108), np.random.default_rng(0))
    for kept in (records[:-1], records[:-3], records[:1], [*records, records[0]]):
        with pytest.raises(TableError, match=r"cut short, or with a record twice: cell .* epochs"):
            of_records(tmp_path, kept)


class TestDamage:
    """200 damaged variants of a small file: each is refused on one line."""

    CLASSES = ("length", "crc", "data", "cut", "json", "base64", "protobuf", "protobuf cut")
    EACH = 25

    @pytest.mark.parametrize("kind", CLASSES)
    def test_is_refused(self, tmp_path, kind):
        rng = np.random.default_rng(self.CLASSES.index(kind))
        records = random_records(CELLS[:4], (4, 108), rng)
        path = tmp_path / "damaged.tfrecord"
        for _ in range(self.EACH):
            index = int(rng.integers(len(records)))
            frames = [frame(data) for data in records]
            frames[index] = self.damaged(kind, records[index], rng)
            content = b"".join(frames)
            if kind == "cut":
                # Cut here it would be a right file of fewer cells, or of one at one budget.
                right = {len(b"".join(frames[:count])) for count in (0, 3, 6, 12, 18)}
                lengths = set(range(len(content))) - right
                content = content[: rng.choice(sorted(lengths))]
            path.write_bytes(content)
            with pytest.raises(TableError, match=r"^damaged\.tfrecord: ") as error:
                imported(path)
            assert "\n" not in str(error.value)

    def damaged(self, kind: str, data: bytes, rng: np.random.Generator) -> bytes:
        """A frame with a flipped bit, or shortened; from `json` on its checksums are right."""
        whole = frame(data)
        if kind == "cut":
            return whole
        if kind in ("length", "crc", "data"):
            places = {
                "length": range(8),
                "crc": [*range(8, 12), *range(len(whole) - 4, len(whole))],
                "data": range(12, len(whole) - 4),
            }[kind]
            return flipped(whole, int(rng.choice(places)), rng)
        if kind == "json":
            return frame(flipped(data, int(rng.integers(data.rindex(b' "'))), rng))
        *fields, encoded = json.loads(data)
        metrics = base64.b64decode(encoded)
        telling = telling_bytes(metrics)
        place = int(rng.choice(telling))
        if kind == "base64":
            # Of every third byte the first six bits are a character of their own.
            place = int(rng.choice([place for place in telling if place % 3 == 0])) // 3 * 4
            changed = flipped(encoded.encode(), place, rng).decode("latin-1")
        elif kind == "protobuf":
            changed = base64.b64encode(flipped(metrics, place, rng)).decode()
        else:
            changed = base64.b64encode(metrics[:place]).decode()
        return frame(json.dumps([*fields, changed]).encode())


def flipped(data: bytes, place: int, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def telling_bytes(metrics: bytes) -> list[int]:
    """Places in a message where a flipped bit cannot give another right record.

    Not among them: the leading bits of numbers, since only a checksum can tell one accuracy or
    time from another; and what is not kept, the evaluation before the first step and the tags of
    the epochs.
    """
    message = ModelMetrics.FromString(metrics)
    start, *kept = message.evaluation_data
    places = set(range(2 + start.ByteSize(), len(metrics)))
    for evaluation in kept:
        begin = metrics.index(evaluation.SerializeToString())
        places.remove(begin)
        for name, leading in (("training_time", 5), *[(f"{m}_accuracy", 3) for m in ACCURACIES]):
            number = struct.pack("<d", getattr(evaluation, name))
            end = metrics.index(number, begin) + len(number)
            places -= set(range(end - leading, end))
    return sorted(places)


@pytest.fixture(scope="module")
def real_table(full_tfrecord, tmp_path_factory) -> TrainedCells:
    path = tmp_path_factory.mktemp("imported") / "nasbench101.npz"
    write_table(imported(full_tfrecord), path)
    return load_table(path)


@pytest.fixture(scope="module")
def reference(nasbench101_folder):
    """nb101.py's own table."""
    return load_module(nasbench101_folder / "nb101.py").load()


def load_module(path: Path):
    """A module that is no part of this project, under its own name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spaces_table(reference, nasbench101_folder, tmp_path_factory) -> TrainedCells:
    """All cells of the three spaces after 108 epochs."""
    writer = load_module(nasbench101_folder / "write_tfrecord.py")
    with np.load(nasbench101_folder / "nb101_hash.npz") as arrays:
        hashes = arrays["hash"]
    keys = hashes.tolist()
    rows = {bytes(key): row for row, key in enumerate(keys)}
    cells = {cell.hash for number in (1, 2, 3) for cell in get_space(number).cells}
    order = np.array([rows[bytes.fromhex(digest)] for digest in sorted(cells)])
    path = tmp_path_factory.mktemp("spaces") / "spaces.tfrecord"
    with path.open("wb") as file:
        file.writelines(map(frame, writer.rows(reference, [108], order, hashes)))
    return imported(path)


@pytest.mark.slow
class TestRealNumbers:
    """Against the numbers that another program wrote, and reads with code of its own."""

    def test_1000_random_cells_are_equal_to_the_bit(self, real_table, reference):
        table = real_table
        assert len(table) == 2_000 and table.budgets == (4, 12, 36, 108)
        for row in np.random.default_rng(0).choice(len(table), 1_000, replace=False):
            cell = table.cell(row)
            index = reference.index(np.array(cell.matrix), cell.operations)
            assert bytes(table.hashes[row]).hex() == reference.hash(index) == cell.hash
            for budget in table.budgets:
                for repeat in range(3):
                    wanted = reference.query(index, budget, repeat)
                    assert table.parameters[row] == wanted["trainable_parameters"]
                    for point, halfway in (("halfway", True), ("final", False)):
                        seconds = table.seconds(row, budget, halfway=halfway)[repeat]
                        assert seconds == wanted[f"{point}_training_time"]
                        for metric, name in zip(SPLITS, ACCURACIES, strict=True):
                            accuracy = table.accuracies(metric, row, budget, halfway=halfway)
                            assert accuracy[repeat] == wanted[f"{point}_{name}_accuracy"]

    def test_a_space_that_is_not_whole_is_named(self, real_table):
        with pytest.raises(ValueError, match=r"space 1: the table of NAS-Bench-101 lacks 26\d\d"):
            real_table.best(get_space(1))

    def test_the_best_errors_of_each_space_are_the_published_ones(self, spaces_table):
        """Where the data behind them is real: all mean test errors, space 3's best validation."""
        best = {number: spaces_table.best(get_space(number)) for number in (1, 2, 3)}
        assert len(spaces_table) == 66_111
        tests = [round(100 * best[number].test_error, 3) for number in (1, 2, 3)]
        assert tests == [5.799, 6.033, 5.823]
        assert round(100 * best[3].valid_error, 3) == 5.262
