import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.cifar10_writer import write_cifar10
from support.data_imports import names
from support.file_server import FileServer
from support.pickled_images_writer import write_cifar100
from support.processes import finish
from support.study_commands import run, started
from support.tfrecord_writer import random_records, write_tfrecord
from support.waiting import wait_until

from oneshot_hpo.experiments.data.download import DownloadFailed
from oneshot_hpo.experiments.data.fetch import DEFAULT, REMOTES, Remote, fetch
from oneshot_hpo.experiments.data.importing import open_data_folder
from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.nasbench101.official_file import RELEASES
from oneshot_hpo.searchers.data.cifar10 import read_cifar10

CELLS = 5
EPOCHS = {"nasbench_only108": (108,), "nasbench_full": (4, 12, 36, 108)}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    """Serves files of the official names and formats, but few cells and images."""
    with FileServer() as server:
        for name, epochs in EPOCHS.items():
            path = tmp_path / f"{name}.tfrecord"
            records = random_records(
                get_space(1).cells[:CELLS], epochs, np.random.default_rng(len(epochs))
            )
            write_tfrecord(path, records)
            server.files[f"/{path.name}"] = path.read_bytes()
        for file, folder, write in (
            ("cifar-10-python.tar.gz", "cifar-10-batches-py", write_cifar10),
            ("cifar-100-python.tar.gz", "cifar-100-python", write_cifar100),
        ):
            path = tmp_path / file
            with tarfile.open(path, "w:gz") as archive:
                archive.add(write(tmp_path / "images" / folder), folder)
            server.files[f"/{path.name}"] = path.read_bytes()
        yield server


@pytest.fixture
def remotes(server: FileServer) -> dict[str, Remote]:
    """A replacement of REMOTES: the server's files, with their own checksums."""

    def remote(name: str) -> Remote:
        file = REMOTES[name].file
        algorithm = REMOTES[name].checksum.partition(":")[0]
        digest = hashlib.new(algorithm, server.files[f"/{file}"]).hexdigest()
        entries = CELLS * len(EPOCHS.get(name, ()))
        url, images = f"{server.url}/{file}", REMOTES[name].images
        return Remote(url, f"{algorithm}:{digest}", 1 << 30, entries, images)

    return {name: remote(name) for name in REMOTES}


Fetch = Callable[..., list[str]]


@pytest.fixture
def fetched(remotes: dict[str, Remote]) -> Fetch:
    """Fetches, and returns the lines that were shown; the labels of the bars among them."""

    def fetched(*names: str, mirror: str | None = None, replace: bool = False) -> list[str]:
        lines: list[str] = []

        @contextmanager
        def bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
            lines.append(label)
            yield lambda done, total: None

        with open_data_folder() as folder:
            fetch(
                names or DEFAULT,
                folder,
                mirror=mirror,
                replace=replace,
                bar=bar,
                say=lines.append,
                remotes=remotes,
            )
        return lines

    return fetched


def test_the_official_addresses_and_sums_are_those_of_the_releases() -> None:
    for name, digest in RELEASES.items():
        assert REMOTES[name].checksum == f"sha256:{digest}"
        assert REMOTES[name].file == f"{name}.tfrecord"
    assert [REMOTES[name].entries for name in REMOTES] == [423_624, 4 * 423_624, 0, 0]
    assert all(remote.url.startswith("https://") for remote in REMOTES.values())


def test_by_default_both_come_and_the_downloads_go(
    fetched: Fetch, server: FileServer, data: Path
) -> None:
    lines = fetched()
    assert lines[0] == "fetching nasbench_only108.tfrecord"
    assert "NAS-Bench-101: 5 cells, 108 epochs" in lines[2]
    assert "CIFAR-10: 20 training and 6 test images" in lines[-1]
    assert names(data) == ["cifar-10-batches-py", "nasbench101.npz"]
    assert load_table("nasbench101").provenance["source"]["file"] == "nasbench_only108.tfrecord"
    assert len(read_cifar10(data / "cifar-10-batches-py").train) == 20


def test_cifar100_is_fetched_by_its_name(fetched: Fetch, server: FileServer, data: Path) -> None:
    assert REMOTES["cifar100"].checksum == "md5:eb9058c3a382ffc7106e4002c42a8d85"
    lines = fetched("cifar100")
    assert lines[0] == "fetching cifar-100-python.tar.gz"
    assert "CIFAR-100: 20 training and 6 test images" in lines[-1]
    assert names(data) == ["cifar-100-python"]
    server.ranges_asked.clear()
    assert fetched("cifar100") == [
        "cifar100: CIFAR-100 is there already; --replace downloads it again"
    ]
    assert not server.ranges_asked


