"""The interface on a file of 1,000 cells of NAS-Bench-101, against an independent program."""

import importlib
import os
from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.search_spaces.nasbench import api

EPOCHS = (4, 12, 36, 108)


@pytest.fixture(scope="module")
def program():
    """The modules nb101 and write_tfrecord, which know the numbers and the file format."""
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "nasbench101"
    if not (folder / "write_tfrecord.py").exists():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench101/write_tfrecord.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield importlib.import_module("nb101"), importlib.import_module("write_tfrecord")


@pytest.mark.slow
def test_1000_random_cells_equal_to_the_bit(program, tmp_path):
    nb101, writer = program
    numbers = nb101.load()
    hashes = nb101.all_hashes(numbers, str(Path(nb101.__file__).with_name("nb101_hash.npz")))
    rows = np.random.default_rng(0).choice(len(numbers), 1000, replace=False)
    path = tmp_path / "nasbench_1000.tfrecord"
    with path.open("wb") as file:
        for record in writer.rows(numbers, EPOCHS, rows, hashes):
            file.write(writer.frame(record))
    nasbench = api.NASBench(path)

    for epochs in EPOCHS:
        valid, test, train, seconds = numbers.halfway(epochs, rows)
        column = nb101.B[epochs]
        expected = {
            "halfway_training_time": seconds.astype(float),
            "halfway_train_accuracy": share(train),
            "halfway_validation_accuracy": share(valid),
            "halfway_test_accuracy": share(test),
            "final_training_time": numbers.time[rows, column].astype(float),
            "final_train_accuracy": share(numbers.train[rows, column]),
            "final_validation_accuracy": share(numbers.val[rows, column]),
            "final_test_accuracy": share(numbers.test[rows, column]),
        }
        for place, row in enumerate(rows):
            adjacency, codes = numbers.graph(row)
            operations = [nb101.OP_NAMES[code] for code in codes]
            spec = api.ModelSpec(adjacency, operations)
            fixed, computed = nasbench.get_metrics_from_spec(spec)
            assert fixed["trainable_parameters"] == numbers.params[row]
            assert fixed["module_operations"] == operations
            assert computed[epochs] == [
                {name: values[place, repeat] for name, values in expected.items()}
                for repeat in range(3)
            ]


def share(hits):
    """Accuracies as the official numbers give them."""
    return (hits / 9984).astype(np.float32).astype(float)
