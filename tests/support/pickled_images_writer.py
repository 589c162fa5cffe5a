"""Small data sets in the layouts of CIFAR-100's Python version and of ImageNet16."""

import pickle
from pathlib import Path

import numpy as np

FINE = tuple(f"thing {number}" for number in range(100))


def write_cifar100(folder: Path, train: int = 20, test: int = 6) -> Path:
    """Write the three files into a new folder, and return it."""
    folder.mkdir(parents=True)
    names = {"fine_label_names": list(FINE), "coarse_label_names": ["a", "b"]}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=3))
    rng = np.random.default_rng(0)
    for name, count in (("train", train), ("test", test)):
        fine = rng.integers(100, size=count).tolist()
        content = {
            "filenames": [f"{number}.png" for number in range(count)],
            "batch_label": name,
            "fine_labels": fine,
            "coarse_labels": [label % 2 for label in fine],
            "data": rng.integers(0, 256, (count, 3072), np.uint8),
        }
        (folder / name).write_bytes(pickle.dumps(content, protocol=3))
    return folder


def write_imagenet16(folder: Path, per_batch: int = 6, test: int = 8) -> Path:
    """Write the eleven files, labels 1 to 240, half of them kept, and return their folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in [*(f"train_data_batch_{number}" for number in range(1, 11)), "val_data"]:
        count = test if name == "val_data" else per_batch
        labels = rng.integers(1, 241, size=count)
        labels[:2] = 1, 121
        content = {
            "data": rng.integers(0, 256, (count, 768), np.uint8),
            "labels": labels.tolist(),
            "mean": rng.random(768),
        }
        (folder / name).write_bytes(pickle.dumps(content, protocol=3))
    return folder