def test_what_is_there_is_not_fetched_again(
    fetched: Fetch, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(server.files["/nasbench_full.tfrecord"]).hexdigest()
    monkeypatch.setitem(RELEASES, "nasbench_full", digest)
    fetched("nasbench_full", "cifar10")
    server.ranges_asked.clear()
    for name in ("nasbench_only108", "nasbench_full", "cifar10"):
        (line,) = fetched(name)
        assert "is there" in line
    assert not server.ranges_asked
    fetched("cifar10", replace=True)
    assert len(server.ranges_asked) == 1


def test_more_budgets_take_the_place_of_fewer(fetched: Fetch) -> None:
    fetched("nasbench_only108")
    fetched("nasbench_full")
    assert load_table("nasbench101").budgets == (4, 12, 36, 108)


def test_an_unofficial_table_gives_way_to_an_official_one_as_large(
    fetched: Fetch, server: FileServer
) -> None:
    fetched("nasbench_only108")
    assert len(fetched("nasbench_only108")) == 3
    assert len(server.ranges_asked) == 2


def test_a_mirror_has_the_same_files(
    fetched: Fetch, server: FileServer, remotes: dict[str, Remote], data: Path
) -> None:
    with FileServer() as mirror:
        mirror.files = {f"/hpo/data{path}": content for path, content in server.files.items()}
        fetched(mirror=f"{mirror.url}/hpo/data/")
        assert len(mirror.ranges_asked) == 2
    assert not server.ranges_asked
    assert names(data) == ["cifar-10-batches-py", "nasbench101.npz"]


def test_a_wrong_file_is_not_imported(fetched: Fetch, server: FileServer, data: Path) -> None:
    server.files["/cifar-10-python.tar.gz"] = server.files["/nasbench_full.tfrecord"]
    with pytest.raises(DownloadFailed, match="another MD5 checksum"):
        fetched("cifar10")
    assert names(data) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((("nasbench",), None), "nasbench_only108, nasbench_full, cifar10, cifar100"),
        ((("cifar10",), "ftp://host"), "https://"),
        ((("cifar10",), "here"), "https://"),
        ((("cifar10",), "http://"), "https://"),
    ],
)
def test_what_cannot_be_fetched_is_refused_first(
    fetched: Fetch, arguments: tuple[tuple[str, ...], str | None], words: str, data: Path
) -> None:
    wanted, mirror = arguments
    with pytest.raises(DataError, match=words):
        fetched(*wanted, mirror=mirror)
    assert names(data) == []


@pytest.mark.slow
def test_the_command_checks_the_official_sums(server: FileServer, data: Path) -> None:
    ended = run("data", "fetch", "cifar10", "--mirror", server.url)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {server.url}/cifar-10-python.tar.gz: ")
    assert "MD5" in line
    assert names(data) == []
    server.files.clear()
    ended = run("data", "fetch", "--mirror", server.url)
    assert ended.returncode == 1 and "404" in ended.stderr
    assert run("data", "fetch", "imagenet").returncode == 2


@pytest.mark.slow
def test_ctrl_c_keeps_what_came(server: FileServer, data: Path) -> None:
    server.files["/cifar-10-python.tar.gz"] = bytes(2_000_000)
    server.held_after = 1_000_000
    part = data / "downloads" / "cifar-10-python.tar.gz.part"
    with started("data", "fetch", "cifar10", "--mirror", server.url) as child:
        wait_until(lambda: part.exists() and part.stat().st_size > 500_000, child)
        child.send_signal(2)
        _, complaint = finish(child)
    assert child.returncode == 130
    assert complaint == "stopped; what was downloaded is kept; the same command resumes\n"
    shown = run("data", "info").stdout
    assert "Unfinished download of cifar-10-python.tar.gz" in shown
    assert "`oneshot-hpo data fetch cifar10` resumes it" in shown
    server.held_after = None
    server.ranges_asked.clear()
    assert run("data", "fetch", "cifar10", "--mirror", server.url).returncode == 1  # not its sum
    assert server.ranges_asked[0].startswith("bytes=")
    assert names(data) == []
