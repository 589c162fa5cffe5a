"""Files of NAS-Bench-201 with made-up numbers: the CSV, NATS-Bench's folder, and the .pth.

The pickles have the structure that the authors' `ArchResults.state_dict` and
`ResultsCount.state_dict` give (nas_201_api, nats_bench.api_utils).
"""

import bz2
import csv
import gzip
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces import get_space

DATASETS = ("cifar10", "cifar100", "imagenet16")
_IMAGES = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}


def cells(count: int) -> list[str]:
    """Some cells of NAS-Bench-201, spread over the space and in no order."""
    space = get_space("nasbench201")
    numbers = np.random.default_rng(3).permutation(space.num_configurations)[:count]
    return [space.text(space.architecture(int(number))) for number in numbers]


def trial(
    rng: np.random.Generator, cell: str, dataset: str, seed: int, epochs: int
) -> dict[str, Any]:
    """The dictionary of a `ResultsCount`; a file has numbers of every epoch."""
    names = _IMAGES[dataset]
    places = [f"{name}@{epoch}" for name in names for epoch in range(epochs)]
    per_epoch = float(rng.uniform(5, 20))
    return {
        "name": dataset,
        "train_acc1es": {epoch: float(rng.uniform(0, 100)) for epoch in range(epochs)},
        "train_acc5es": {epoch: float(rng.uniform(0, 100)) for epoch in range(epochs)},
        "train_losses": {epoch: float(rng.uniform(0, 3)) for epoch in range(epochs)},
        "train_times": OrderedDict((epoch, per_epoch) for epoch in range(epochs)),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": cell, "class_num": 10},
        "params": np.float64(rng.integers(70_000, 1_500_000) / 1e6),
        "flop": float(rng.uniform(3, 200)),
        "seed": f"{seed:04d}",
        "epochs": epochs,
        "latency": [np.float64(rng.uniform(0.007, 0.03))],
        "eval_names": list(names),
        "eval_acc1es": {place: float(rng.uniform(0, 100)) for place in places},
        "eval_times": dict.fromkeys(places, 1.5),
        "eval_losses": {place: float(rng.uniform(0, 5)) for place in places},
        "net_state_dict": None,
    }


def architecture(rng: np.random.Generator, number: int, cell: str, epochs: int) -> dict[str, Any]:
    """The dictionary of an `ArchResults`: two or three seeds at 200 epochs, fewer at 12."""
    seeds: dict[str, list[int]] = {}
    for dataset in _IMAGES:
        if epochs == 200:
            seeds[dataset] = [777, 888, 999][: int(rng.integers(2, 4))]
        else:
            seeds[dataset] = [111, 777] if dataset == "cifar10-valid" else [111]
    return {
        "arch_index": number,
        "arch_str": cell,
        "all_results": {
            (dataset, seed): trial(rng, cell, dataset, seed, epochs)
            for dataset in seeds
            for seed in reversed(seeds[dataset])
        },
        "dataset_seed": seeds,
        "clear_net_done": True,
    }


def archive(count: int, names: tuple[str, str] = ("12", "200")) -> dict[str, Any]:
    """What the authors pickle of some cells.

    names: of the two schedules; "less" and "full" in the .pth.
    """
    rng, texts = np.random.default_rng(count), cells(count)
    return {
        "meta_archs": texts,
        "total_archs": count,
        "arch2infos": OrderedDict(
            (
                number,
                OrderedDict(
                    (name, architecture(rng, number, cell, epochs))
                    for name, epochs in zip(names, (12, 200), strict=True)
                ),
            )
            for number, cell in enumerate(texts)
        ),
        "evaluated_indexes": set(range(count)),
    }


def write_nats(folder: Path, content: dict[str, Any]) -> Path:
    """A folder as NATS-tss-v1_0-3ffb9-simple: a file of all names, and one an architecture."""
    folder.mkdir(parents=True)
    meta = {**content, "arch2infos": None, "evaluated_indexes": set()}
    for name, value in [
        ("meta", meta),
        *((f"{number:06d}", of) for number, of in content["arch2infos"].items()),
    ]:
        with bz2.open(folder / f"{name}.pickle.pbz2", "wb") as file:
            pickle.dump(value, file, protocol=4)
    return folder


def write_csv(path: Path, texts: Sequence[str] | None = None) -> Path:
    """nasbench201.csv, or .csv.gz by its name; all cells unless some are given."""
    space, rng = get_space("nasbench201"), np.random.default_rng(0)
    if texts is None:
        numbers = rng.permutation(space.num_configurations)
        texts = [space.text(space.architecture(int(number))) for number in numbers]
    names = ["index", "cell"]
    for dataset in DATASETS:
        names += [f"{dataset}_{name}" for name in ("val_12ep", "test_12ep")]
        names += [f"{dataset}_val_200ep_r{repeat}" for repeat in range(3)]
        names += [f"{dataset}_{name}" for name in ("test_200ep_mean", "train_time_s")]
        names += [f"{dataset}_{name}" for name in ("latency_s", "params_M", "synflow")]
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for index, text in enumerate(texts):
            numbers = rng.uniform(5, 95, (len(DATASETS), 10)).round(4)
            numbers[:, 8] = (numbers[:, 8] / 100).round(6)
            values = [[str(value) for value in of] for of in numbers.tolist()]
            if index % 2:
                for of in values:
                    of[4] = ""
            writer.writerow([index, text, *(value for of in values for value in of)])
    return path
