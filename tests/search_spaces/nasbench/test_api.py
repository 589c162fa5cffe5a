import copy
import os
import pickle
import random

import numpy as np
import pytest

from oneshot_hpo.search_spaces import TableError, get_space
from oneshot_hpo.search_spaces.data_folder import NASBENCH101
from oneshot_hpo.search_spaces.nasbench import api
from oneshot_hpo.search_spaces.nasbench.config import build_config
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.table_file import table_path, write_table

CONV = "conv3x3-bn-relu"


@pytest.fixture(scope="module")
def table(recorded):
    return import_tfrecord(recorded.path, lambda done, size: None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def open_seeded(table, tmp_path):
    """Open the small file with a seed."""
    path = tmp_path / "small.npz"
    write_table(table, path)
    return lambda seed=None: api.NASBench(path, seed)


@pytest.fixture
def nasbench(open_seeded):
    return open_seeded(0)


def spec_of(cell):
    return api.ModelSpec(np.array(cell.matrix), list(cell.operations))


def line(vertices, operation=CONV):
    """A chain of all vertices."""
    matrix = np.eye(vertices, k=1, dtype=int)
    return api.ModelSpec(matrix, ["input", *[operation] * (vertices - 2), "output"])


def test_statistics_are_the_files(nasbench, recorded):
    assert nasbench.valid_epochs == {12, 108}
    for cell in recorded.cells:
        fixed, computed = nasbench.get_metrics_from_spec(spec_of(cell))
        assert fixed["module_adjacency"].dtype == np.int8
        assert fixed["module_adjacency"].tolist() == [list(row) for row in cell.matrix]
        assert fixed["module_operations"] == list(cell.operations)
        assert fixed["trainable_parameters"] == recorded.parameters[cell.hash]
        assert computed == recorded.runs[cell.hash]
        for repeats in computed.values():
            assert {type(value) for run in repeats for value in run.values()} == {float}


def test_statistics_are_mappings_by_hash(nasbench, recorded):
    assert list(nasbench.hash_iterator()) == sorted(recorded.runs)
    assert len(nasbench.fixed_statistics) == len(nasbench.computed_statistics) == len(recorded.runs)
    assert dict(nasbench.computed_statistics) == recorded.runs
    parameters = {
        module_hash: fixed["trainable_parameters"]
        for module_hash, fixed in nasbench.fixed_statistics.items()
    }
    assert parameters == recorded.parameters


def test_what_a_method_returns_is_the_callers_own(nasbench, recorded):
    cell = recorded.cells[0]
    for _ in range(2):  # as long as nothing was read, and after
        fixed, computed = nasbench.get_metrics_from_hash(cell.hash)
        nasbench.query(spec_of(cell))["module_adjacency"][:] = 0
        fixed["module_adjacency"][:] = 0
        fixed["module_operations"].clear()
        computed[108].clear()
        assert nasbench.fixed_statistics[cell.hash]["module_adjacency"].any()
        assert nasbench.fixed_statistics[cell.hash]["module_operations"] == list(cell.operations)
        assert nasbench.computed_statistics[cell.hash] == recorded.runs[cell.hash]


def test_clients_pad_modules_in_place(nasbench, recorded):
    """As google's own dictionaries, they keep what is written into them, for all methods."""
    for module_hash in nasbench.hash_iterator():
        module = nasbench.fixed_statistics[module_hash]
        loose = 7 - len(module["module_operations"])
        module["module_adjacency"] = np.pad(module["module_adjacency"], (0, loose))
        module["module_operations"].extend(["none"] * loose)
        nasbench.computed_statistics[module_hash][108][0]["final_test_accuracy"] = -1.0

    assert any(len(cell.matrix) < 7 for cell in recorded.cells)
    for cell in recorded.cells:
        fixed, computed = nasbench.get_metrics_from_hash(cell.hash)
        assert fixed["module_adjacency"].shape == (7, 7)
        assert len(fixed["module_operations"]) == 7
        assert computed[108][0]["final_test_accuracy"] == -1.0
        drawn = nasbench.query(spec_of(cell))
        assert drawn["module_adjacency"].shape == (7, 7)
        assert drawn["module_operations"] == fixed["module_operations"]


def test_statistics_are_dictionaries_of_dictionaries(nasbench, recorded):
    first, second = sorted(recorded.runs)[:2]
    for statistics in (nasbench.fixed_statistics, nasbench.computed_statistics):
        assert isinstance(statistics, dict) and type(statistics[first]) is dict
        copied = statistics.copy()
        assert list(copied) == sorted(recorded.runs) and type(copied) is dict
        del statistics[first]
        statistics["new"] = statistics[second]
        assert first not in statistics and first in copied
        assert len(statistics) == len(recorded.runs)
    assert list(nasbench.hash_iterator()) == [*sorted(recorded.runs)[1:], "new"]
    with pytest.raises(KeyError):
        nasbench.get_metrics_from_hash(first)
    assert nasbench.get_metrics_from_hash("new")[1] == recorded.runs[second]


def test_clients_may_put_a_dictionary_of_their_own_there(nasbench, recorded):
    cell = recorded.cells[0]
    nasbench.fixed_statistics = {cell.hash: {"own": [1]}}
    fixed, computed = nasbench.get_metrics_from_hash(cell.hash)
    assert (fixed, computed) == ({"own": [1]}, recorded.runs[cell.hash])
    assert fixed["own"] is not nasbench.fixed_statistics[cell.hash]["own"]


def test_a_copy_of_the_whole_benchmark_is_its_own(nasbench, recorded):
    module_hash = recorded.cells[0].hash
    nasbench.computed_statistics[module_hash][12].clear()
    for twin in (copy.deepcopy(nasbench), pickle.loads(pickle.dumps(nasbench))):
        expected = recorded.runs | {module_hash: recorded.runs[module_hash] | {12: []}}
        assert dict(twin.computed_statistics) == expected
        twin.computed_statistics[module_hash][12].append(1)
        assert nasbench.computed_statistics[module_hash][12] == []
        assert twin.query(spec_of(recorded.cells[1])) is not None


@pytest.mark.parametrize(("stop_halfway", "point"), [(False, "final"), (True, "halfway")])
def test_queries_with_a_seed_draw_as_the_original(open_seeded, recorded, stop_halfway, point):
    nasbench = open_seeded(7)
    global_state = random.getstate()
    draws = random.Random(7)
    seconds = 0.0
    for cell in recorded.cells * 3:
        data = nasbench.query(spec_of(cell), epochs=12, stop_halfway=stop_halfway)
        run = recorded.runs[cell.hash][12][draws.randint(0, 2)]
        seconds += data["training_time"]
        assert data.pop("module_adjacency").tolist() == [list(row) for row in cell.matrix]
        assert data == {
            "module_operations": list(cell.operations),
            "trainable_parameters": recorded.parameters[cell.hash],
        } | {
            name: run[f"{point}_{name}"]
            for name in ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
        }
    epochs = len(recorded.cells) * 3 * (6 if stop_halfway else 12)
    assert nasbench.get_budget_counters() == (seconds, epochs)
    assert (nasbench.training_time_spent, nasbench.total_epochs_spent) == (seconds, epochs)
    nasbench.reset_budget_counters()
    assert nasbench.get_budget_counters() == (0.0, 0)
    assert random.getstate() == global_state


def test_without_a_seed_all_repeats_come_up(open_seeded, recorded):
    nasbench, cell = open_seeded(), recorded.cells[0]
    drawn = {nasbench.query(spec_of(cell))["training_time"] for _ in range(200)}
    assert drawn == {run["final_training_time"] for run in recorded.runs[cell.hash][108]}


def test_without_a_seed_the_clients_generator_draws(open_seeded, recorded):
    """As with the original, `random.seed` in a client's code makes its run repeatable."""
    state = random.getstate()
    try:
        nasbench = open_seeded()
        assert random.getstate() == state
        random.seed(11)
        drawn = [nasbench.query(spec_of(cell))["training_time"] for cell in recorded.cells]
        random.seed(11)
        draws = [random.randint(0, 2) for _ in recorded.cells]
    finally:
        random.setstate(state)
    assert drawn == [
        recorded.runs[cell.hash][108][draw]["final_training_time"]
        for cell, draw in zip(recorded.cells, draws, strict=True)
    ]


def test_loose_ends_and_another_order_are_the_same_module(nasbench, recorded):
    cell = next(cell for cell in recorded.cells if len(cell.matrix) < 7)
    matrix = np.pad(np.array(cell.matrix), 1)[1:, 1:]
    matrix[:, -1], matrix[:, -2] = matrix[:, -2].copy(), 0
    matrix[0, -2] = 1  # a dead end before the output
    spec = api.ModelSpec(matrix, [*cell.operations[:-1], CONV, "output"])
    assert nasbench.get_metrics_from_spec(spec)[1] == recorded.runs[cell.hash]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (api.ModelSpec(np.zeros((2, 2), int), ["input", "output"]), "no path"),
        (line(8), "8 vertices after pruning, at most 7"),
        (
            api.ModelSpec(np.triu(np.ones((5, 5), int), 1), line(5).ops),
            "10 edges after pruning, at most 9",
        ),
        (api.ModelSpec([[0, 1], [0, 0]], ["output", "input"]), "not 'output' and 'input'"),
        (line(3, "conv5x5"), "'conv5x5' is none of conv3x3-bn-relu, conv1x1-bn-relu"),
    ],
)
def test_what_is_outside_the_benchmark_costs_and_draws_nothing(open_seeded, recorded, spec, words):
    nasbench, untouched = open_seeded(3), open_seeded(3)
    assert not nasbench.is_valid(spec)
    with pytest.raises(api.OutOfDomainError, match=words):
        nasbench.query(spec)
    with pytest.raises(api.OutOfDomainError, match=words):
        nasbench.get_metrics_from_spec(spec)
    assert nasbench.get_budget_counters() == (0.0, 0)
    known = [spec_of(cell) for cell in recorded.cells]
    assert [nasbench.query(s)["training_time"] for s in known] == [
        untouched.query(s)["training_time"] for s in known
    ]


