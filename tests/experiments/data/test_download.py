import errno
import gzip
import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.file_server import FileServer
from support.processes import running
from support.waiting import HANG_SECONDS, wait_until

from oneshot_hpo.experiments.data.download import DownloadFailed, download, unfinished

CONTENT = np.random.default_rng(0).bytes(2_000_000)
LARGEST = 3_000_000
CUT = 1_200_000
"""Where an answer breaks off: more than one piece that `download` writes."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FileServer() as server:
        server.files["/file"] = CONTENT
        server.etag = '"first"'
        yield server


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Listener:
    """What `download` reported."""

    def __init__(self) -> None:
        self.progress: list[tuple[int, int | None]] = []
        self.retries: list[str] = []

    def fetch(
        self, server: FileServer, folder: Path, content: bytes = CONTENT, retries: int = 2
    ) -> None:
        download(
            f"{server.url}/file",
            folder / "file",
            checksum=sha256(content),
            largest=LARGEST,
            on_progress=lambda done, total: self.progress.append((done, total)),
            on_retry=lambda reason, wait: self.retries.append(reason),
            pauses=[0.0] * retries,
        )


def only_the_file(folder: Path, content: bytes = CONTENT) -> bool:
    (path,) = folder.iterdir()
    return path.name == "file" and path.read_bytes() == content


def interrupted(server: FileServer, folder: Path) -> int:
    """Break a download off; returns how much of it is there."""
    server.cuts = [CUT]
    with pytest.raises(DownloadFailed, match="the same command resumes"):
        Listener().fetch(server, folder, retries=0)
    server.ranges_asked.clear()
    have = unfinished(folder)["file"]
    assert 0 < have <= CUT
    assert not (folder / "file").exists()
    return have


def test_a_file_arrives_whole_and_its_progress_is_reported(
    server: FileServer, tmp_path: Path
) -> None:
    listener = Listener()
    listener.fetch(server, tmp_path)
    assert only_the_file(tmp_path)
    assert listener.progress[0] == (0, len(CONTENT))
    assert listener.progress[-1] == (len(CONTENT), len(CONTENT))
    assert listener.progress == sorted(listener.progress)


def test_md5_is_a_checksum_too(server: FileServer, tmp_path: Path) -> None:
    checksum = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    download(
        f"{server.url}/file",
        tmp_path / "file",
        checksum=checksum,
        largest=LARGEST,
        on_progress=lambda *_: None,
        on_retry=lambda *_: None,
    )
    assert only_the_file(tmp_path)


def test_a_broken_connection_is_taken_up_again(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [CUT, 100_000]
    listener = Listener()
    listener.fetch(server, tmp_path, retries=2)
    assert only_the_file(tmp_path)
    assert len(listener.retries) == 2
    first, second, third = server.ranges_asked
    assert first == ""
    for asked in (second, third):
        assert int(asked.removeprefix("bytes=").removesuffix("-")) > 500_000


def test_progress_renews_the_attempts(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [600_000] * 3
    Listener().fetch(server, tmp_path, retries=1)
    assert only_the_file(tmp_path)


@pytest.mark.parametrize("validator", ["etag", "weak etag", "modified", "none"])
def test_a_later_call_resumes(server: FileServer, tmp_path: Path, validator: str) -> None:
    server.etag = {"etag": '"a"', "weak etag": 'W/"a"'}.get(validator, "")
    if validator in ("weak etag", "modified"):
        server.modified = "Sun, 22 Nov 2020 04:18:00 GMT"
    if validator == "weak etag":  # as a server has to: no part for a weak validator
        server.ranges = False
    have = interrupted(server, tmp_path)
    Listener().fetch(server, tmp_path)
    assert only_the_file(tmp_path)
    assert server.ranges_asked == [f"bytes={have}-"]


def test_a_server_without_ranges_starts_again(server: FileServer, tmp_path: Path) -> None:
    server.ranges = False
    interrupted(server, tmp_path)
    listener = Listener()
    listener.fetch(server, tmp_path)
    assert only_the_file(tmp_path)
    assert listener.progress[0] == (0, len(CONTENT))


@pytest.mark.parametrize("etags", [('"first"', '"second"'), ("", "")])
def test_a_file_that_changed_meanwhile_starts_again(
    server: FileServer, tmp_path: Path, etags: tuple[str, str]
) -> None:
    server.etag = etags[0]
    interrupted(server, tmp_path)
    changed = CONTENT[::-1] + b"more"
    server.files["/file"], server.etag = changed, etags[1]
    Listener().fetch(server, tmp_path, changed)
    assert only_the_file(tmp_path, changed)


def test_a_change_that_nothing_tells_is_found_by_the_checksum(
    server: FileServer, tmp_path: Path
) -> None:
    server.etag = ""
    interrupted(server, tmp_path)
    changed = CONTENT[::-1]
    server.files["/file"] = changed
    with pytest.raises(DownloadFailed, match="SHA256"):
        Listener().fetch(server, tmp_path, changed)
    Listener().fetch(server, tmp_path, changed)
    assert only_the_file(tmp_path, changed)


def test_another_address_starts_again(server: FileServer, tmp_path: Path) -> None:
    interrupted(server, tmp_path)
    with FileServer() as other:
        other.files, other.etag = server.files, server.etag
        Listener().fetch(other, tmp_path)
        assert other.ranges_asked == [""]
    assert only_the_file(tmp_path)


def test_the_wrong_file_is_removed(server: FileServer, tmp_path: Path) -> None:
    server.files["/file"] = b"<html>Log in to this network first</html>"
    with pytest.raises(DownloadFailed, match="another SHA256 checksum, and were removed"):
        Listener().fetch(server, tmp_path)
    assert not list(tmp_path.iterdir())
    assert len(server.ranges_asked) == 1


def test_a_missing_file_is_not_requested_again(server: FileServer, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(DownloadFailed, match="404"):
        Listener().fetch(server, tmp_path)
    assert len(server.ranges_asked) == 1
    assert not list(tmp_path.iterdir())


def test_a_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [503, 429]
    listener = Listener()
    listener.fetch(server, tmp_path, retries=2)
    assert only_the_file(tmp_path)
    assert ["503" in listener.retries[0], "429" in listener.retries[1]] == [True, True]


def test_no_server_says_so(tmp_path: Path) -> None:
    with FileServer() as gone:
        pass
    listener = Listener()
    with pytest.raises(DownloadFailed, match="Connection refused; nothing was downloaded"):
        listener.fetch(gone, tmp_path)
    assert listener.retries == ["Connection refused"] * 2


def test_a_file_that_is_there_is_checked_and_kept(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    Listener().fetch(server, tmp_path)
    assert server.ranges_asked == []
    (tmp_path / "file").write_bytes(CONTENT[1:])
    Listener().fetch(server, tmp_path)
    assert only_the_file(tmp_path)


def test_a_kill_after_the_last_byte_costs_no_download(server: FileServer, tmp_path: Path) -> None:
    interrupted(server, tmp_path)
    (tmp_path / "file.part").write_bytes(CONTENT)
    Listener().fetch(server, tmp_path)
    assert server.ranges_asked == []
    assert only_the_file(tmp_path)


@pytest.mark.parametrize("damage", ["origin", "too long"])
def test_what_a_kill_or_a_stranger_left_is_not_trusted(
    server: FileServer, tmp_path: Path, damage: str
) -> None:
    interrupted(server, tmp_path)
    if damage == "origin":
        (tmp_path / "file.origin").write_text('{"url": "http')
    else:
        (tmp_path / "file.part").write_bytes(CONTENT * 2)
    Listener().fetch(server, tmp_path)
    assert only_the_file(tmp_path)


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_download_that_was_stopped_resumes(
    server: FileServer, tmp_path: Path, stop: signal.Signals
) -> None:
    server.held_after = CUT
    script = f"""
