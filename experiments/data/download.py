"""Download a file whose checksum is known, and resume where an earlier attempt stopped."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import requests

from oneshot_hpo.experiments.errors import StudyStopped
from oneshot_hpo.experiments.wording import file_size

_TIMEOUTS = (60, 120)  # seconds: for the connection, between two pieces of the answer
_PIECE = 1 << 18
_PAUSES = (1.0, 3.0, 10.0)  # seconds
_FINAL = (
    requests.TooManyRedirects,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidURL,
)
"""Errors that another attempt would end with, too."""
_WORTH_A_RETRY = (408, 425, 429)  # and every answer from 500


class DownloadFailed(StudyStopped):
    """A file that cannot be downloaded now, or is not the expected one."""


class _Broken(Exception):
    """An attempt that ended early; another can resume."""


@dataclass(frozen=True)
class _Origin:
    """What identifies the server's file, of which a partial file is the beginning.

    validator: ETag or Last-Modified, "" if the server sends neither. size: -1 if unknown.
    """

    url: str
    validator: str
    size: int


def download(
    url: str,
    destination: Path,
    *,
    checksum: str,
    largest: int,
    on_progress: Callable[[int, int | None], object],
    on_retry: Callable[[str, float], object],
    pauses: Sequence[float] = _PAUSES,
) -> None:
    """Download a file; `destination` exists at the end with the right checksum, or not at all.

    checksum: "sha256:..." or "md5:...", hexadecimal. largest: bytes that the file can have; a
    larger one is refused. on_progress: bytes so far and bytes in all
    (None: unknown). on_retry: why an attempt failed, and the seconds until the next one.
    pauses: seconds before each new attempt after a broken one, counted anew after an attempt that
    received something.

    What was received stays in `destination`.part, and `destination`.origin says of which file, also
    when the process is killed; the next call resumes there if the server still has that file, and
    starts again otherwise. A file already at `destination` is checked, and kept if right. One
    process at a time. Raises DownloadFailed, and OSError if the disk is full.
    """
    if destination.exists() and _matches(destination, checksum):
        return

    part, origin = _beside(destination, ".part"), _beside(destination, ".origin")
    failures, most = 0, _size(part)
    while True:
        try:
            _attempt(url, part, origin, largest, on_progress)
            break
        except _FINAL as error:
            raise DownloadFailed(f"{url}: {_reason(error)}; {_kept(part)}") from error
        except (_Broken, requests.RequestException) as error:
            failures, most = (0, _size(part)) if _size(part) > most else (failures, most)
            if failures == len(pauses):
                raise DownloadFailed(f"{url}: {_reason(error)}; {_kept(part)}") from error
            on_retry(_reason(error), pauses[failures])
            time.sleep(pauses[failures])
            failures += 1

    if not _matches(part, checksum):
        size = _size(part)
        part.unlink()
        origin.unlink(missing_ok=True)
        raise DownloadFailed(
            f"{url}: not the expected file: its {file_size(size)} have another "
            f"{checksum.partition(':')[0].upper()} checksum, and were removed"
        )
    part.replace(destination)
    origin.unlink(missing_ok=True)


def unfinished(folder: Path) -> dict[str, int]:
    """The downloads in a folder that can resume: bytes so far by name."""
    parts = sorted(folder.glob("*.part"))
    return {part.name.removesuffix(".part"): _size(part) for part in parts}


def _attempt(
    url: str,
    part: Path,
    origin: Path,
    largest: int,
    on_progress: Callable[[int, int | None], object],
) -> None:
    """Download the rest of a file; _Broken or requests' errors if another attempt may help."""
    known, have = _known(origin, url), _size(part)
    headers = {"Accept-Encoding": "identity"}
    if known is not None and have:
        if have == known.size:
            return
        headers["Range"] = f"bytes={have}-"
        if known.validator:
            headers["If-Range"] = known.validator

    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUTS) as response:
        status = response.status_code
        if status >= 500 or status in _WORTH_A_RETRY:
            raise _Broken(f"the server answers {status} {response.reason}")
        if status not in (200, 206, 416):
            raise DownloadFailed(f"{url}: the server answers {status} {response.reason}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadFailed(f"{url}: the server compresses the file, against the request")

        found = _origin(response, url)
        if found.size > largest:
            raise _too_large(url, largest)
        if status == 416 or (status == 206 and found != known):
            part.unlink(missing_ok=True)
            raise _Broken("the file on the server has changed")
        if status == 200:
            have = 0
            part.write_bytes(b"")  # never the new origin beside the old bytes
            origin.write_text(json.dumps(asdict(found)))

        size = found.size if found.size >= 0 else None
        with part.open("ab") as file:
            on_progress(have, size)
            for piece in response.iter_content(_PIECE):
                have += len(piece)
                if have > largest:
                    part.unlink()
                    origin.unlink(missing_ok=True)
                    raise _too_large(url, largest)
                file.write(piece)
                on_progress(have, size)
            file.flush()
            os.fsync(file.fileno())

    if size is not None and have < size:
        raise _Broken("the connection ended early")


def _too_large(url: str, largest: int) -> DownloadFailed:
    return DownloadFailed(
        f"{url}: not the expected file: it has more than {file_size(largest)}; nothing is kept"
    )


def _origin(response: requests.Response, url: str) -> _Origin:
    """The server's file, from its answer; a weak ETag allows no ranges."""
    tag = response.headers.get("ETag", "")
    if not tag or tag.startswith("W/"):
        tag = response.headers.get("Last-Modified", "")
    if response.status_code == 200:
        size = response.headers.get("Content-Length", "")
    else:
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
    return _Origin(url, tag, int(size) if size.isdecimal() else -1)


def _known(origin: Path, url: str) -> _Origin | None:
    """The origin noted with a partial file; None if there is none for this address."""
    try:
        known = _Origin(**json.loads(origin.read_text()))
    except (FileNotFoundError, ValueError, TypeError):  # a kill while it was written
        return None
    return known if known.url == url else None


def _matches(path: Path, checksum: str) -> bool:
    algorithm, _, wanted = checksum.partition(":")
    with path.open("rb") as file:
        # For MD5, which CIFAR-10 is published with, on systems that allow it for this use alone.
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest() == wanted


def _reason(error: BaseException) -> str:
    """Why an attempt failed, in few words: requests' own messages are long and nested."""
    if isinstance(error, _Broken):
        return str(error)
    if isinstance(error, requests.TooManyRedirects):
        return "the server sends from one address to the next without an end"
    if isinstance(error, _FINAL):
        return "the server sends to what is no address of the web"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return "the connection broke"


def _kept(part: Path) -> str:
    if not _size(part):
        return "nothing was downloaded"
    return f"the first {file_size(_size(part))} are kept; the same command resumes"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