def test_out_of_the_domain_is_no_value_error(nasbench):
    """`except ValueError` in a client is for a spec that cannot be made, as with the original."""
    assert not issubclass(api.OutOfDomainError, ValueError)


def test_private_names_that_clients_use_are_there(nasbench, recorded):
    cell = recorded.cells[0]
    assert nasbench._hash_spec(spec_of(cell)) == cell.hash
    nasbench._check_spec(spec_of(cell))
    with pytest.raises(api.OutOfDomainError):
        nasbench._check_spec(line(8))


def test_pruning_comes_before_the_limits(nasbench):
    large = np.zeros((9, 9), int)
    large[0, 8] = 1
    large[1:7, 7] = 1
    assert nasbench.is_valid(api.ModelSpec(large, ["input", *["conv5x5"] * 7, "output"]))


def test_epochs_that_were_not_trained_are_outside(nasbench, recorded):
    with pytest.raises(api.OutOfDomainError, match=r"36 epochs, only of \[12, 108\]"):
        nasbench.query(spec_of(recorded.cells[0]), epochs=36)


def test_an_unknown_hash_is_a_key_error(nasbench, recorded):
    known = next(iter(recorded.runs))
    for unknown in ("0" * 32, "", "not a hash", known[:16], known[:-1] + "x", known.upper()):
        assert unknown not in nasbench.fixed_statistics
        with pytest.raises(KeyError) as raised:
            nasbench.get_metrics_from_hash(unknown)
        assert raised.value.args == (unknown,)
    last_digit = "0" if known[-1] != "0" else "1"
    assert known[:-1] + last_digit not in nasbench.computed_statistics