from pathlib import Path
from oneshot_hpo.experiments.data.download import download
download({server.url + "/file"!r}, Path({str(tmp_path / "file")!r}), checksum={sha256(CONTENT)!r},
         largest={LARGEST}, on_progress=lambda *_: None, on_retry=lambda *_: None)
"""
    with running([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as child:
        wait_until(lambda: unfinished(tmp_path).get("file", 0) >= 500_000, child)
        child.send_signal(stop)
        child.wait(HANG_SECONDS)
    have = unfinished(tmp_path)["file"]
    server.held_after = None
    server.ranges_asked.clear()
    Listener().fetch(server, tmp_path)
    assert server.ranges_asked == [f"bytes={have}-"]
    assert only_the_file(tmp_path)


def test_a_full_disk_is_no_connection_that_broke(server: FileServer, tmp_path: Path) -> None:
    script = f"""
import resource
from pathlib import Path
from oneshot_hpo.experiments.data.download import download
resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
try:
    download({server.url + "/file"!r}, Path({str(tmp_path / "file")!r}), checksum="sha256:00",
             largest={LARGEST}, on_progress=lambda *_: None, on_retry=lambda *_: print("again"))
except OSError as error:
    print(type(error).__name__, error.errno)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout.split() == ["OSError", str(errno.EFBIG)], ended
    have = unfinished(tmp_path)["file"]
    assert have == 700_000
    Listener().fetch(server, tmp_path)
    assert only_the_file(tmp_path)
    assert server.ranges_asked == ["", f"bytes={have}-"]


@pytest.mark.parametrize(
    "where", ["ftp://127.0.0.1/file", "file:///etc/passwd", "/file", "http://"]
)
def test_a_server_that_sends_astray_is_asked_once(
    server: FileServer, tmp_path: Path, where: str
) -> None:
    server.sends_to = where
    listener = Listener()
    with pytest.raises(DownloadFailed, match=r"the server sends .*nothing was downloaded"):
        listener.fetch(server, tmp_path)
    assert listener.retries == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_an_end_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.endless = True
    listener = Listener()
    with pytest.raises(DownloadFailed, match=r"more than 3\.0 MB; nothing is kept"):
        listener.fetch(server, tmp_path)
    assert listener.retries == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_says_to_be_too_large_is_not_begun(server: FileServer, tmp_path: Path) -> None:
    server.files["/file"] = bytes(LARGEST + 1)
    with pytest.raises(DownloadFailed, match=r"more than 3\.0 MB"):
        Listener().fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_comes_packed_is_refused(server: FileServer, tmp_path: Path) -> None:
    """What a packed answer unpacks to has no bound."""
    server.files["/file"] = gzip.compress(bytes(1 << 20))
    server.encoding = "gzip"
    with pytest.raises(DownloadFailed, match="the server compresses the file"):
        Listener().fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []
