"""Small data sets in the layout of CIFAR-10's Python version, pickled as Python 2 did it."""

import struct
from pathlib import Path

import numpy as np

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def write_cifar10(folder: Path, per_batch: int = 4, test: int = 6, seed: int = 0) -> Path:
    """Write the seven files into a new folder, and return it."""
    folder.mkdir(parents=True)
    names = b"".join(map(_string, CLASSES))
    (folder / "batches.meta").write_bytes(_dictionary({"label_names": b"](" + names + b"e"}))
    rng = np.random.default_rng(seed)
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        count = test if name == "test_batch" else per_batch
        pixels = rng.integers(0, 256, (count, 3072), np.uint8)
        write_batch(folder / name, pixels, (np.arange(count) % 10).tolist())
    return folder


def write_batch(path: Path, pixels: np.ndarray, labels: list[int]) -> None:
    """Write a batch; the array's memory order is kept."""
    values = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    path.write_bytes(_dictionary({"data": _array(pixels), "labels": values}))


def _dictionary(entries: dict[str, bytes]) -> bytes:
    content = b"".join(_string(key) + value for key, value in entries.items())
    return b"\x80\x02}(" + content + b"u."


def _array(array: np.ndarray) -> bytes:
    """What Python 2's NumPy pickles: _reconstruct(ndarray, (0,), 'b'), then its state."""
    by_columns = not array.flags.c_contiguous
    shape = b"".join(b"M" + struct.pack("<H", length) for length in array.shape)
    kind = _string(array.dtype.str[1:])
    content = array.tobytes("F" if by_columns else "C")
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01(" + shape + b"tcnumpy\ndtype\n(" + kind + b"K\x00K\x01tR"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + (b"\x88" if by_columns else b"\x89")
        + b"T"
        + struct.pack("<i", len(content))
        + content
        + b"tb"
    )


def _string(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()
