"""Small files that stand for a great deal: refused before the memory or the time is spent."""

import gzip
import hashlib
import io
import resource
import struct
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow", reason="needs the extra baselines")
pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra baselines")


from oneshot_hpo.experiments.benchmarks.survival.inputs import readers
from oneshot_hpo.experiments.data.image_sets import CIFAR_10
from oneshot_hpo.experiments.data.images import import_images
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.grids.grid import load_grid
from oneshot_hpo.experiments.numbers.baselines_file import read_baselines
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import OptimizerSettings
from oneshot_hpo.hpo.journal.line import sealed, unsealed
from oneshot_hpo.search_spaces import TableError, load_table
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.nasbench101.tfrecord import masked_crc
from oneshot_hpo.searchers import checkpoint
from oneshot_hpo.searchers.data.cifar10 import FILES, read_cifar10
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import DatasetError

MEMORY = 300 << 10
"""KiB that a refusal may take at most."""
SECONDS = 60.0
"""Of the processor; what these files ask for would take hours."""


@pytest.fixture(autouse=True)
def frugal() -> Iterator[None]:
    """Fails a test that takes long or much memory; the bombs themselves are small."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
    assert time.process_time() - start < SECONDS


def header(shape: tuple[int, ...]) -> bytes:
    """An array's header in an .npy file, without the array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("shape", [(10**12,), (2**31, 2**31), (2**62, 4)])