def test_a_module_that_the_table_lacks_is_a_key_error_and_costs_nothing(nasbench, recorded):
    foreign = next(cell for cell in get_space(1).cells if cell.hash not in recorded.runs)
    assert nasbench.is_valid(spec_of(foreign))
    with pytest.raises(KeyError, match=foreign.hash):
        nasbench.query(spec_of(foreign))
    assert nasbench.get_budget_counters() == (0.0, 0)


def test_the_configuration_is_the_benchmarks(nasbench):
    assert nasbench.config["module_vertices"] == 7
    assert nasbench.config["max_edges"] == 9
    assert nasbench.config["num_repeats"] == 3
    assert nasbench.config["available_ops"] == [CONV, "conv1x1-bn-relu", "maxpool3x3"]
    assert nasbench.config == build_config()


def test_the_data_folder_is_the_default(table, folder, recorded, capsys):
    with pytest.raises(TableError, match="oneshot-hpo data import"):
        api.NASBench()
    write_table(table, folder / NASBENCH101)
    assert dict(api.NASBench().computed_statistics) == recorded.runs
    assert capsys.readouterr() == ("", "")


def test_an_official_file_is_read_unless_it_was_imported(table, folder, recorded, capsys):
    assert dict(api.NASBench(str(recorded.path)).computed_statistics) == recorded.runs
    output = capsys.readouterr()
    assert output.out == ""
    assert f"oneshot-hpo data import {recorded.path}" in output.err

    write_table(table, folder / NASBENCH101)
    assert dict(api.NASBench(str(recorded.path)).computed_statistics) == recorded.runs
    assert capsys.readouterr().err == ""


def test_another_file_than_the_imported_one_is_read(table, folder, recorded, capsys, tmp_path):
    write_table(table, folder / NASBENCH101)
    changed = tmp_path / recorded.path.name
    changed.write_bytes(recorded.path.read_bytes())
    os.utime(changed, ns=(0, 0))
    assert dict(api.NASBench(changed).computed_statistics) == recorded.runs
    assert "oneshot-hpo data import" in capsys.readouterr().err


def test_a_broken_data_folder_does_not_keep_a_file_from_being_read(folder, recorded):
    (folder / NASBENCH101).write_bytes(b"no table")
    assert dict(api.NASBench(recorded.path).computed_statistics) == recorded.runs


def test_files_that_cannot_be_used_say_so(folder, recorded, tmp_path):
    with pytest.raises(TableError, match=r"missing.tfrecord: No such file"):
        api.NASBench(tmp_path / "missing.tfrecord")
    with pytest.raises(TableError, match=r"missing.npz"):
        api.NASBench(tmp_path / "missing.npz")
    with pytest.raises(TableError, match="not one of NAS-Bench-101"):
        api.NASBench(table_path("digits"))
    cut = tmp_path / "cut.tfrecord"
    cut.write_bytes(recorded.path.read_bytes()[:-7])
    with pytest.raises(TableError, match=r"cut.tfrecord"):
        api.NASBench(cut)