def test_an_array_that_claims_to_be_huge(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "huge.npz"
    members = {f"{name}.npy": header(shape) + bytes(64) for name in ("images", "labels", "hashes")}
    path.write_bytes(zipped(members))
    with pytest.raises(DatasetError, match=r"huge\.npz"):
        load_dataset(path)
    with pytest.raises(TableError, match=r"huge\.npz"):
        load_table(path)


def test_a_zip_that_unpacks_to_more_than_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.npz"
    zeros = header((64, 256, 256)) + bytes(64 * 256 * 256 * 8)
    path.write_bytes(zipped({"images.npy": zeros, "labels.npy": zeros}, zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 1 << 17
    monkeypatch.setattr("oneshot_hpo.searchers.data.images.os.sysconf", lambda name: 1 << 14)
    with pytest.raises(DatasetError, match=r"bomb\.npz: its arrays have 0\.1 GB, too much"):
        load_dataset(path)


def test_a_pickle_that_asks_for_a_huge_memory_or_an_endless_hash(tmp_path: Path) -> None:
    for name, content in {
        "a number in memory": b"\x80\x02}r\xff\xff\xff\x7f.",
        "a key of tuples": b"\x80\x02}K\x01\x85" + b"q\x00h\x00\x86" * 60 + b"K\x01s.",
        "a long text": b"\x80\x04}\x8d" + struct.pack("<Q", 2**40) + b"a.",
        "a frame": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"}.",
    }.items():
        (tmp_path / "batches.meta").write_bytes(content)
        with pytest.raises(DatasetError, match=r"batches\.meta"):
            read_cifar10(tmp_path)
            pytest.fail(name)


def test_an_archive_with_a_huge_member(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.size = 1 << 40
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(gzip.compress(member.tobuf() + bytes(1 << 16)))
    with pytest.raises(DatasetError, match="data_batch_1 is too large"):
        import_images(
            CIFAR_10, path, tmp_path / "target", replace=False, on_progress=lambda done, total: None
        )
    assert not (tmp_path / "target").exists()


def refused_archive(folder: Path, content: bytes) -> str:
    """Why an archive is not taken in."""
    path = folder / "cifar-10-python.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError) as refusal:
        import_images(
            CIFAR_10, path, folder / "target", replace=False, on_progress=lambda done, total: None
        )
    assert str(refusal.value).startswith(str(path))
    assert not (folder / "target").exists()
    return str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
def test_an_archive_with_a_huge_header(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("header")
    member.type, member.size = kind, 3 << 30
    zeros = gzip.compress(bytes(1 << 26)) * 6
    words = refused_archive(tmp_path, gzip.compress(member.tobuf()) + zeros)
    assert "a header has 3,221,225,472 bytes" in words or "cut short" in words


def test_an_archive_with_many_members(tmp_path: Path) -> None:
    block = gzip.compress(tarfile.TarInfo("x").tobuf() * (1 << 12))
    assert "more than 10,000 members" in refused_archive(tmp_path, block * (1 << 6))


@pytest.mark.parametrize("target", ["nowhere", "cifar-10-batches-py/data_batch_1", "/etc/passwd"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_an_archive_of_links(tmp_path: Path, target: str, kind: bytes) -> None:
    member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
    member.type, member.linkname = kind, target
    words = refused_archive(tmp_path, gzip.compress(member.tobuf() + bytes(1024)))
    assert "data_batch_1 is a link in it" in words


def test_a_pickle_of_a_million_values(tmp_path: Path) -> None:
    (tmp_path / "batches.meta").write_bytes(b"\x80\x02" + b"]" * (1 << 20) + b".")
    with pytest.raises(DatasetError, match="more instructions than its length explains"):
        read_cifar10(tmp_path)


def test_images_that_are_more_than_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FILES:
        with (tmp_path / name).open("wb") as file:
            file.truncate(1 << 28)
    monkeypatch.setattr("oneshot_hpo.searchers.data.images.os.sysconf", lambda name: 1 << 16)
    with pytest.raises(DatasetError, match=r"have 1\.9 GB, too much"):
        read_cifar10(tmp_path)


def test_a_record_that_is_the_whole_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "nasbench_full.tfrecord"
    length = struct.pack("<Q", 1 << 32)
    with path.open("wb") as file:
        file.write(length + struct.pack("<I", masked_crc(length)))
        file.truncate((1 << 32) + 64)
    with pytest.raises(TableError, match=r"has 4,294,967,296 bytes, too many"):
        import_tfrecord(path, lambda done, total: None)


def test_a_checkpoint_that_is_signed_and_a_bomb(tmp_path: Path) -> None:
    whole = readers()["checkpoints"].samples()[0]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    pickled = next(name for name in members if name.endswith("/data.pkl"))
    # bytearray(10**12), a name that torch's weights_only lets through
    asking = b"\x80\x02cbuiltins\nbytearray\n(\x8a\x06" + (10**12).to_bytes(6, "little") + b"tR."
    for payload in (
        zipped(members | {pickled: asking}),
        zipped(members | {"archive/data/0": bytes(1 << 24)}, zipfile.ZIP_DEFLATED),
    ):
        digest = hashlib.sha256(payload).digest()
        (tmp_path / checkpoint.CHECKPOINT).write_bytes(checkpoint._MAGIC + digest + payload)
        with pytest.raises(checkpoint.DamagedCheckpoint, match=r"bytearray|is compressed"):
            checkpoint.load_checkpoint(tmp_path)


def test_a_study_file_of_aliases_of_aliases(tmp_path: Path) -> None:
    lines = ["name: bomb", "search:", "  a0: &a0 [1, 1]"]
    lines += [f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"bomb\.yaml: line 4, .*aliases are not known"):
        load_study(str(path))


def test_a_grid_of_a_billion_studies(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    values = ", ".join(map(str, range(1000)))
    path.write_text(f"grid:\n  seed: [{values}]\n  eta: [{values}]\n  workers: [{values}]\n")
    with pytest.raises(UserError, match=r"grid\.yaml: has 1,000,000,000 studies"):
        load_grid(str(path))


def test_a_study_file_as_large_as_a_disk(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UserError, match=r"large\.yaml: too large"):
        load_study(str(path))


def test_results_with_more_rows_than_anybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.parquet"
    path.write_bytes(readers()["Parquet results"].samples()[0])
    monkeypatch.setattr("oneshot_hpo.experiments.numbers.baselines_file._MOST_ROWS", 3)
    with pytest.raises(UserError, match="4 rows, too many"):
        read_baselines(path, None, "results")


@pytest.mark.slow
def test_results_with_a_column_of_another_type(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    path.write_bytes(readers()["Parquet results"].samples()[0])
    table = pq.read_table(path)
    column = table.schema.get_field_index("repetition")
    texts = pa.array(["1"] * len(table))
    pq.write_table(table.set_column(column, "repetition", texts), path)
    with pytest.raises(UserError, match="its column 'repetition' has string"):
        read_baselines(path, None, "results")
    column = table.schema.get_field_index("space")
    shares = pa.array([1.0] * len(table))
    pq.write_table(table.set_column(column, "space", shares), path)
    with pytest.raises(UserError, match="its column 'space' has double"):
        read_baselines(path, None, "results")
    for unknown in (pa.array(["x"] * len(table)), pa.array([7] * len(table), pa.int8())):
        pq.write_table(table.set_column(column, "space", unknown), path)
        with pytest.raises(
            UserError, match="parquet: there are search spaces 1, 2, 3, nasbench201"
        ):
            read_baselines(path, None, "results")
    missing = pa.array([None] * len(table), pa.int8())
    pq.write_table(table.set_column(column, "space", missing), path)
    with pytest.raises(UserError, match="a value is missing"):
        read_baselines(path, None, "results")


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": 10**9},
        {"max_budget": 10**400},
        {"max_budget": 10**12, "min_budget": 1},
        {"num_samples": 10**9},
        {"bandwidth_factor": 1e308},
    ],
)
def test_settings_that_would_take_for_ever(changes: dict[str, int | float]) -> None:
    whole = {"min_budget": 1, "max_budget": 4, "iterations": 1}
    with pytest.raises(ValueError, match=" must be "):
        OptimizerSettings(**(whole | changes))  # type: ignore[arg-type]


def test_a_confirmation_with_a_billion_seeds(tmp_path: Path) -> None:
    reader = readers()["confirmations"]
    events = [unsealed(line)[0] for line in reader.samples()[0].splitlines()]
    next(event for event in events if event["event"] == "plan")["seeds"] = 10**9
    content = b"".join(map(sealed, events))
    assert not reader.accepts(content, tmp_path)
